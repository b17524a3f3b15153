#include "eventstore/crash_point.h"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>

namespace mintmark {

void crash_point(const char* name) {
  static std::atomic<unsigned long> reached = 0;
  const char* wanted = std::getenv("MINTMARK_CRASH_POINT");
  if (!wanted || std::strcmp(wanted, name) != 0) return;
  const char* count = std::getenv("MINTMARK_CRASH_COUNT");
  if (++reached == (count ? std::strtoul(count, nullptr, 10) : 1)) ::raise(SIGKILL);
}

}  // namespace mintmark
