#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>

namespace mintmark::testing {

// The number in a variable of the environment that asks for a test's long form (docs/testing.md), at least 1.
inline std::size_t number_from_environment(const char* variable, std::size_t otherwise) {
  const char* given = std::getenv(variable);
  return given ? std::max(1UL, std::strtoul(given, nullptr, 10)) : otherwise;
}

}  // namespace mintmark::testing
