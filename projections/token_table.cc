#include "projections/token_table.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <new>

#include <sys/mman.h>

namespace mintmark {
namespace {

constexpr TokenTable::Entry no_cells[1]{};
constexpr std::uint32_t id_mask = (1U << 30) - 1;
constexpr std::size_t huge_page = 2UL * 1024 * 1024;
constexpr std::size_t cache_line = 64;
constexpr std::size_t cell_bytes = sizeof(TokenTable::Entry) + sizeof(std::uint32_t);  // with its last use
constexpr std::uint32_t ended_long_ago = 1;  // in seconds since 1970; 0 would be never

// Odd numbers, and their inverses modulo 2^30.
constexpr std::uint32_t first_factor = 0x2c1b3c6d;
constexpr std::uint32_t second_factor = 0x297a2d39;

constexpr std::uint32_t inverse(std::uint32_t odd) {
  std::uint32_t result = odd;  // right in 3 bits; each round of Newton's doubles them
  for (int i = 0; i < 4; ++i) result *= 2 - odd * result;
  return result;
}
static_assert(first_factor * inverse(first_factor) == 1 && second_factor * inverse(second_factor) == 1);

}  // namespace

void TokenTable::Free::operator()(Entry* cells) const {
  std::free(cells);
}

TokenTable::TokenTable() {
  for (auto& shard : shards_) shard.cells = no_cells;
}

// Multiplications by odd numbers and shifts by half the width, each of which can be undone.
std::uint32_t TokenTable::scramble(std::uint32_t id) {
  id = (id * first_factor) & id_mask;
  id ^= id >> 15;
  id = (id * second_factor) & id_mask;
  return id ^ (id >> 15);
}

std::uint32_t TokenTable::unscramble(std::uint32_t scrambled) {
  scrambled ^= scrambled >> 15;
  scrambled = (scrambled * inverse(second_factor)) & id_mask;
  scrambled ^= scrambled >> 15;
  return (scrambled * inverse(first_factor)) & id_mask;
}

TokenTable::Place TokenTable::place_of(TokenId id) {
  const auto scrambled = scramble(id.value());
  return {scrambled >> key_bits, scrambled & ((1U << key_bits) - 1)};
}

const TokenTable::Entry* TokenTable::Shard::seek(std::uint32_t key) const {
  const Entry* entry = cells + home(key);
  while (entry->pepper != 0 && entry->key < key) ++entry;
  return entry;
}

// False where the cells from the home on are full up to the end.
bool TokenTable::Shard::place(const Entry& entry) {
  const auto index = static_cast<std::size_t>(seek(entry.key) - cells);
  auto empty = index;
  while (owned[empty].pepper != 0) ++empty;
  if (empty + 1 == cell_count()) return false;
  std::copy_backward(&owned[index], &owned[empty], &owned[empty + 1]);
  std::copy_backward(last_uses + index, last_uses + empty, last_uses + empty + 1);
  owned[index] = entry;
  last_uses[index] = 0;
  ++size;
  return true;
}

void TokenTable::Shard::remove(std::size_t index) {
  auto next = index + 1;
  for (; owned[next].pepper != 0 && home(owned[next].key) < next; ++next) {
    owned[next - 1] = owned[next];
    last_uses[next - 1] = last_uses[next];
  }
  owned[next - 1] = Entry{};
  last_uses[next - 1] = 0;
  --size;
}

// Whole huge pages where it is large: a random access then seldom misses the translation buffer as well.
void TokenTable::Shard::resize(std::size_t new_homes) {
  for (;; new_homes += new_homes / 8) {
    const auto count = new_homes + tail_cells;
    const auto bytes = count * cell_bytes;
    const auto alignment = bytes >= huge_page ? huge_page : cache_line;
    const auto rounded = (bytes + alignment - 1) / alignment * alignment;
    void* const memory =
        std::aligned_alloc(alignment, alignment == huge_page ? rounded : (bytes + 63) / 64 * 64);
    if (memory == nullptr) throw std::bad_alloc();
    if (alignment == huge_page) madvise(memory, bytes / huge_page * huge_page, MADV_HUGEPAGE);  // a hint
    std::memset(memory, 0, bytes);
    Shard grown{.owned{static_cast<Entry*>(memory)},
                .cells = nullptr,
                .last_uses = nullptr,
                .homes = new_homes,
                .size = size};
    grown.cells = grown.owned.get();
    grown.last_uses = reinterpret_cast<std::uint32_t*>(grown.owned.get() + count);

    std::size_t next = 0;
    bool fits = true;
    for (std::size_t i = 0; i < cell_count(); ++i) {
      if (cells[i].pepper == 0) continue;
      next = std::max(next, grown.home(cells[i].key));
      fits = next + 1 < count;
      if (!fits) break;
      grown.last_uses[next] = last_uses[i];
      grown.owned[next++] = cells[i];
    }
    if (!fits) continue;
    *this = std::move(grown);
    return;
  }
}

void TokenTable::prefetch(TokenId id) const {
  const auto place = place_of(id);
  const auto& shard = shards_[place.shard];
  const auto home = shard.home(place.key);
  const auto* const cell = reinterpret_cast<const char*>(shard.cells + home);
  __builtin_prefetch(cell);
  __builtin_prefetch(cell + cache_line);       // still inside the shard's tail
  __builtin_prefetch(shard.last_uses + home);  // null and 0 where the shard is empty
}

const TokenTable::Entry* TokenTable::find(TokenId id) const {
  const auto place = place_of(id);
  const auto* const entry = shards_[place.shard].seek(place.key);
  return entry->pepper != 0 && entry->key == place.key ? entry : nullptr;
}

TokenTable::Entry* TokenTable::find_for_change(TokenId id) {
  const auto* const entry = find(id);
  if (entry == nullptr) return nullptr;
  auto& shard = shards_[place_of(id).shard];
  return &shard.owned[static_cast<std::size_t>(entry - shard.cells)];
}

LastUse TokenTable::last_use(TokenId id, const Entry& entry) const {
  const auto& shard = shards_[place_of(id).shard];
  return LastUse(shard.last_uses[&entry - shard.cells]);
}

std::string_view TokenTable::name(const Entry& entry) const {
  if (entry.name_length == long_name) return names_.text(entry.name);
  return {names_.text_start(entry.name), entry.name_length};
}

const KeyRecord* TokenTable::renewed_key(TokenId id, const Entry& entry) const {
  if (entry.has_more == 0) return nullptr;
  const auto found = renewed_keys_.find(id.value());
  return found == renewed_keys_.end() ? nullptr : &found->second;
}

std::optional<std::uint64_t> TokenTable::permissions(TokenId id, const Entry& entry) const {
  if (entry.has_more == 0) return std::nullopt;
  const auto found = permissions_.find(id.value());
  return found == permissions_.end() ? std::nullopt : std::optional(found->second);
}

void TokenTable::reserve(std::size_t tokens) {
  // A little more than an even share at three quarters: shards differ by some standard deviations.
  const auto homes = tokens / shard_count * 4 / 3 + 16;
  for (auto& shard : shards_) {
    if (shard.homes >= homes) continue;
    const auto before = shard.cell_count();
    shard.resize(homes);
    cell_bytes_ += (shard.cell_count() - before) * cell_bytes;
  }
}

bool TokenTable::insert(const TokenRecord& record) {
  assert(record.key.pepper != 0 && record.extension < 4);
  if (find(record.token) != nullptr) return false;
  const auto place = place_of(record.token);
  auto& shard = shards_[place.shard];
  Entry entry{};
  entry.key = place.key & ((1U << key_bits) - 1);
  entry.extension = record.extension & 3U;
  entry.account = record.account.code() & ((1U << 21) - 1);
  entry.pepper = record.key.pepper;
  entry.state = static_cast<std::uint32_t>(record.state) & 3U;
  entry.expires_at = record.key.expires_at;
  entry.digest = record.key.digest;
  entry.has_more = record.renewed_key || record.permissions;
  if (record.renewed_key) renewed_keys_[record.token.value()] = *record.renewed_key;
  if (record.permissions) permissions_[record.token.value()] = *record.permissions;
  set_name(entry, record.token, record.name);
  while (shard.size >= shard.homes / 16 * 13 || !shard.place(entry)) {
    const auto before = shard.cell_count();
    shard.resize(shard.homes + std::max<std::size_t>(shard.homes / 8, 16));
    cell_bytes_ += (shard.cell_count() - before) * cell_bytes;
  }
  ++size_;
  return true;
}

void TokenTable::set_name(Entry& entry, TokenId id, std::string_view name) {
  entry.name = names_.add(id, name);
  entry.name_length = std::min(name.size(), long_name) & 63U;
}

void TokenTable::rename(TokenId id, std::string_view name) {
  auto* const entry = find_for_change(id);
  assert(entry != nullptr);
  names_.drop(entry->name);
  set_name(*entry, id, name);
  clean_names();
}

void TokenTable::set_state(TokenId id, TokenState state) {
  auto* const entry = find_for_change(id);
  assert(entry != nullptr);
  entry->state = static_cast<std::uint32_t>(state) & 3U;
}

void TokenTable::expire(TokenId id) {
  auto* const entry = find_for_change(id);
  assert(entry != nullptr);
  entry->expires_at = ended_long_ago;
}

void TokenTable::set_key(TokenId id, const KeyRecord& key) {
  auto* const entry = find_for_change(id);
  assert(entry != nullptr && key.pepper != 0);
  entry->digest = key.digest;
  entry->pepper = key.pepper;
  entry->expires_at = key.expires_at;
  renewed_keys_.erase(id.value());
  entry->has_more = permissions_.contains(id.value());
}

void TokenTable::set_renewed_key(TokenId id, const KeyRecord& key, std::uint32_t old_expires_at) {
  auto* const entry = find_for_change(id);
  assert(entry != nullptr && key.pepper != 0);
  entry->expires_at = old_expires_at;
  entry->has_more = 1;
  renewed_keys_[id.value()] = key;
}

void TokenTable::set_permissions(TokenId id, std::uint64_t permissions) {
  auto* const entry = find_for_change(id);
  assert(entry != nullptr);
  entry->has_more = 1;
  permissions_[id.value()] = permissions;
}

bool TokenTable::erase(TokenId id) {
  const auto* const entry = find(id);
  if (entry == nullptr) return false;
  names_.drop(entry->name);
  renewed_keys_.erase(id.value());
  permissions_.erase(id.value());
  auto& shard = shards_[place_of(id).shard];
  shard.remove(static_cast<std::size_t>(entry - shard.cells));
  --size_;
  clean_names();
  return true;
}

void TokenTable::clean_names() {
  while (names_.wants_cleaning()) {
    names_.clean(
        [this](TokenId id, NameArena::Ref ref) {
          const auto* const entry = find(id);
          return entry != nullptr && entry->name == ref;
        },
        [this](TokenId id, NameArena::Ref ref) { find_for_change(id)->name = ref; });
  }
}

bool TokenTable::can_take(std::size_t tokens, std::size_t name_bytes) const {
  // Every chunk may end in room too small for the next text; cleaning needs a chunk to copy into.
  const auto chunks =
      (name_bytes + tokens * 8) / (NameArena::chunk_bytes - NameArena::text_bytes_max - 8) + 4;
  return size_ + tokens <= tokens_max && chunks <= names_.chunks_left();
}

TokenId TokenTable::id_of(std::size_t shard, const Entry& entry) {
  return TokenId::from_value(unscramble(static_cast<std::uint32_t>(shard << key_bits) | entry.key));
}

std::vector<TokenId> TokenTable::tokens_of(AccountId account) const {
  std::vector<TokenId> tokens;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    for (const auto& entry : std::span(shards_[i].cells, shards_[i].cell_count())) {
      if (entry.pepper != 0 && entry.account == account.code()) tokens.push_back(id_of(i, entry));
    }
  }
  return tokens;
}

TokenRecord TokenTable::record(TokenId id, const Entry& entry) const {
  const auto* const renewed = renewed_key(id, entry);
  return {.token = id,
          .account = account(entry),
          .key = {entry.digest, entry.expires_at, static_cast<std::uint8_t>(entry.pepper)},
          .renewed_key = renewed != nullptr ? std::optional(*renewed) : std::nullopt,
          .permissions = permissions(id, entry),
          .extension = static_cast<std::uint8_t>(entry.extension),
          .state = state(entry),
          .name = name(entry)};
}

std::size_t TokenTable::memory_bytes() const {
  // A flat map has a byte beside each of its slots.
  const auto bytes_of = [](const auto& map) { return map.bucket_count() * (sizeof(*map.begin()) + 1); };
  return sizeof *this + cell_bytes_ + names_.memory_bytes() + bytes_of(renewed_keys_) +
         bytes_of(permissions_);
}

}  // namespace mintmark
