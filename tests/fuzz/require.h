#pragma once

#include <cstdio>
#include <cstdlib>

namespace mintmark::testing {

// Ends a fuzz run where a property does not hold.
inline void require(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", property);
  std::abort();
}

}  // namespace mintmark::testing
