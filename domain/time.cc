#include "domain/time.h"

#include <cstdint>

#include <fmt/format.h>

namespace mintmark {
namespace {

using namespace std::chrono;

// Takes exactly `digits` digits off the front.
std::optional<int> take_number(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

// hh:mm[:ss[.fraction]]
std::optional<microseconds> take_time_of_day(std::string_view& text) {
  const auto hour = take_number(text, 2);
  if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
  const auto minute = take_number(text, 2);
  if (!minute || *minute > 59) return std::nullopt;
  microseconds result = hours(*hour) + minutes(*minute);
  if (!take(text, ':')) return result;
  const auto second = take_number(text, 2);
  if (!second || *second > 59) return std::nullopt;
  result += seconds(*second);
  if (!take(text, '.')) return result;
  std::int64_t scale = 100'000;
  std::size_t digits = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), ++digits) {
    result += microseconds((text.front() - '0') * scale);
    scale /= 10;
  }
  if (digits == 0 || digits > 9) return std::nullopt;
  return result;
}

// Z, ±hh:mm or nothing, which is UTC too; how far local time is ahead of UTC.
std::optional<minutes> take_offset(std::string_view& text) {
  if (text.empty()) return minutes(0);
  if (take(text, 'Z')) return minutes(0);
  const bool ahead = take(text, '+');
  if (!ahead && !take(text, '-')) return std::nullopt;
  const auto hour = take_number(text, 2);
  if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
  const auto minute = take_number(text, 2);
  if (!minute || *minute > 59) return std::nullopt;
  const minutes offset = hours(*hour) + minutes(*minute);
  return ahead ? offset : -offset;
}

}  // namespace

std::string format_time(Time time) {
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(floor<seconds>(time - day));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}+00:00", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::string format_time_exact(Time time) {
  auto text = format_time(time);
  const auto fraction = (time - floor<seconds>(time)).count();
  return text.insert(text.find('+'), fmt::format(".{:06}", fraction));
}

std::optional<Time> parse_time(std::string_view text) {
  const auto year_number = take_number(text, 4);
  if (!year_number || !take(text, '-')) return std::nullopt;
  const auto month_number = take_number(text, 2);
  if (!month_number || !take(text, '-')) return std::nullopt;
  const auto day_number = take_number(text, 2);
  if (!day_number) return std::nullopt;
  const year_month_day date(year(*year_number), month(static_cast<unsigned>(*month_number)),
                            day(static_cast<unsigned>(*day_number)));
  if (!date.ok()) return std::nullopt;
  Time result = sys_days(date);
  if (!text.empty()) {
    if (!take(text, 'T')) return std::nullopt;
    const auto time_of_day = take_time_of_day(text);
    if (!time_of_day) return std::nullopt;
    const auto offset = take_offset(text);
    if (!offset || !text.empty()) return std::nullopt;
    result += *time_of_day - *offset;
  }
  const bool in_range =
      result >= Time(sys_days(year(1970) / 1 / 1)) && result < Time(sys_days(year(10000) / 1 / 1));
  return in_range ? std::optional(result) : std::nullopt;
}

}  // namespace mintmark
