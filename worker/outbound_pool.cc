#include "worker/outbound_pool.h"

#include <algorithm>

namespace mintmark {

bool OutboundPool::is_usable(const OutboundConnection& connection, Clock::time_point now) const {
  return now - connection.resting_since() < policy_.idle_time_max &&
         now - connection.opened() < policy_.connection_life_max;
}

std::unique_ptr<OutboundConnection> OutboundPool::take(const Key& key, Clock::time_point now) {
  const auto found = waiting_.find(key);
  if (found == waiting_.end()) return nullptr;
  auto& waiting = found->second;
  std::unique_ptr<OutboundConnection> taken;
  while (!taken && !waiting.empty()) {
    taken = std::move(waiting.back());
    waiting.pop_back();
    --size_;
    if (!is_usable(*taken, now) || !taken->is_quiet()) taken.reset();
  }
  if (waiting.empty()) waiting_.erase(found);
  return taken;
}

void OutboundPool::keep(Key key, std::unique_ptr<OutboundConnection> connection, Clock::time_point now) {
  connection->rest(now);
  if (!is_usable(*connection, now)) return;
  auto& waiting = waiting_[std::move(key)];
  if (waiting.size() >= policy_.idle_connections_per_host_max) return;
  waiting.push_back(std::move(connection));
  ++size_;
  if (size_ > policy_.idle_connections_max) drop_longest();
}

// Seldom needed, and a look at each host is little beside a connection's making.
void OutboundPool::drop_longest() {
  const auto longest = std::ranges::min_element(
      waiting_, {}, [](const auto& entry) { return entry.second.front()->resting_since(); });
  longest->second.erase(longest->second.begin());
  --size_;
  if (longest->second.empty()) waiting_.erase(longest);
}

void OutboundPool::expire(Clock::time_point now) {
  for (auto entry = waiting_.begin(); entry != waiting_.end();) {
    const auto gone = std::erase_if(
        entry->second, [this, now](const auto& connection) { return !is_usable(*connection, now); });
    size_ -= gone;
    entry = entry->second.empty() ? waiting_.erase(entry) : std::next(entry);
  }
}

void OutboundPool::clear() {
  waiting_.clear();
  size_ = 0;
}

}  // namespace mintmark
