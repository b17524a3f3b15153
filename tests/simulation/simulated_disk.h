#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>

#include <rocksdb/env.h>

#include "tests/support/power_cut_env.h"

namespace mintmark::testing {

// RocksDB's disk: PowerCutEnv's faults, and no threads. What RocksDB does in the background, flushes and
// compactions, waits until step(), so that the seed alone decides when files change.
class SimulatedDisk final : private PowerCutEnv, public rocksdb::EnvWrapper {
 public:
  explicit SimulatedDisk(std::uint32_t seed) : PowerCutEnv(seed), EnvWrapper(&PowerCutEnv::env()) {}

  using PowerCutEnv::changes;
  using PowerCutEnv::cut_at;
  using PowerCutEnv::drop_syncs;
  using PowerCutEnv::fail_at;
  using PowerCutEnv::has_failed;
  using PowerCutEnv::is_cut;
  using PowerCutEnv::restart;
  using PowerCutEnv::restore;

  // Does the first thing that waits; false where nothing does.
  bool step() {
    if (waiting_.empty()) return false;
    const auto work = waiting_.front();
    waiting_.pop_front();
    work.run(work.argument);
    return true;
  }

  void Schedule(void (*run)(void*), void* argument, Priority priority, void* tag,
                void (*unschedule)(void*)) override {
    waiting_.push_back({run, unschedule, argument, tag, priority});
  }
  int UnSchedule(void* tag, Priority priority) override {
    int count = 0;
    std::erase_if(waiting_, [&](const Work& work) {
      if (work.tag != tag || work.priority != priority) return false;
      if (work.unschedule) work.unschedule(work.argument);
      ++count;
      return true;
    });
    return count;
  }
  unsigned int GetThreadPoolQueueLen(Priority priority) const override {
    return static_cast<unsigned int>(
        std::ranges::count_if(waiting_, [&](const Work& work) { return work.priority == priority; }));
  }

 private:
  struct Work {
    void (*run)(void*);
    void (*unschedule)(void*);
    void* argument;
    void* tag;
    Priority priority;
  };

  std::deque<Work> waiting_;
};

}  // namespace mintmark::testing
