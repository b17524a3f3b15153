#include "projections/projector.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <limits>
#include <utility>

#include <spdlog/spdlog.h>

#include "eventstore/crash_point.h"
#include "eventstore/disk_space.h"

namespace mintmark {
namespace {

constexpr std::chrono::milliseconds space_looked_for_every(250);

Position lowest_checkpoint(const std::vector<Projection*>& projections) {
  Position lowest = std::numeric_limits<Position>::max();
  for (const auto* projection : projections) lowest = std::min(lowest, projection->checkpoint());
  return lowest;
}

}  // namespace

Projector::Projector(EventLog& log, std::vector<Projection*> projections,
                     std::function<void(const std::string&)> on_failure, Drive drive)
    : log_(log),
      projections_(std::move(projections)),
      groups_(group(projections_)),
      on_failure_(std::move(on_failure)),
      position_(lowest_checkpoint(projections_)) {
  if (drive == Drive::kOwnThreads) thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

std::vector<Projector::Group> Projector::group(const std::vector<Projection*>& projections) {
  std::vector<Group> groups;
  for (auto* projection : projections) {
    auto* const rows = dynamic_cast<RowProjection*>(projection);
    if (!rows) {
      groups.push_back({.other = projection});
    } else if (!groups.empty() && !groups.back().other &&
               groups.back().rows.front()->shares_store_with(*rows)) {
      groups.back().rows.push_back(rows);
    } else {
      groups.push_back({.rows = {rows}});
    }
  }
  return groups;
}

Projector::~Projector() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  } else {
    end();
  }
}

void Projector::when_reached(Position position, Reached done) {
  bool reached = true;
  {
    const std::scoped_lock lock(mutex_);
    if (this->position() < position) {
      if (!ended_) {
        waiting_.emplace(position, std::move(done));
        return;
      }
      reached = false;
    }
  }
  done(reached);
}

std::size_t Projector::parked_streams() const {
  std::size_t count = 0;
  for (const auto* projection : projections_) count += projection->parked_streams();
  return count;
}

bool Projector::step(std::size_t limit) {
  const auto events = log_.read(position(), limit);
  if (events.empty()) return false;
  apply(events);
  return true;
}

std::vector<ParkedBy> Projector::parked(std::size_t limit) const {
  std::vector<ParkedBy> all;
  for (const auto* projection : projections_) {
    for (auto& parked : projection->parked(limit - all.size())) {
      all.push_back({projection->name(), std::move(parked)});
    }
  }
  return all;
}

void Projector::run(const std::stop_token& stop) {
  try {
    for (auto before = position(); log_.wait_past(before, stop); before = position()) {
      step_once_there_is_space(stop);
      if (position() == before) break;  // told to end while it waited
    }
  } catch (const std::exception& error) {
    on_failure_(error.what());
  }
  end();
}

void Projector::step_once_there_is_space(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  for (bool is_full = false;;) {
    try {
      step();
      if (is_full) spdlog::info("the views go on: the disk has space again");
      return;
    } catch (const DiskFull& error) {
      if (!waits_for_space_) throw;
      if (!is_full) spdlog::error("the views wait for space: {}", error.what());
      is_full = true;
    }
    std::unique_lock lock(mutex);
    stopped.wait_for(lock, stop, space_looked_for_every, [] { return false; });
    if (stop.stop_requested()) return;
  }
}

void Projector::end() {
  {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
  }
  tell(false, std::numeric_limits<Position>::max());
}

void Projector::apply(const std::vector<StoredEvent>& events) {
  crash_point("events read");
  for (const auto& group : groups_) {
    if (group.other) {
      group.other->apply(events);
    } else {
      RowProjection::apply_together(group.rows, events);
    }
    crash_point("projection applied");
  }
  {
    const std::scoped_lock lock(mutex_);
    position_.store(events.back().recorded.position(), std::memory_order_release);
  }
  crash_point("position published");
  tell(true, position());
}

void Projector::tell(bool reached, Position up_to) {
  std::vector<Reached> ready;
  {
    const std::scoped_lock lock(mutex_);
    const auto end = waiting_.upper_bound(up_to);
    for (auto it = waiting_.begin(); it != end; ++it) ready.push_back(std::move(it->second));
    waiting_.erase(waiting_.begin(), end);
  }
  for (auto& done : ready) done(reached);
}

}  // namespace mintmark
