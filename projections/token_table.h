#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "domain/ids.h"
#include "eventstore/pepper.h"
#include "projections/last_use.h"
#include "projections/name_arena.h"

namespace mintmark {

enum class TokenState : std::uint8_t { kPending, kActive, kParked, kInactive };

// What a key is checked against.
struct KeyRecord {
  Digest digest{};
  std::uint32_t expires_at = 0;  // seconds since 1970, refused from then on; 0: never
  std::uint8_t pepper = 0;       // from 1

  bool operator==(const KeyRecord&) const = default;
};

// A token as the authorization index knows it.
struct TokenRecord {
  TokenId token;
  AccountId account;
  KeyRecord key;
  std::optional<KeyRecord> renewed_key;      // good as well
  std::optional<std::uint64_t> permissions;  // module_bit()s (domain/token.h); nothing: every module
  std::uint8_t extension = 0;                // Extension, below 4
  TokenState state = TokenState::kPending;
  std::string_view name;  // at most NameArena::text_bytes_max bytes

  bool operator==(const TokenRecord&) const = default;
};

// One copy of the authorization index: a hash table of tokens that finds one with a single access to memory.
// Not thread-safe; the const functions may run in several threads while nothing changes it, and last uses may
// be noted and taken meanwhile.
//
// Ids are scrambled to 30 bits by a bijection; the upper bits choose a shard, and the lower 24 are the key
// inside it. A shard is an array of 32-byte cells in key order with gaps: ordered linear probing (Amble and
// Knuth, "Ordered Hash Tables", 1974), so that a search for what is absent ends as early as another, deletion
// leaves no tombstones, growing is one sequential pass, and all cells in order have one order whatever
// happened before. A shard grows by an eighth when it is 13/16 full; it does not shrink. What few tokens
// have, a renewed key or permissions, lies in maps beside it. Behind its cells a shard has a word for the
// last use of each: a copy's own, since what moves the cells moves them too.
class TokenTable {
 public:
  static constexpr std::size_t tokens_max = 400'000'000;
  static constexpr std::size_t shard_count = 64;

  struct Entry {
    std::uint32_t key : 24;
    std::uint32_t name_length : 6;  // long_name: the arena knows it
    std::uint32_t extension : 2;
    std::uint32_t account : 21;
    std::uint32_t pepper : 8;  // 0: the cell is empty
    std::uint32_t state : 2;
    std::uint32_t has_more : 1;  // permissions or a renewed key
    std::uint32_t expires_at;
    NameArena::Ref name;
    Digest digest;
  };

  TokenTable();

  // Asks the processor to fetch what find(id) will read.
  void prefetch(TokenId id) const;
  // Null for an unknown id. Valid until the table changes.
  const Entry* find(TokenId id) const;

  AccountId account(const Entry& entry) const { return AccountId::from_code(entry.account); }
  TokenState state(const Entry& entry) const { return static_cast<TokenState>(entry.state); }
  // Null where the token has none, which is told without reading more memory than the entry. Valid until the
  // table changes.
  const KeyRecord* renewed_key(TokenId id, const Entry& entry) const;
  std::optional<std::uint64_t> permissions(TokenId id, const Entry& entry) const;
  // All of a token that is present. Valid until the table changes.
  TokenRecord record(TokenId id, const Entry& entry) const;
  // For names below 63 bytes, reads none of the arena's memory.
  std::string_view name(const Entry& entry) const;
  // Asks the processor to fetch what name(entry) refers to.
  void prefetch_name(const Entry& entry) const { __builtin_prefetch(names_.text_start(entry.name)); }
  // Of a token that is present. May be changed though the table is const; valid until the table changes.
  LastUse last_use(TokenId id, const Entry& entry) const;

  // Makes room for that many tokens at once.
  void reserve(std::size_t tokens);
  // False where the id is present already: nothing changes. There must be room, see can_take().
  bool insert(const TokenRecord& record);
  // These need an id that is present.
  void rename(TokenId id, std::string_view name);
  void set_state(TokenId id, TokenState state);
  // Ends its key for good, also for a clock that goes back. A key that is set later finds the token as it
  // was.
  void expire(TokenId id);
  void set_key(TokenId id, const KeyRecord& key);  // and no renewed one
  void set_renewed_key(TokenId id, const KeyRecord& key, std::uint32_t old_expires_at);
  void set_permissions(TokenId id, std::uint64_t permissions);
  // False where the id is absent.
  bool erase(TokenId id);

  // Whether that many more tokens with new names of so many bytes altogether will fit.
  bool can_take(std::size_t tokens, std::size_t name_bytes) const;

