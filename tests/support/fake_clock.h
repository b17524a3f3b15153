#pragma once

#include <atomic>
#include <chrono>

#include "eventstore/clock.h"

namespace mintmark::testing {

// Stands still until it is told to go on. Thread-safe.
class FakeClock final : public Clock {
 public:
  Time now() const override { return Time(std::chrono::microseconds(microseconds_)); }
  void advance(std::chrono::microseconds by) { microseconds_ += by.count(); }

 private:
  std::atomic<std::int64_t> microseconds_ = 1'763'910'245'000'000;  // 2025-11-23T15:04:05Z
};

}  // namespace mintmark::testing
