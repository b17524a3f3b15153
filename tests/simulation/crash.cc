#include "tests/simulation/crash.h"

#include "eventstore/crash_point.h"

namespace mintmark {

void crash_point(const char* name) {
  testing::CrashPlan::instance().reach(name);
}

namespace testing {

void CrashPlan::reach(std::string_view name) {
  if (paused_) return;
  if (!reached_.contains(name)) reached_.emplace(name);
  if (!left_ || (!wanted_.empty() && wanted_ != name) || --*left_ > 0) return;
  left_.reset();
  place_ = std::string(name);
  killed_at_.insert(*place_);
  throw Killed{};
}

CrashPlan& CrashPlan::instance() {
  static CrashPlan plan;
  return plan;
}

}  // namespace testing
}  // namespace mintmark