  // Calls visit(const TokenRecord&) for every token, in the order of the scrambled ids.
  template <class Visit>
  void for_each(Visit&& visit) const;
  // The same of a part, below part_count: together, in their order, they have all.
  static constexpr std::size_t part_count = 8192;
  template <class Visit>
  void for_each(std::size_t part, Visit&& visit) const;
  // Where the token stands in that order, which is the same for every table.
  static std::uint32_t order_of(TokenId id) { return scramble(id.value()); }
  // The first place of a part, or of one behind the last.
  static std::uint64_t first_order_of(std::size_t part) { return std::uint64_t{part} * places_in_part; }
  // Calls visit(TokenId, AccountId, LastUse) for every token of a larger part, below use_part_count.
  static constexpr std::size_t use_part_count = 1024;
  template <class Visit>
  void for_each_last_use(std::size_t part, Visit&& visit) const;

  // The account's tokens; looks at every token.
  std::vector<TokenId> tokens_of(AccountId account) const;

  std::size_t size() const { return size_; }
  std::size_t memory_bytes() const;

 private:
  static constexpr unsigned key_bits = 24;
  static_assert(shard_count == 1U << (30 - key_bits));
  static constexpr std::uint32_t places_in_part = (1U << 30) / part_count;
  static constexpr std::uint32_t places_in_use_part = (1U << 30) / use_part_count;
  static_assert(part_count % shard_count == 0 && use_part_count % shard_count == 0);
  static constexpr std::size_t long_name = 63;
  // Cells behind the last home, for entries that were pushed on; the last one always stays empty.
  static constexpr std::size_t tail_cells = 32;

  struct Free {
    void operator()(Entry* cells) const;
  };

  struct Shard {
    std::unique_ptr<Entry[], Free> owned;
    const Entry* cells;                  // owned, or one empty cell
    std::uint32_t* last_uses = nullptr;  // of each cell: LastUse; null where nothing is owned
    std::size_t homes = 0;
    std::size_t size = 0;

    std::size_t home(std::uint32_t key) const { return (std::uint64_t{key} * homes) >> key_bits; }
    std::size_t cell_count() const { return homes == 0 ? 0 : homes + tail_cells; }
    // The first cell from the key's home on that is empty or has no smaller key.
    const Entry* seek(std::uint32_t key) const;
    bool place(const Entry& entry);
    void remove(std::size_t index);
    void resize(std::size_t homes);
  };

  struct Place {
    std::size_t shard;
    std::uint32_t key;
  };
  static std::uint32_t scramble(std::uint32_t id);
  static std::uint32_t unscramble(std::uint32_t scrambled);
  static Place place_of(TokenId id);

  Entry* find_for_change(TokenId id);
  void set_name(Entry& entry, TokenId id, std::string_view name);
  void clean_names();
  // Calls visit(shard number, cell number) for every token in so many places, all of one shard.
  template <class Visit>
  void for_each_cell(std::uint64_t first_place, std::uint32_t places, Visit&& visit) const;
  static TokenId id_of(std::size_t shard, const Entry& entry);

  std::array<Shard, shard_count> shards_;
  boost::unordered_flat_map<std::uint32_t, KeyRecord> renewed_keys_;
  boost::unordered_flat_map<std::uint32_t, std::uint64_t> permissions_;
  NameArena names_;
  std::size_t size_ = 0;
  std::size_t cell_bytes_ = 0;
};

static_assert(sizeof(TokenTable::Entry) == 32);

template <class Visit>
void TokenTable::for_each(Visit&& visit) const {
  for (std::size_t part = 0; part < part_count; ++part) for_each(part, visit);
}

template <class Visit>
void TokenTable::for_each_cell(std::uint64_t first_place, std::uint32_t places, Visit&& visit) const {
  const auto shard = static_cast<std::size_t>(first_place >> key_bits);
  const auto first = static_cast<std::uint32_t>(first_place % (1U << key_bits));
  const auto& from = shards_[shard];
  // What is not smaller than the first key stands at its home or behind it, in order.
  for (auto i = from.home(first); i < from.cell_count(); ++i) {
    const auto& entry = from.cells[i];
    if (entry.pepper == 0 || entry.key < first) continue;
    if (entry.key - first >= places) break;
    visit(shard, i);
  }
}

template <class Visit>
void TokenTable::for_each(std::size_t part, Visit&& visit) const {
  for_each_cell(first_order_of(part), places_in_part, [&](std::size_t shard, std::size_t i) {
    const auto& entry = shards_[shard].cells[i];
    visit(record(id_of(shard, entry), entry));
  });
}

template <class Visit>
void TokenTable::for_each_last_use(std::size_t part, Visit&& visit) const {
  for_each_cell(std::uint64_t{part} * places_in_use_part, places_in_use_part,
                [&](std::size_t shard, std::size_t i) {
                  const auto& entry = shards_[shard].cells[i];
                  visit(id_of(shard, entry), account(entry), LastUse(shards_[shard].last_uses[i]));
                });
}

}  // namespace mintmark
