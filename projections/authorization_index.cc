#include "projections/authorization_index.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>
#include <sodium.h>
#include <spdlog/spdlog.h>

#include "projections/authorization_snapshot.h"

namespace mintmark {

AuthorizationIndex::AuthorizationIndex(const Peppers& peppers) : peppers_(peppers) {
  publish_sizes();
}

AuthorizationIndex::~AuthorizationIndex() = default;

AuthorizationIndex::Match AuthorizationIndex::authenticate(const TokenTable& table, TokenId id,
                                                           const Secret& secret) const {
  static constexpr Digest nothing{};
  const TokenTable::Entry* entry = nullptr;
  std::uint32_t pepper = peppers_.newest();
  Digest digest;
  if (pepper == 1) {
    // The one pepper is known before the entry is, so the digest fills the time that memory takes. With more
    // of them a wrong guess would cost a second digest and tell by its time that the id exists.
    table.prefetch(id);
    digest = peppers_.digest(pepper, secret);
    entry = table.find(id);
  } else {
    entry = table.find(id);
    if (entry != nullptr) pepper = entry->pepper;
    digest = peppers_.digest(pepper, secret);
  }
  if (entry != nullptr) table.prefetch_name(*entry);  // the answer has it, last
  static_assert(sizeof digest == crypto_verify_16_BYTES);
  const auto& expected = entry != nullptr ? entry->digest : nothing;
  const bool same = crypto_verify_16(expected.data(), digest.data()) == 0;
  if (same && entry != nullptr && entry->pepper == pepper) return {entry, entry->expires_at};

  const auto* const renewed = entry != nullptr ? table.renewed_key(id, *entry) : nullptr;
  if (renewed == nullptr) return {};
  if (renewed->pepper != pepper) digest = peppers_.digest(renewed->pepper, secret);
  if (crypto_verify_16(renewed->digest.data(), digest.data()) != 0) return {};
  return {entry, renewed->expires_at};
}

void AuthorizationIndex::apply(std::span<const StoredEvent> events) {
  const auto before = checkpoint();
  while (!events.empty() && events.front().recorded.position() <= before) events = events.subspan(1);
  if (events.empty()) return;
  auto last = before;
  for (const auto& event : events) {
    if (event.recorded.position() != last + 1) {
      throw std::logic_error(
          fmt::format("the authorization index got event {} behind {}", event.recorded.position(), last));
    }
    ++last;
  }

  auto changes = plan_changes(events, copies_.idle(), history_);
  for (const auto& [stream, parked] : changes.parked) {
    spdlog::critical("{}: cannot apply the event at position {}; stream {} is parked: {}", name(),
                     parked.position, stream, parked.reason);
  }
  const std::lock_guard lock(copies_mutex_);
  if (!changes.table.empty()) {
    if (former_tokens_) former_tokens_->note(changes.table, copies_.idle());
    copies_.write([&](TokenTable& table) { apply_changes(changes.table, table); });
  }
  for (const auto id : changes.deleted) history_.deleted.insert(id);
  if (!changes.parked.empty()) {
    const std::lock_guard parked_lock(parked_mutex_);
    history_.parked.merge(changes.parked);
  }
  publish_sizes();
  checkpoint_.store(last, std::memory_order_release);
}

std::optional<Time> AuthorizationIndex::last_use(TokenId id) const {
  const std::lock_guard lock(copies_mutex_);
  std::optional<Time> last;
  // A use is noted in the copy that is read just then.
  for (const auto& table : copies_.copies()) {
    const auto* const entry = table.find(id);
    if (entry != nullptr) last = std::max(last, table.last_use(id, *entry).time());
  }
  return last;
}

std::vector<AuthorizationIndex::TokenUsed> AuthorizationIndex::take_uses(std::size_t part) {
  std::vector<TokenUsed> uses;
  {
    const std::lock_guard lock(copies_mutex_);
    for (const auto& table : copies_.copies()) {
      table.for_each_last_use(part, [&uses](TokenId token, AccountId account, LastUse last_use) {
        if (const auto at = last_use.take()) uses.push_back({token, account, *at});
      });
    }
  }
  // One that was used in both copies: the newer use.
  std::ranges::sort(uses, [](const TokenUsed& left, const TokenUsed& right) {
    return std::pair(left.token, right.at) < std::pair(right.token, left.at);
  });
  const auto repeated = std::ranges::unique(uses, {}, &TokenUsed::token);
  uses.erase(repeated.begin(), repeated.end());
  return uses;
}

std::size_t AuthorizationIndex::parked_streams() const {
  const std::lock_guard lock(parked_mutex_);
  return history_.parked.size();
}

std::vector<ParkedStream> AuthorizationIndex::parked(std::size_t limit) const {
  const std::lock_guard lock(parked_mutex_);
  return first_of(history_.parked, limit);
}

std::string AuthorizationIndex::fingerprint() const {
  return authorization_fingerprint(copies_.idle(), history_);
}

std::uint64_t AuthorizationIndex::snapshot_bytes() const {
  const std::lock_guard lock(copies_mutex_);
  return copies_.idle().memory_bytes() + history_.deleted.size() * sizeof(std::uint32_t);
}

void AuthorizationIndex::save(const std::filesystem::path& path, EventId log_id) {
  const std::lock_guard saving(saving_mutex_);
  SnapshotContent content{.log_id = log_id, .history = {}};
  {
    const std::lock_guard lock(copies_mutex_);
    content.checkpoint = checkpoint();
    content.tokens = copies_.idle().size();
    content.history = history_;
    former_tokens_ = std::make_unique<FormerTokens>();
  }
  const auto forget = [this](const void*) {
    const std::lock_guard lock(copies_mutex_);
    former_tokens_.reset();
  };
  const std::unique_ptr<const void, decltype(forget)> forgotten(this, forget);
  save_authorization_snapshot(path, content, [this](std::string& bytes) {
    const std::lock_guard lock(copies_mutex_);
    former_tokens_->take_part(copies_.idle(), bytes);
  });
  saved_.store(content.checkpoint, std::memory_order_release);
}

std::expected<void, std::string> AuthorizationIndex::load(const std::filesystem::path& path, EventId log_id) {
  if (checkpoint() != 0) return std::unexpected("the index is not empty");
  auto loaded = load_authorization_snapshot(path, log_id);
  if (!loaded) return std::unexpected(std::move(loaded).error());
  const std::lock_guard lock(copies_mutex_);
  std::size_t copy = 0;
  copies_.write([&](TokenTable& table) { table = std::move(loaded->copies[copy++]); });
  {
    const std::lock_guard parked_lock(parked_mutex_);
    history_ = std::move(loaded->history);
  }
  publish_sizes();
  checkpoint_.store(loaded->checkpoint, std::memory_order_release);
  saved_.store(loaded->checkpoint, std::memory_order_release);
  return {};
}

void AuthorizationIndex::publish_sizes() {
  size_.store(copies_.idle().size(), std::memory_order_relaxed);
  memory_bytes_.store(2 * copies_.idle().memory_bytes() + history_.deleted.memory_bytes(),
                      std::memory_order_relaxed);
}

}  // namespace mintmark
