#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace mintmark::testing {

// All that the simulated process can be killed at: those of eventstore/committer.cc,
// projections/projector.cc, projections/row_projection.cc, worker/delivery_log.cc and worker/worker_jobs.cc,
// but for those of provisioning, which is not simulated.
inline constexpr std::array<std::string_view, 17> crash_points{
    "batch decided",    "batch written",      "anchor due",  "anchor written",     "head published",
    "one answered",     "events read",        "rows due",    "projection applied", "position published",
    "job claimed",      "call answered",      "job settled", "outcomes due",       "outcomes recorded",
    "webhooks changed", "connection recorded"};

// Thrown where the simulated process is killed. Not a std::exception: nothing of the product catches it.
struct Killed {};

// Kills the simulated process at one of the product's named crash points (eventstore/crash_point.h). There is
// one, since the product's crash points are functions without an object.
class CrashPlan {
 public:
  // At the n-th point that is reached from here on, whichever it is, or that has this name.
  void kill_at(std::size_t n) { kill_at("", n); }
  void kill_at(std::string_view name, std::size_t n) {
    wanted_ = name;
    left_ = n;
  }
  void forget() {
    left_.reset();
    place_.reset();
  }
  // As it was before any run.
  void start_over() {
    forget();
    reached_.clear();
    killed_at_.clear();
  }
  // What is no process of the simulation is not killed either.
  class Pause {
   public:
    explicit Pause(CrashPlan& plan) : plan_(plan) { plan_.paused_ = true; }
    ~Pause() { plan_.paused_ = false; }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    CrashPlan& plan_;
  };

  // Called at each crash point; throws Killed where it is the one.
  void reach(std::string_view name);
  // Where it was killed; nothing where it was not, since the last call.
  std::optional<std::string> take_place() { return std::exchange(place_, std::nullopt); }

  // The names of all that this run has come to, and of those where it was killed.
  const std::set<std::string, std::less<>>& reached() const { return reached_; }
  const std::set<std::string, std::less<>>& killed_at() const { return killed_at_; }

  static CrashPlan& instance();

 private:
  std::string wanted_;  // empty: any
  std::optional<std::size_t> left_;
  std::optional<std::string> place_;
  bool paused_ = false;
  std::set<std::string, std::less<>> reached_;
  std::set<std::string, std::less<>> killed_at_;
};

}  // namespace mintmark::testing
