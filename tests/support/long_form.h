#pragma once

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mintmark::testing {

// The number in a variable of the environment that asks for a test's long form (docs/testing.md). Throws
// where it is none or 0: a run that was not meant must not pass for the one that was.
inline std::size_t number_from_environment(const char* variable, std::size_t otherwise) {
  const char* given = std::getenv(variable);
  if (!given) return otherwise;
  const std::string_view text(given);
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number == 0)
    throw std::invalid_argument(std::string(variable) + " is no number from 1 on: " + given);
  return number;
}

}  // namespace mintmark::testing
