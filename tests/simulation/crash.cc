#include "tests/simulation/crash.h"

#include "eventstore/crash_point.h"

namespace mintmark {

void crash_point(const char* name) {
  testing::CrashPlan::instance().reach(name);
}

namespace testing {

void CrashPlan::reach(std::string_view name) {
  if (!left_ || --*left_ > 0) return;
  left_.reset();
  place_ = std::string(name);
  throw Killed{};
}

CrashPlan& CrashPlan::instance() {
  static CrashPlan plan;
  return plan;
}

}  // namespace testing
}  // namespace mintmark
