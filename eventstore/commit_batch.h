#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "eventstore/event_log.h"

namespace mintmark {

// What the rules of appending need to know of the stored log. Blocks on disk.
class LogLookup {
 public:
  virtual ~LogLookup() = default;
  virtual std::uint64_t stream_version(std::string_view stream) = 0;
  virtual std::optional<EventLog::EarlierUse> idempotency_key(std::string_view key_hash) = 0;
  // The append whose first event had this id.
  virtual std::optional<Committed> append_of(const EventId& first_event) = 0;
  // The subject's wrapped data key.
  virtual std::optional<std::string> vault_row(std::string_view subject) = 0;
};

// An event as it will be stored.
struct EncodedEvent {
  Position position;
  std::string stream;
  std::uint64_t version;
  std::string bytes;
};

// The rules of appending, apart from any storage: takes requests one by one, checks each against the stored
// log and against the members before it, and gives what one atomic write must hold. Not thread-safe.
class CommitBatch {
 public:
  CommitBatch(LogLookup& lookup, Position head) : lookup_(lookup), head_(head) {}

  // Takes the request in and gives its positions, true once the batch is durable; or what stands against it,
  // and the batch is as it was. kConflict, kKeyReused, kInvalid.
  AppendResult add(AppendRequest&& request);

  // Takes in an append as another log stored it, its events at these positions and versions. What stands
  // against it, and the batch is as it was; empty where nothing does.
  std::string add_stored(std::vector<StoredEvent>&& append);
  // Takes in changes of the vault that belong to no append.
  void add_vault_rows(std::vector<VaultWrite>&& writes) { take_vault_writes(std::move(writes)); }

  // What add() would answer without taking the request in: that it breaks a limit, came before or reuses a
  // key. Nothing where add() would go on.
  std::optional<AppendResult> answer_without_writing(const AppendRequest& request);

  bool empty() const { return events_.empty() && vault_writes_.empty(); }
  Position head() const { return head_; }
  const std::vector<EncodedEvent>& events() const { return events_; }
  const std::map<std::string, std::uint64_t, std::less<>>& stream_versions() const {
    return stream_versions_;
  }
  const std::unordered_map<std::string, EventLog::EarlierUse>& idempotency_keys() const {
    return idempotency_keys_;
  }
  // By the bytes of each append's first event id.
  const std::map<EventId, Committed>& appends() const { return appends_; }
  const std::vector<VaultWrite>& vault_writes() const { return vault_writes_; }

 private:
  std::optional<AppendResult> find_repeated(const AppendRequest& request);
  std::uint64_t version_of(const std::string& stream);
  void take_vault_writes(std::vector<VaultWrite>&& writes);
  // The events as they will be stored behind head(); nothing where one would not decode again.
  std::optional<std::vector<EncodedEvent>> encode(AppendRequest& request) const;

  LogLookup& lookup_;
  Position head_;
  std::vector<EncodedEvent> events_;
  std::map<std::string, std::uint64_t, std::less<>> stream_versions_;
  std::unordered_map<std::string, EventLog::EarlierUse> idempotency_keys_;
  std::map<EventId, Committed> appends_;
  std::vector<VaultWrite> vault_writes_;
  std::unordered_map<std::string, std::string> vault_rows_;  // as they are behind vault_writes_
};

}  // namespace mintmark
