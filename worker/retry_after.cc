#include "worker/retry_after.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string>

namespace mintmark {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

constexpr std::size_t value_bytes_max = 64;
constexpr std::int64_t seconds_max = 10L * 365 * 24 * 3600;

struct Parts {
  int day = 0;
  std::array<char, 4> month{};
  int year = 0;
  int hours = 0;
  int minutes = 0;
  int seconds = 0;
};

bool reads_whole(const std::string& text, int end) {
  return end == static_cast<int>(text.size());
}

std::optional<Parts> read_date(const std::string& text, int this_year) {
  Parts parts;
  int end = 0;
  auto& [day, month, year, hours, minutes, secs] = parts;
  // NOLINTBEGIN(bugprone-unchecked-string-to-number-conversion): every number has a width that fits it
  if (std::sscanf(text.c_str(), "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &day, month.data(),
                  &year, &hours, &minutes, &secs, &end) == 6 &&
      reads_whole(text, end)) {
    return parts;  // IMF-fixdate: Sun, 06 Nov 1994 08:49:37 GMT
  }
  if (std::sscanf(text.c_str(), "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &day, month.data(),
                  &year, &hours, &minutes, &secs, &end) == 6 &&
      reads_whole(text, end)) {
    year += this_year - this_year % 100;  // RFC 850: Sunday, 06-Nov-94 08:49:37 GMT
    if (year > this_year + 50) year -= 100;
    if (year < this_year - 50) year += 100;
    return parts;
  }
  if (std::sscanf(text.c_str(), "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", month.data(), &day, &hours,
                  &minutes, &secs, &year, &end) == 6 &&
      reads_whole(text, end)) {
    return parts;  // asctime: Sun Nov  6 08:49:37 1994
  }
  // NOLINTEND(bugprone-unchecked-string-to-number-conversion)
  return std::nullopt;
}

std::optional<sys_seconds> parse_http_date(std::string_view value, sys_seconds now) {
  static constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  using namespace std::chrono;
  const year_month_day today(floor<days>(now));
  const auto parts = read_date(std::string(value), static_cast<int>(today.year()));
  if (!parts) return std::nullopt;
  const auto* const month_found = std::ranges::find(months, std::string_view(parts->month.data()));
  if (month_found == months.end()) return std::nullopt;
  const auto number = static_cast<unsigned>(month_found - months.begin() + 1);
  const year_month_day date{year(parts->year), month(number), day(static_cast<unsigned>(parts->day))};
  const bool in_day = parts->hours >= 0 && parts->hours < 24 && parts->minutes >= 0 && parts->minutes < 60 &&
                      parts->seconds >= 0 && parts->seconds <= 60;
  if (!date.ok() || !in_day || parts->year < 1970) return std::nullopt;
  return sys_days(date) + hours(parts->hours) + minutes(parts->minutes) +
         std::chrono::seconds(parts->seconds);
}

}  // namespace

std::optional<seconds> parse_retry_after(std::string_view value, sys_seconds now) {
  if (value.empty() || value.size() > value_bytes_max) return std::nullopt;
  if (value.front() >= '0' && value.front() <= '9') {
    std::int64_t number = 0;
    const auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (end != value.data() + value.size()) return std::nullopt;
    // What does not fit is long, too.
    return seconds(failure == std::errc() ? std::min(number, seconds_max) : seconds_max);
  }
  const auto date = parse_http_date(value, now);
  if (!date) return std::nullopt;
  return std::clamp<seconds>(*date - now, seconds(0), seconds(seconds_max));
}

}  // namespace mintmark
