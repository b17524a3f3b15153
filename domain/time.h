#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace mintmark {

// A moment in UTC, to the microsecond, as the log stores it.
using Time = std::chrono::sys_time<std::chrono::microseconds>;

// 2026-11-23T15:04:05+00:00, the contract's form for dates out. Fractions are cut off.
std::string format_time(Time time);

// The same with all six digits of the fraction, for the log's readers.
std::string format_time_exact(Time time);

// Reads ISO 8601 as the contract takes it, and more: a date alone (midnight UTC), or date, 'T', hours,
// minutes and optional seconds with optional fraction, then 'Z' or an offset ±hh:mm. Without either it is
// UTC, as clients mean it that write a date and time as Python's isoformat() does. Nothing where the text is
// not exactly that or names no real moment between the years 1970 and 9999.
std::optional<Time> parse_time(std::string_view text);

}  // namespace mintmark
