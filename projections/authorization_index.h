#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "domain/api_key.h"
#include "domain/ids.h"
#include "domain/time.h"
#include "domain/token.h"
#include "eventstore/event_id.h"
#include "eventstore/pepper.h"
#include "projections/authorization_changes.h"
#include "projections/former_tokens.h"
#include "projections/left_right.h"
#include "projections/projection.h"
#include "projections/token_table.h"

namespace mintmark {

// Answers "whose key is this, and may it do something now?" from memory: no lock, no allocation, no I/O.
// Two copies under a LeftRight: one writer, readers read the stable one. When apply() has returned, no check
// is left that does not see what it applied. Runs out of memory: the process ends, and restarts from its log.
class AuthorizationIndex final : public Projection {
 public:
  enum class Verdict : std::uint8_t {
    kUnknown,  // no such token, another secret, or deleted
    kAllowed,
    kRefused,  // the right key of a token that may not: pending, inactive or expired, or its stream is parked
  };

  // Views into the index, valid only inside the lambda given to check(). Whoever lets the key do something
  // calls last_use.note(): that is wait-free too.
  struct Identity {
    TokenId token;
    AccountId account;
    Extension extension;
    std::string_view
        name;  // percent-encoded: visible ASCII and space, all else %XX, so that it fits a header
    std::optional<std::uint64_t> permissions;  // module_bit()s (domain/token.h); nothing: every module
    LastUse last_use;
  };

  // When a token was used last.
  struct TokenUsed {
    TokenId token;
    AccountId account;
    Time at;
  };

  static constexpr std::size_t readers_max = LeftRight<TokenTable>::readers_max;

  // `peppers` must outlive the index.
  explicit AuthorizationIndex(const Peppers& peppers);
  ~AuthorizationIndex() override;

  // Calls use(verdict, identity) with the answer and returns what it returns; identity is null for kUnknown.
  // `reader` is below readers_max and used by one thread at a time. `now` decides expiry: a token is refused
  // from its second of expiry on. Costs one digest whether the id is known or not, and compares in constant
  // time. Wait-free, any thread; `use` must not call check() again.
  template <class Use>
  decltype(auto) check(std::size_t reader, TokenId id, const Secret& secret, Time now, Use&& use) const {
    return copies_.read(reader, [&](const TokenTable& table) -> decltype(auto) {
      const auto [entry, expires_at] = authenticate(table, id, secret);
      if (entry == nullptr) {
        return std::forward<Use>(use)(Verdict::kUnknown, static_cast<const Identity*>(nullptr));
      }
      const Identity identity{id,
                              table.account(*entry),
                              static_cast<Extension>(entry->extension),
                              table.name(*entry),
                              table.permissions(id, *entry),
                              table.last_use(id, *entry)};
      const bool may = table.state(*entry) == TokenState::kActive &&
                       (expires_at == 0 || now < Time(std::chrono::seconds(expires_at)));
      return std::forward<Use>(use)(may ? Verdict::kAllowed : Verdict::kRefused, &identity);
    });
  }

  // Whether it is a token of that account that is not deleted. As check(), wait-free; as long for another
  // account's token as for none.
  bool belongs(std::size_t reader, TokenId id, AccountId account) const {
    return copies_.read(reader, [&](const TokenTable& table) {
      const auto* const entry = table.find(id);
      return entry != nullptr && table.account(*entry) == account;
    });
  }

  // When the token was used last as far as this process knows, to a minute; nothing where it was not since
  // the start. Any thread; takes a lock that apply(), load() and take_uses() take as well.
  std::optional<Time> last_use(TokenId id) const;

  // The uses that have not been taken yet of a part of the tokens, below parts. Each is given to one caller
  // alone, who has to record it. Any thread, as last_use(): the lock is held while the part is looked
  // through, some 0.3 ms of a part of 10 M tokens.
  static constexpr std::size_t parts = TokenTable::use_part_count;
  std::vector<TokenUsed> take_uses(std::size_t part);

  static constexpr std::string_view projection_name = "authorization_index";
  std::string_view name() const override { return projection_name; }

  // Of the events that every reader sees. Any thread, does not block.
  Position checkpoint() const override { return checkpoint_.load(std::memory_order_acquire); }

  // Skips events up to the checkpoint. Throws std::logic_error, changing nothing, where events are missing
  // behind it. Waits for readers that are inside check(). One thread.
  void apply(std::span<const StoredEvent> events) override;

  // These two may be called from any thread and take a lock that only apply() and load() take as well.
  std::size_t parked_streams() const override;
  std::vector<ParkedStream> parked(std::size_t limit) const override;

  // Live tokens, and bytes of both copies with all that belongs to them, as of the last apply(). Any thread.
  std::size_t size() const { return size_.load(std::memory_order_relaxed); }
  std::size_t memory_bytes() const { return memory_bytes_.load(std::memory_order_relaxed); }

  // Writes the snapshot (authorization_snapshot.h) of this moment to a new file and puts it in the place of
  // `path`, durably: a crash leaves the old file or the new. Blocks on disk; throws std::system_error,
  // leaving `path` as it was. Any thread; keeps no reader waiting, and apply() for no longer than one part of
  // many is copied, some 0.5 ms of an index of 10 M tokens; once, at the beginning, also for the ids that
  // were ever deleted, some 2.5 ms a million. `bench_index --tokens=N` shows what applying takes meanwhile.
  void save(const std::filesystem::path& path, EventId log_id);
  // The checkpoint of the newest snapshot that was loaded or saved; 0 before. Any thread, does not block.
  Position saved() const { return saved_.load(std::memory_order_acquire); }
  // About what a snapshot of this moment takes on disk, or somewhat less. Any thread, as last_use().
  std::uint64_t snapshot_bytes() const;

  // The two below: only on the thread that calls apply(), or while nobody does. Neither keeps readers
  // waiting.

  // A hash, in hex, of what the index knows but for the checkpoint: equal for equal content, whichever way it
  // came about.
  std::string fingerprint() const;

  // Fills an index that is still empty from a snapshot of the same log. Otherwise, and where the file is
  // missing, damaged or of a newer format, says why and leaves the index as it was. Blocks on disk.
  std::expected<void, std::string> load(const std::filesystem::path& path, EventId log_id);

 private:
  // The token's entry if the secret is one of the token's, else null, and when that secret ends.
  struct Match {
    const TokenTable::Entry* entry = nullptr;
    std::uint32_t expires_at = 0;
  };
  Match authenticate(const TokenTable& table, TokenId id, const Secret& secret) const;
  void publish_sizes();

  const Peppers& peppers_;
  LeftRight<TokenTable> copies_;
  // Held to write the copies, the history and the checkpoint, and by others than the writer to look at more
  // than one of them: checks need none of it.
  mutable std::mutex copies_mutex_;
  AuthorizationHistory history_;  // its parked streams change under parked_mutex_ as well
  mutable std::mutex parked_mutex_;
  std::atomic<Position> checkpoint_{0};
  std::mutex saving_mutex_;                      // held by who saves; taken before copies_mutex_
  std::unique_ptr<FormerTokens> former_tokens_;  // while one does; guarded by copies_mutex_
  std::atomic<Position> saved_{0};
  std::atomic<std::size_t> size_{0};
  std::atomic<std::size_t> memory_bytes_{0};
};

}  // namespace mintmark
