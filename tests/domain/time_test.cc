#include "domain/time.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace mintmark::time_test {
namespace {

using namespace std::chrono;

Time at(std::int64_t microseconds_since_1970) {
  return Time(microseconds(microseconds_since_1970));
}

TEST(TimeText, PrintsUtcToTheSecond) {
  EXPECT_EQ(format_time(at(0)), "1970-01-01T00:00:00+00:00");
  EXPECT_EQ(format_time(Time(sys_days(2026y / 11 / 23) + 15h + 4min + 5s)), "2026-11-23T15:04:05+00:00");
  EXPECT_EQ(format_time(Time(sys_days(9999y / 12 / 31) + 23h + 59min + 59s + 999'999us)),
            "9999-12-31T23:59:59+00:00");
}

TEST(TimeText, PrintsAllSixDigitsOfTheFractionWhereAskedFor) {
  EXPECT_EQ(format_time_exact(at(0)), "1970-01-01T00:00:00.000000+00:00");
  EXPECT_EQ(format_time_exact(at(1'000'000 + 42)), "1970-01-01T00:00:01.000042+00:00");
  EXPECT_EQ(format_time_exact(at(999'999)), "1970-01-01T00:00:00.999999+00:00");
  const Time time = sys_days(2026y / 11 / 23) + 15h + 123'456us;
  EXPECT_EQ(parse_time(format_time_exact(time)), time);
}

struct Accepted {
  std::string_view text;
  Time time;
};

TEST(TimeText, ReadsTheContractsForms) {
  const Time noon = sys_days(2026y / 11 / 23) + 12h;
  const Accepted table[] = {
      {"2026-11-23", sys_days(2026y / 11 / 23)},
      {"2026-11-23T12:00Z", noon},
      {"2026-11-23T12:00:00Z", noon},
      {"2026-11-23T12:00:00+00:00", noon},
      {"2026-11-23T12:00:00-00:00", noon},
      {"2026-11-23T14:30:00+02:30", noon},
      {"2026-11-23T04:00:00-08:00", noon},
      {"2026-11-24T11:59:00+23:59", noon},
      {"2026-11-23T12:00", noon},
      {"2026-11-23T12:00:00", noon},
      {"2026-11-23T12:00:00.123456", noon + 123'456us},
      {"2026-11-23T12:00:00.000001", noon + 1us},
      {"2026-11-23T12:00:00.123456+00:00", noon + 123'456us},
      {"2026-11-23T12:00:00.5Z", noon + 500ms},
      {"2026-11-23T12:00:00.000001Z", noon + 1us},
      {"2026-11-23T12:00:00.123456789Z", noon + 123'456us},
      {"2024-02-29", sys_days(2024y / 2 / 29)},
      {"2000-02-29", sys_days(2000y / 2 / 29)},
      {"1970-01-01", at(0)},
      {"1970-01-01T00:00:00Z", at(0)},
      {"1969-12-31T23:30:00-01:00", at(0) + 30min},
      {"9999-12-31T23:59:59.999999Z", sys_days(9999y / 12 / 31) + 23h + 59min + 59s + 999'999us},
  };
  for (const auto& [text, time] : table) {
    const auto parsed = parse_time(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(*parsed, time) << text;
  }
}

TEST(TimeText, RefusesEverythingElse) {
  for (const std::string_view text : {
           // not a day
           "",
           "2026",
           "2026-11",
           "2026-11-",
           "2026-11-2",
           "26-11-23",
           "2026/11/23",
           "20261123",
           "2026-00-10",
           "2026-13-10",
           "2026-11-00",
           "2026-11-31",
           "2026-02-29",
           "2100-02-29",
           "2026-1-23",
           "+026-11-23",
           "2026-11-23 ",
           " 2026-11-23",
           "2026-11-234",
           "2026-11-2x",
           // not a time of day
           "2026-11-23T",
           "2026-11-23TZ",
           "2026-11-23T12Z",
           "2026-11-23T12:0Z",
           "2026-11-23T24:00Z",
           "2026-11-23T12:60Z",
           "2026-11-23T12:00:60Z",
           "2026-11-23T12:00:Z",
           "2026-11-23T12:00:00.Z",
           "2026-11-23T12:00:00,5Z",
           "2026-11-23T12:00:00.1234567890Z",
           "2026-11-23t12:00Z",
           "2026-11-23 12:00Z",
           "2026-11-23T-2:00Z",
           // not an offset
           "2026-11-23T12:00z",
           "2026-11-23T12:00:00.",
           "2026-11-23T12:00:00 ",
           "2026-11-23T12:00+0100",
           "2026-11-23T12:00+01",
           "2026-11-23T12:00+24:00",
           "2026-11-23T12:00+01:60",
           "2026-11-23T12:00 Z",
           "2026-11-23T12:00ZZ",
           "2026-11-23T12:00Z ",
           "2026-11-23T12:00+01:00Z",
           "2026-11-23Z",
           // out of range
           "1969-12-31",
           "1969-12-31T23:59:59Z",
           "1969-12-31T23:59:59",
           "1970-01-01T00:59:59+01:00",
           "0000-01-01",
           "0001-01-01",
           "9999-12-31T23:59:59-00:01",
       }) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
  EXPECT_FALSE(parse_time(std::string_view("2026-11-23\0", 11)));
}

TEST(TimeText, ReadsBackWhatItPrintsOnEveryDayOfALeapYear) {
  for (auto day = sys_days(2024y / 1 / 1); day <= sys_days(2024y / 12 / 31); day += days(1)) {
    const Time time = day + 23h + 59min + 58s;
    EXPECT_EQ(parse_time(format_time(time)), time) << format_time(time);
  }
}

}  // namespace
}  // namespace mintmark::time_test
