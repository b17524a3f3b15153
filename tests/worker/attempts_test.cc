#include "worker/attempts.h"

#include <chrono>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "domain/limits.h"
#include "tests/support/scripted_random.h"

namespace mintmark::attempts_test {
namespace {

using namespace std::chrono_literals;
using testing::SeededRandom;

const Time now = Time(std::chrono::microseconds(1'763'910'245'000'000));
const AttemptEnd unavailable{ATTEMPT_STATUS, 503, {}};

TEST(NextAttempt, FollowsTheScheduleWithinAFifthAndEnds) {
  SeededRandom random(1);
  const std::vector<std::chrono::microseconds> schedule{5s, 5min, 30min, 2h, 5h, 10h, 10h};
  for (std::uint32_t attempt = 1; attempt <= schedule.size(); ++attempt) {
    const auto wanted = schedule[attempt - 1];
    std::set<Time> seen;
    for (int i = 0; i < 200; ++i) {
      const auto next = next_attempt(attempt, unavailable, now, random);
      ASSERT_TRUE(next);
      EXPECT_GE(*next - now, wanted * 8 / 10);
      EXPECT_LE(*next - now, wanted * 12 / 10);
      seen.insert(*next);
    }
    EXPECT_GT(seen.size(), 100) << "no jitter";
  }
  EXPECT_FALSE(next_attempt(8, unavailable, now, random));
}

TEST(NextAttempt, ReachesBothEndsOfTheJitter) {
  SeededRandom random(2);
  auto least = std::chrono::microseconds::max();
  auto most = std::chrono::microseconds::min();
  for (int i = 0; i < 2000; ++i) {
    const auto delay = *next_attempt(2, unavailable, now, random) - now;
    least = std::min(least, delay);
    most = std::max(most, delay);
  }
  EXPECT_LT(least, 245s);
  EXPECT_GT(most, 355s);
}

TEST(NextAttempt, RetryAfterPutsItOffWithinBounds) {
  SeededRandom random(3);
  EXPECT_EQ(next_attempt(1, {ATTEMPT_STATUS, 429, 120s}, now, random), now + 120s);
  EXPECT_LT(*next_attempt(1, {ATTEMPT_STATUS, 429, 1s}, now, random), now + 6s + 1us);
  EXPECT_GE(*next_attempt(2, {ATTEMPT_STATUS, 503, 1s}, now, random), now + 4min);
  EXPECT_EQ(next_attempt(1, {ATTEMPT_STATUS, 503, 24h * 365}, now, random), now + limits::retry_after_max);
}

TEST(NextAttempt, GoneIsFinal) {
  SeededRandom random(4);
  EXPECT_FALSE(next_attempt(1, {ATTEMPT_STATUS, 410, {}}, now, random));
}

TEST(Circuit, OpensBehindTheFifthFailureAndForAnHourAtMost) {
  EXPECT_EQ(circuit_open_time(0), 0s);
  EXPECT_EQ(circuit_open_time(4), 0s);
  EXPECT_EQ(circuit_open_time(5), 30s);
  EXPECT_EQ(circuit_open_time(6), 60s);
  EXPECT_EQ(circuit_open_time(11), 1920s);
  EXPECT_EQ(circuit_open_time(12), 1h);
  EXPECT_EQ(circuit_open_time(1'000'000), 1h);
}

TEST(Describe, SaysSomethingOfItsOwnOfEveryFailure) {
  std::set<std::string> texts;
  int kinds = 0;
  for (int number = AttemptFailure_MIN; number <= AttemptFailure_MAX; ++number) {
    if (!AttemptFailure_IsValid(number)) continue;
    ++kinds;
    texts.insert(describe(static_cast<AttemptFailure>(number), 503));
  }
  EXPECT_EQ(texts.size(), static_cast<std::size_t>(kinds));
  EXPECT_EQ(describe(ATTEMPT_SUCCEEDED, 200), "");
  EXPECT_EQ(describe(ATTEMPT_STATUS, 503), "The receiver answered 503.");
  EXPECT_EQ(failure_code(ATTEMPT_STATUS), "status");
  EXPECT_EQ(failure_code(ATTEMPT_TIMED_OUT), "timed_out");
}

}  // namespace
}  // namespace mintmark::attempts_test
