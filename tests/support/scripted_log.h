#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "eventstore/event_log.h"

namespace mintmark::testing {

// Another log that refuses appends on demand, and can be told what happens before one. Thread-safe.
class ScriptedLog : public EventLog {
 public:
  explicit ScriptedLog(EventLog& log) : log_(log) {}

  // From now on appends are refused so, until accept().
  void refuse(AppendError::Kind kind) {
    const std::scoped_lock lock(mutex_);
    refusal_ = kind;
  }
  void accept() {
    const std::scoped_lock lock(mutex_);
    refusal_.reset();
  }
  // Called, on the appending thread, before each append reaches the log.
  void before_append(std::function<void()> hook) {
    if (!hook) return before_append_of({});
    before_append_of([hook = std::move(hook)](const AppendRequest&) { hook(); });
  }
  // The same, with what is to be appended.
  void before_append_of(std::function<void(const AppendRequest& request)> hook) {
    const std::scoped_lock lock(mutex_);
    hook_ = std::move(hook);
  }
  std::size_t appends() const { return appends_; }
  // Events that were read.
  std::size_t events_read() const { return events_read_; }

  void append(AppendRequest request, AppendDone done) override {
    std::optional<AppendError::Kind> refusal;
    std::function<void(const AppendRequest&)> hook;
    {
      const std::scoped_lock lock(mutex_);
      refusal = refusal_;
      hook = hook_;
    }
    ++appends_;
    if (hook) hook(request);
    if (refusal) return done(std::unexpected(AppendError{*refusal, "refused by the test"}));
    log_.append(std::move(request), std::move(done));
  }
  std::vector<StoredEvent> read(Position after, std::size_t limit) override {
    auto events = log_.read(after, limit);
    events_read_ += events.size();
    return events;
  }
  std::vector<StoredEvent> read_stream(std::string_view stream, std::uint64_t after_version) override {
    auto events = log_.read_stream(stream, after_version);
    events_read_ += events.size();
    return events;
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
  bool wait_past(Position after, std::stop_token stop) override {
    return log_.wait_past(after, std::move(stop));
  }
  EventId log_id() const override { return log_.log_id(); }

 private:
  EventLog& log_;
  std::mutex mutex_;
  std::optional<AppendError::Kind> refusal_;        // guarded by mutex_
  std::function<void(const AppendRequest&)> hook_;  // guarded by mutex_
  std::atomic<std::size_t> appends_ = 0;
  std::atomic<std::size_t> events_read_ = 0;
};

}  // namespace mintmark::testing
