#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace mintmark {

// How long a Retry-After field asks to wait (RFC 9110, 10.2.3): a number of seconds, or a date in any of the
// three forms of HTTP, less `now`, never below zero and ten years at most. Nothing where it is neither.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, std::chrono::sys_seconds now);

}  // namespace mintmark
