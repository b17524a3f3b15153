#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "domain/ids.h"
#include "eventstore/event_log.h"
#include "projections/rows.pb.h"
#include "projections/token_status.h"

namespace mintmark {

// Texts behind one another in one buffer, so that a search runs over many at once.
class TextColumn {
 public:
  std::string_view operator[](std::size_t row) const {
    const auto begin = row == 0 ? 0 : ends_[row - 1];
    return std::string_view(bytes_).substr(begin, ends_[row] - begin);
  }
  // All texts without a boundary; row i ends before offset end(i).
  std::string_view bytes() const { return bytes_; }
  std::size_t end(std::size_t row) const { return ends_[row]; }
  std::size_t size() const { return ends_.size(); }

  void push_back(std::string_view text);
  void replace(std::size_t row, std::string_view text);
  void erase(std::size_t row);

 private:
  std::string bytes_;
  std::vector<std::uint32_t> ends_;
};

// What lists filter, search and order tokens by, column by column. A row's index is the same in every column.
struct TokenBlock {
  static constexpr std::size_t rows_max = 512;
  static constexpr std::int64_t never = INT64_MAX;

  std::size_t size() const { return created_positions.size(); }

  std::vector<Position> created_positions;  // ascending
  std::vector<TokenId> ids;
  TextColumn id_texts;
  TextColumn names;
  TextColumn descriptions;
  TextColumn external_ids;
  std::vector<StatusInputs> statuses;  // with the expiry
  std::vector<ExtensionId> extensions;
  std::vector<std::uint64_t> permissions;  // module_bit()s (domain/token.h)
  std::vector<std::int64_t> created_at_us;
  std::vector<std::int64_t> last_used_at_us;   // never: not as far as it is recorded
  std::vector<std::uint16_t> created_by;       // an index into the next two
  std::vector<Actor> creators;                 // each once
  std::vector<std::uint32_t> creator_numbers;  // of each of them; the same in all blocks of an account

  void push_back(const TokenRow& row, std::uint32_t creator_number);
  void replace(std::size_t index, const TokenRow& row);
  void erase(std::size_t index);
  // Takes over the rows of a block that follows this one.
  void append(const TokenBlock& next);

 private:
  std::uint16_t creator_index(const Actor& actor, std::uint32_t number);
  void drop_unused_creators();
};

// Numbers the creators of tokens, so that a query about many tokens asks about each creator once.
class CreatorNumbers {
 public:
  std::uint32_t of(const Actor& actor);
  std::size_t size() const { return numbers_.size(); }

 private:
  std::unordered_map<std::string, std::uint32_t> numbers_;
};

// The tokens of one account at one moment, oldest first. Nothing in it ever changes.
using TokenBlocks = std::vector<std::shared_ptr<const TokenBlock>>;

// What an event did to a token: its row from then on, or that it is gone.
struct TokenRowChange {
  Position position = 0;
  AccountId account;
  Position created_position = 0;
  std::optional<TokenRow> row;  // nothing: deleted
};

// The tokens of some accounts in memory, for queries that rows on disk cannot answer quickly. An account is
// loaded at the first query for it, and leaves memory, least recently used first, where all together pass
// the limit; one alone may pass it.
//
// One thread, the projector's, calls apply(); any may call blocks(). Readers hold the lock only to take a
// pointer to a state that never changes, so that a long scan holds up nobody: the writer copies a block of
// rows before it changes it if a reader may have seen it.
class TokenColumns {
 public:
  explicit TokenColumns(std::size_t tokens_max) : tokens_max_(tokens_max) {}

  // Reads all rows of an account, oldest first, as one state of the list, and returns its position.
  using Load = std::function<Position(const std::function<void(const TokenRow&)>&)>;

  // The account's tokens. The first call loads them, which blocks, as it does other calls for that account.
  // What `load` throws is thrown here.
  std::shared_ptr<const TokenBlocks> blocks(AccountId account, const Load& load);

  // Takes in changes, in the order of their positions, once they can be read by load().
  void apply(std::vector<TokenRowChange> changes);

  std::size_t tokens_in_memory() const;

 private:
  struct Account {
    enum class State : std::uint8_t { kEmpty, kLoading, kLoaded };

    void clear();
    // Whether most of the creators that have numbers have no token any more.
    bool has_stale_numbers() const { return creator_numbers.size() > 2 * tokens + creators_kept; }

    std::mutex loading;  // held by the thread that loads; taken before mutex_
    State state = State::kEmpty;
    std::uint64_t last_use = 0;
    std::size_t tokens = 0;
    CreatorNumbers creator_numbers;
    std::vector<std::shared_ptr<TokenBlock>> blocks;
    std::vector<bool> seen;                        // for each block whether a reader may have it
    std::shared_ptr<const TokenBlocks> published;  // the blocks as readers see them, made at the first read
    std::vector<TokenRowChange> while_loading;
  };

  Account& use(AccountId account);
  static std::shared_ptr<const TokenBlocks> publish(Account& account);
  void evict(const Account& newest);
  static void apply(Account& account, const TokenRowChange& change);
  static void append(Account& account, const TokenRow& row);
  static TokenBlock& writable(Account& account, std::size_t block);
  static void merge(Account& account, std::size_t block);

  static constexpr std::size_t creators_kept = 4096;

  const std::size_t tokens_max_;
  mutable std::mutex mutex_;
  std::unordered_map<AccountId, std::unique_ptr<Account>> accounts_;  // none ever leaves, but for its rows
  std::uint64_t uses_ = 0;
};

}  // namespace mintmark
