#pragma once

namespace mintmark {

// Called at the places named in the product where a test may end the process as by kill -9. Here it does
// nothing; a test's program has a function of its own, which the linker takes before the library's
// (tests/support/crash_point.cc, tests/simulation/crash.cc).
void crash_point(const char* name);

}  // namespace mintmark
