#pragma once

#include "domain/time.h"

namespace mintmark {

// Where the present comes from; a simulator has its own. Thread-safe, never blocks.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Time now() const override {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  }
};

}  // namespace mintmark
