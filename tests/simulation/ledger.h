#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "eventstore/event_log.h"
#include "eventstore/rocksdb_log.h"

namespace mintmark::testing {

// What everybody asked of the log, what it has published and what it has acknowledged, kept apart from it.
// Throws Violation where the log loses, changes, invents, splits or repeats something.
class Ledger {
 public:
  // Told of each event once, in order, when the log has published it.
  std::function<void(const StoredEvent& event)> on_event = [](const StoredEvent&) {};

  // Somebody asks for this append; its number.
  std::size_t submitted(const AppendRequest& request);
  void answered(std::size_t number, const AppendResult& result, EventLog& log);
  // Takes in what the log has published since.
  void observe(EventLog& log);
  // The log was opened again: all that it had ever published is there, and of the rest nothing was invented.
  void check_recovered(EventLog& log);

  const std::vector<StoredEvent>& events() const { return events_; }
  std::size_t acknowledged() const { return acknowledged_; }

 private:
  struct Append {
    std::vector<std::string> ids;
    std::string key_hash;
  };
  struct Place {
    std::size_t append = 0;
    std::size_t index = 0;
  };

  void take(StoredEvent event);

  std::vector<Append> appends_;
  std::map<std::string, Place, std::less<>> places_;  // of event ids
  std::set<std::string> published_ids_;
  std::set<std::string> published_keys_;
  std::vector<StoredEvent> events_;
  std::size_t left_of_append_ = 0;  // events that the newest append is still to publish
  std::size_t acknowledged_ = 0;
};

// The log of one process's life as everybody in it sees it: tells the ledger of every append and answer.
// What the worker appends while it waits for the answer is driven to its end within that call; everything
// else takes its time.
class LedgerLog final : public EventLog {
 public:
  LedgerLog(RocksDbLog& log, Ledger& ledger) : log_(log), ledger_(ledger) {}
  // Nobody is answered any more.
  ~LedgerLog() override { *alive_ = false; }

  void append(AppendRequest request, AppendDone done) override;
  std::vector<StoredEvent> read(Position after, std::size_t limit) override {
    return log_.read(after, limit);
  }
  std::vector<StoredEvent> read_stream(std::string_view stream, std::uint64_t after_version) override {
    return log_.read_stream(stream, after_version);
  }
  std::uint64_t version_of(std::string_view stream) override { return log_.version_of(stream); }
  std::optional<EarlierUse> find_idempotency_key(std::string_view key_hash) override {
    return log_.find_idempotency_key(key_hash);
  }
  std::optional<std::string> read_vault(std::string_view subject) override {
    return log_.read_vault(subject);
  }
  std::vector<VaultRow> read_vault_after(std::string_view subject, std::size_t limit) override {
    return log_.read_vault_after(subject, limit);
  }
  Position head() const override { return log_.head(); }
  bool wait_past(Position after, std::stop_token) override { return head() > after; }
  EventId log_id() const override { return log_.log_id(); }

 private:
  RocksDbLog& log_;
  Ledger& ledger_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace mintmark::testing
