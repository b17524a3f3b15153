#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "domain/limits.h"
#include "eventstore/drive.h"
#include "eventstore/event_log.h"
#include "projections/projection.h"
#include "projections/row_projection.h"

namespace mintmark {

// A stream that a projection has parked.
struct ParkedBy {
  std::string_view projection;
  ParkedStream parked;
};

// Follows the log on a thread of its own and feeds every projection, each from its own checkpoint, all to the
// same position before it goes on. Those that stand one behind the other and keep their rows in one store
// write them at once. Thread-safe.
class Projector {
 public:
  // Told, from the projector's thread, whether the position was reached; false where the projector has failed
  // or ends first. Must not block.
  using Reached = std::move_only_function<void(bool reached)>;

  // `log` and `projections` must outlive the projector. `on_failure` is told once, from its thread, where a
  // projection throws: nothing is applied any more. See wait_for_space().
  Projector(EventLog& log, std::vector<Projection*> projections,
            std::function<void(const std::string& reason)> on_failure, Drive drive = Drive::kOwnThreads);
  // Ends the thread after the batch at hand.
  ~Projector();

  // From here on, where the disk has no space for what a projection writes, its thread waits until there is
  // some instead of failing. Projections in front of that one have gone on by one batch.
  void wait_for_space() { waits_for_space_ = true; }

  // The position that all projections have reached.
  Position position() const { return position_.load(std::memory_order_acquire); }

  // Calls `done` once position() is at least `position`: at once, from this call, where it is.
  void when_reached(Position position, Reached done);

  // Streams that some projection has parked, added over the projections.
  std::size_t parked_streams() const;
  // `limit` of them where there are so many, projection by projection.
  std::vector<ParkedBy> parked(std::size_t limit) const;

  // What the thread does at a time, and its caller with Drive::kCaller: feeds every projection with up to
  // `limit` events; false where there is none. Throws what a projection throws: then it may not be called any
  // more.
  bool step(std::size_t limit = limits::projection_batch_events_max);

 private:
  void run(const std::stop_token& stop);
  void step_once_there_is_space(const std::stop_token& stop);
  void apply(const std::vector<StoredEvent>& events);
  void tell(bool reached, Position up_to);
  void end();

  EventLog& log_;
  const std::vector<Projection*> projections_;
  // projections_ in their order. Rows that are written at once, or one projection of another kind.
  struct Group {
    std::vector<RowProjection*> rows = {};
    Projection* other = nullptr;
  };
  static std::vector<Group> group(const std::vector<Projection*>& projections);
  const std::vector<Group> groups_;
  const std::function<void(const std::string&)> on_failure_;
  std::atomic<Position> position_;
  std::atomic<bool> waits_for_space_ = false;
  std::mutex mutex_;
  std::multimap<Position, Reached> waiting_;  // guarded by mutex_
  bool ended_ = false;                        // guarded by mutex_
  std::jthread thread_;
};

}  // namespace mintmark
