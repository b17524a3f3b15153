#include "eventstore/memory_log.h"

#include <algorithm>
#include <utility>

namespace mintmark {

void MemoryLog::append(AppendRequest request, AppendDone done) {
  done(commit(std::move(request)));
}

AppendResult MemoryLog::commit(AppendRequest&& request) {
  const std::scoped_lock lock(mutex_);
  CommitBatch batch(*this, events_.size());
  const auto result = batch.add(std::move(request));
  if (!result || result->repeated) return result;
  for (const auto& event : batch.events()) {
    StoredEvent stored{event.bytes, {}};
    stored.recorded.ParseFromString(event.bytes);
    events_.push_back(std::move(stored));
    streams_[event.stream].push_back(event.position);
  }
  idempotency_keys_.insert(batch.idempotency_keys().begin(), batch.idempotency_keys().end());
  appends_.insert(batch.appends().begin(), batch.appends().end());
  for (const auto& write : batch.vault_writes()) {
    if (write.wrapped_key.empty()) {
      vault_.erase(write.subject);
    } else {
      vault_[write.subject] = write.wrapped_key;
    }
  }
  grown_.notify_all();
  return result;
}

std::vector<StoredEvent> MemoryLog::read(Position after, std::size_t limit) {
  const std::scoped_lock lock(mutex_);
  const auto first = std::min<std::size_t>(after, events_.size());
  const auto last = first + std::min(limit, events_.size() - first);
  return {events_.begin() + static_cast<std::ptrdiff_t>(first),
          events_.begin() + static_cast<std::ptrdiff_t>(last)};
}

std::vector<StoredEvent> MemoryLog::read_stream(std::string_view stream, std::uint64_t after_version) {
  const std::scoped_lock lock(mutex_);
  std::vector<StoredEvent> events;
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return events;
  for (std::size_t i = after_version; i < found->second.size(); ++i)
    events.push_back(events_[found->second[i] - 1]);
  return events;
}

std::uint64_t MemoryLog::version_of(std::string_view stream) {
  const std::scoped_lock lock(mutex_);
  return stream_version(stream);
}

std::optional<EventLog::EarlierUse> MemoryLog::find_idempotency_key(std::string_view key_hash) {
  const std::scoped_lock lock(mutex_);
  return idempotency_key(key_hash);
}

std::optional<std::string> MemoryLog::read_vault(std::string_view subject) {
  const std::scoped_lock lock(mutex_);
  return vault_row(subject);
}

std::vector<VaultRow> MemoryLog::read_vault_after(std::string_view subject, std::size_t limit) {
  const std::scoped_lock lock(mutex_);
  std::vector<VaultRow> rows;
  for (auto row = vault_.upper_bound(subject); row != vault_.end() && rows.size() < limit; ++row)
    rows.push_back({row->first, row->second});
  return rows;
}

Position MemoryLog::head() const {
  const std::scoped_lock lock(mutex_);
  return events_.size();
}

bool MemoryLog::wait_past(Position after, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  return grown_.wait(lock, std::move(stop), [&] { return events_.size() > after; });
}

// The lookups are called with the mutex held.
std::uint64_t MemoryLog::stream_version(std::string_view stream) {
  const auto found = streams_.find(stream);
  return found == streams_.end() ? 0 : found->second.size();
}

std::optional<EventLog::EarlierUse> MemoryLog::idempotency_key(std::string_view key_hash) {
  const auto found = idempotency_keys_.find(key_hash);
  return found == idempotency_keys_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Committed> MemoryLog::append_of(const EventId& first_event) {
  const auto found = appends_.find(first_event);
  return found == appends_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::string> MemoryLog::vault_row(std::string_view subject) {
  const auto found = vault_.find(subject);
  return found == vault_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace mintmark
