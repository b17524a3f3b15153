#include "eventstore/event_log.h"

#include <future>
#include <utility>

namespace mintmark {

AppendResult append_and_wait(EventLog& log, AppendRequest request) {
  std::promise<AppendResult> promise;
  auto future = promise.get_future();
  log.append(std::move(request), [&promise](AppendResult result) { promise.set_value(std::move(result)); });
  return future.get();
}

std::vector<StoredEvent> Follower::next(std::size_t limit, std::stop_token stop) {
  if (!log_.wait_past(after_, std::move(stop))) return {};
  auto events = log_.read(after_, limit);
  after_ = events.back().recorded.position();
  return events;
}

}  // namespace mintmark
