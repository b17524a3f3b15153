#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <unordered_map>

#include "eventstore/commit_batch.h"
#include "eventstore/event_log.h"

namespace mintmark {

// A log for tests: the same rules, no disk. append() finishes before it returns.
class MemoryLog final : public EventLog, private LogLookup {
 public:
  explicit MemoryLog(EventId log_id) : log_id_(log_id) {}

  void append(AppendRequest request, AppendDone done) override;
  std::vector<StoredEvent> read(Position after, std::size_t limit) override;
  std::vector<StoredEvent> read_stream(std::string_view stream, std::uint64_t after_version) override;
  std::uint64_t version_of(std::string_view stream) override;
  std::optional<EarlierUse> find_idempotency_key(std::string_view key_hash) override;
  std::optional<std::string> read_vault(std::string_view subject) override;
  std::vector<VaultRow> read_vault_after(std::string_view subject, std::size_t limit) override;
  Position head() const override;
  bool wait_past(Position after, std::stop_token stop) override;
  EventId log_id() const override { return log_id_; }

 private:
  std::uint64_t stream_version(std::string_view stream) override;
  std::optional<EarlierUse> idempotency_key(std::string_view key_hash) override;
  std::optional<Committed> append_of(const EventId& first_event) override;
  std::optional<std::string> vault_row(std::string_view subject) override;
  AppendResult commit(AppendRequest&& request);

  const EventId log_id_;
  mutable std::mutex mutex_;
  std::condition_variable_any grown_;
  std::vector<StoredEvent> events_;
  std::map<std::string, std::vector<Position>, std::less<>> streams_;
  std::map<std::string, EarlierUse, std::less<>> idempotency_keys_;
  std::map<EventId, Committed> appends_;
  std::map<std::string, std::string, std::less<>> vault_;
};

}  // namespace mintmark
