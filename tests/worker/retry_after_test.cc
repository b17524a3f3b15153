#include "worker/retry_after.h"

#include <gtest/gtest.h>

namespace mintmark::testing::retry_after_test {
namespace {

using namespace std::chrono_literals;

// 1994-11-06 08:49:07, half a minute before RFC 9110's own examples.
constexpr auto now = std::chrono::sys_days(std::chrono::year(1994) / 11 / 6) + 8h + 49min + 7s;

TEST(RetryAfter, TakesSecondsAndTheThreeFormsOfADate) {
  EXPECT_EQ(parse_retry_after("0", now), 0s);
  EXPECT_EQ(parse_retry_after("120", now), 120s);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), 30s);
  EXPECT_EQ(parse_retry_after("Sunday, 06-Nov-94 08:49:37 GMT", now), 30s);
  EXPECT_EQ(parse_retry_after("Sun Nov  6 08:49:37 1994", now), 30s);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:00 GMT", now), 0s);
  // Two digits name the year nearest to now (RFC 9110, 5.6.7).
  const auto later = std::chrono::sys_days(std::chrono::year(2026) / 11 / 6);
  EXPECT_EQ(parse_retry_after("Wednesday, 06-Nov-80 08:49:37 GMT", later), 0s);
  EXPECT_EQ(parse_retry_after("Friday, 06-Nov-26 00:01:00 GMT", later), 60s);
}

// A receiver that asks for more than anybody would wait asks for long, not for nothing.
TEST(RetryAfter, TakesWhatIsBeyondAllBoundsForTenYears) {
  constexpr auto ten_years = 10 * 365 * 24h;
  for (const auto* value :
       {"315360000", "315360001", "9999999999", "99999999999999999999", "Sun, 06 Nov 9999 08:49:37 GMT"}) {
    EXPECT_EQ(parse_retry_after(value, now), ten_years) << value;
  }
  EXPECT_EQ(parse_retry_after("315359999", now), ten_years - 1s);
}

TEST(RetryAfter, TakesNothingElse) {
  for (const auto* value :
       {"", " ", "-1", "1.5", "12x", "99999999999999999999x", "soon", "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 GMT+1", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:-9:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT and a long text that no date of any form would ever reach to"}) {
    EXPECT_EQ(parse_retry_after(value, now), std::nullopt) << value;
  }
}

}  // namespace
}  // namespace mintmark::testing::retry_after_test
