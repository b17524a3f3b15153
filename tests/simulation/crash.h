#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mintmark::testing {

// Thrown where the simulated process is killed. Not a std::exception: nothing of the product catches it.
struct Killed {};

// Kills the simulated process at one of the product's named crash points (eventstore/crash_point.h): the n-th
// that is reached from here on, whichever it is. There is one, since the product's crash points are functions
// without an object.
class CrashPlan {
 public:
  void kill_at(std::size_t n) { left_ = n; }
  void forget() {
    left_.reset();
    place_.reset();
  }
  // What is no process of the simulation is not killed either.
  class Pause {
   public:
    explicit Pause(CrashPlan& plan) : plan_(plan), left_(std::exchange(plan.left_, std::nullopt)) {}
    ~Pause() { plan_.left_ = left_; }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    CrashPlan& plan_;
    const std::optional<std::size_t> left_;
  };

  // Called at each crash point; throws Killed where it is the one.
  void reach(std::string_view name);
  // Where it was killed; nothing where it was not, since the last call.
  std::optional<std::string> take_place() { return std::exchange(place_, std::nullopt); }

  static CrashPlan& instance();

 private:
  std::optional<std::size_t> left_;
  std::optional<std::string> place_;
};

}  // namespace mintmark::testing
