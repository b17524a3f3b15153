#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include <boost/asio/post.hpp>

#include "eventstore/clock.h"
#include "worker/timer.h"

namespace mintmark::testing {

// The present, which passes when the simulator says so: a wall clock that can be set and stand still, and
// timers that neither concerns.
class SimulatedTime final : public Clock {
 public:
  Time now() const override { return wall_; }

  void pass(std::chrono::microseconds time) {
    passed_ += time;
    if (!frozen_) wall_ += time;
    while (!timers_.empty() && timers_.begin()->first.first <= passed_) {
      auto done = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
      done();
    }
  }
  void set_back_or_forward(std::chrono::microseconds by) { wall_ += by; }
  void freeze(bool frozen) { frozen_ = frozen; }
  bool is_frozen() const { return frozen_; }

  MakeTimer make_timer() {
    return
        [this](boost::asio::io_context& context) { return std::make_unique<SimulatedTimer>(*this, context); };
  }

 private:
  using Key = std::pair<std::chrono::microseconds, std::uint64_t>;  // when, and which

  class SimulatedTimer final : public Timer {
   public:
    SimulatedTimer(SimulatedTime& time, boost::asio::io_context& context) : time_(time), context_(context) {}
    ~SimulatedTimer() override { time_.timers_.erase(key_); }
    void start(std::chrono::microseconds time, std::function<void()> done) override {
      time_.timers_.erase(key_);
      key_ = {time_.passed_ + time, ++time_.started_};
      time_.timers_[key_] = [this, done = std::move(done)] { boost::asio::post(context_, done); };
    }

   private:
    SimulatedTime& time_;
    boost::asio::io_context& context_;
    Key key_{};
  };

  Time wall_{std::chrono::microseconds(1'763'910'245'000'000)};  // 2025-11-23T15:04:05Z
  std::chrono::microseconds passed_{0};
  bool frozen_ = false;
  std::uint64_t started_ = 0;
  std::map<Key, std::function<void()>> timers_;
};

}  // namespace mintmark::testing
