#include "eventstore/event_log.h"

#include <utility>

namespace mintmark {

std::vector<StoredEvent> Follower::next(std::size_t limit, std::stop_token stop) {
  if (!log_.wait_past(after_, std::move(stop))) return {};
  auto events = log_.read(after_, limit);
  after_ = events.back().recorded.position();
  return events;
}

}  // namespace mintmark
