#include <algorithm>
#include <atomic>
#include <future>
#include <latch>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "tests/eventstore/conformance.h"

namespace mintmark::testing {
namespace {

constexpr std::size_t writers = 8;

// Runs `body(writer)` in threads that start together.
template <class Body>
void race(const Body& body) {
  std::latch start(writers);
  std::vector<std::jthread> threads;
  for (std::size_t writer = 0; writer < writers; ++writer) {
    threads.emplace_back([&, writer] {
      start.arrive_and_wait();
      body(writer);
    });
  }
}

std::uint64_t number_of(std::size_t writer, std::size_t round) {
  return 1'000'000 * (writer + 1) + round;
}

}  // namespace

TEST_P(LogConformance, OneOfManyRacingWritersWinsEachVersion) {
  constexpr std::size_t versions = 40;
  std::vector<std::atomic<std::size_t>> winners(versions);
  race([&](std::size_t writer) {
    for (std::size_t version = 0; version < versions; ++version) {
      const auto result = append("contended", version, number_of(writer, version));
      if (result) {
        ++winners[version];
        continue;
      }
      EXPECT_EQ(result.error().kind, Kind::kConflict);
      EXPECT_GT(result.error().actual_version, version);
    }
  });
  settle();
  for (std::size_t version = 0; version < versions; ++version) EXPECT_EQ(winners[version], 1U) << version;
  EXPECT_EQ(log().head(), versions);
  expect_log_is_sound();
}

TEST_P(LogConformance, RacingAppendsOverSeveralStreamsAreAllOrNothing) {
  constexpr std::size_t rounds = 30;
  std::atomic<std::size_t> committed = 0;
  race([&](std::size_t writer) {
    // Half of the writers name the streams in the other order.
    const std::string left = writer % 2 ? "left" : "right";
    const std::string right = writer % 2 ? "right" : "left";
    for (std::size_t round = 0; round < rounds; ++round) {
      const auto version = log().read_stream("left", 0).size();
      auto request = append_request(left, version, number_of(writer, 2 * round));
      request.streams.push_back(stream_append(right, version, number_of(writer, 2 * round + 1)));
      const auto result = append(std::move(request));
      if (result) ++committed;
      if (result) EXPECT_EQ(result->last, result->first + 1);
    }
  });
  settle();
  EXPECT_GT(committed, 0U);
  EXPECT_EQ(log().read_stream("left", 0).size(), committed);
  EXPECT_EQ(log().read_stream("right", 0).size(), committed);
  EXPECT_EQ(log().head(), 2 * committed);
  expect_log_is_sound();
}

TEST_P(LogConformance, RacingWritersGetDistinctPositionsWithoutGaps) {
  constexpr std::size_t rounds = 100;
  std::vector<std::vector<Position>> positions(writers);
  race([&](std::size_t writer) {
    for (std::size_t round = 0; round < rounds; ++round) {
      const auto stream = fmt::format("stream-{}", writer);
      const auto result = append(stream, 2 * round, number_of(writer, 2 * round), 2);
      ASSERT_TRUE(result) << result.error().message;
      EXPECT_EQ(result->last, result->first + 1);
      EXPECT_GE(log().head(), result->last);
      positions[writer].push_back(result->first);
      positions[writer].push_back(result->last);
    }
  });
  settle();
  std::vector<Position> all;
  for (const auto& own : positions) {
    EXPECT_TRUE(std::ranges::is_sorted(own));
    all.insert(all.end(), own.begin(), own.end());
  }
  std::ranges::sort(all);
  ASSERT_EQ(all.size(), writers * rounds * 2);
  for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], i + 1);
  expect_log_is_sound();
}

TEST_P(LogConformance, NoEventJoinsThoseThatWereReadAlready) {
  std::atomic<bool> writing = true;
  std::vector<std::string> seen;
  std::jthread reader([&] {
    bool last_round = false;
    while (!last_round) {
      last_round = !writing;
      for (auto& event : log().read(seen.size(), 16)) {
        EXPECT_EQ(event.recorded.position(), seen.size() + 1);
        seen.push_back(std::move(event.bytes));
        last_round = false;
      }
    }
  });
  race([&](std::size_t writer) {
    for (std::size_t round = 0; round < 60; ++round)
      EXPECT_TRUE(append(fmt::format("stream-{}", writer), round, number_of(writer, round)));
  });
  writing = false;
  reader.join();
  settle();
  EXPECT_EQ(seen.size(), writers * 60);
  EXPECT_EQ(stored_bytes(log()), seen);
}

TEST_P(LogConformance, FollowingEqualsReadingPlusTail) {
  constexpr std::size_t total = 20 + writers * 40;
  ASSERT_TRUE(append("before", 0, 1, 20));
  std::vector<std::string> followed;
  std::jthread follower_thread([&](std::stop_token stop) {
    Follower follower(log(), 0);
    while (followed.size() < total) {
      const auto events = follower.next(7, stop);
      ASSERT_FALSE(events.empty());
      ASSERT_LE(events.size(), 7U);
      for (const auto& event : events) followed.push_back(event.bytes);
      ASSERT_EQ(follower.after(), followed.size());
    }
  });
  race([&](std::size_t writer) {
    for (std::size_t round = 0; round < 40; ++round)
      EXPECT_TRUE(append(fmt::format("stream-{}", writer), round, number_of(writer, round)));
  });
  follower_thread.join();
  settle();
  EXPECT_EQ(followed, stored_bytes(log()));
}

TEST_P(LogConformance, AFollowerStartsBehindAnyPosition) {
  ASSERT_TRUE(append("a", 0, 1, 10));
  settle();
  Follower follower(log(), 7);
  EXPECT_EQ(follower.next(2, {}).front().recorded.position(), 8U);
  EXPECT_EQ(follower.next(2, {}).size(), 1U);
  EXPECT_EQ(follower.after(), 10U);
}

TEST_P(LogConformance, AFollowerThatReadsNothingDoesNotHoldUpAppends) {
  ASSERT_TRUE(append("a", 0, 1));
  Follower slow(log(), 0);
  ASSERT_EQ(slow.next(1, {}).size(), 1U);
  // `slow` does not read on while 500 more events are appended.
  for (std::uint64_t version = 1; version <= 50; ++version)
    ASSERT_TRUE(append(fmt::format("b-{}", version), 0, 100 * version, 10));
  EXPECT_EQ(slow.next(1'000, {}).size(), 500U);
}

TEST_P(LogConformance, RetriesThatOverlapTheirFirstTryShareItsPositions) {
  for (std::uint64_t round = 0; round < 50; ++round) {
    const auto stream = fmt::format("stream-{}", round);
    auto first = start_append(log(), append_request(stream, 0, 10 * round + 1, 2));
    auto second = start_append(log(), append_request(stream, 0, 10 * round + 1, 2));
    const auto one = first.get();
    const auto other = second.get();
    ASSERT_TRUE(one);
    ASSERT_TRUE(other);
    EXPECT_FALSE(one->repeated);
    EXPECT_TRUE(other->repeated);
    EXPECT_EQ(one->first, other->first);
    EXPECT_EQ(one->last, other->last);
  }
  settle();
  EXPECT_EQ(log().head(), 100U);
  expect_log_is_sound();
}

TEST_P(LogConformance, TenThousandConcurrentDuplicatesAreOneEvent) {
  constexpr std::size_t each = 10'000 / writers;
  std::vector<std::vector<std::future<AppendResult>>> answers(writers);
  const auto once = [&](std::size_t writer, std::size_t i) {
    // A client that sends again makes new event ids; its idempotency key is what stays.
    auto request = append_request("once", 0, number_of(writer, i));
    request.idempotency_key = idempotency_key("k", "r");
    return request;
  };
  race([&](std::size_t writer) {
    for (std::size_t i = 0; i < each; ++i) answers[writer].push_back(start_append(log(), once(writer, i)));
  });
  std::size_t first_tries = 0;
  for (std::size_t writer = 0; writer < writers; ++writer) {
    for (std::size_t i = 0; i < each; ++i) {
      auto result = answers[writer][i].get();
      // The queue is bounded: who finds it full comes again.
      while (!result && result.error().kind == Kind::kBusy) result = append_and_wait(log(), once(writer, i));
      ASSERT_TRUE(result) << result.error().message;
      EXPECT_EQ(result->first, 1U);
      EXPECT_EQ(result->last, 1U);
      if (!result->repeated) ++first_tries;
    }
  }
  EXPECT_EQ(first_tries, 1U);
  settle();
  EXPECT_EQ(log().head(), 1U);
}

TEST_P(LogConformance, WaitingEndsWhenTheHeadPassesOrAStopIsAskedFor) {
  std::promise<bool> passed;
  std::jthread waiting([&] { passed.set_value(log().wait_past(0, {})); });
  ASSERT_TRUE(append("a", 0, 1));
  EXPECT_TRUE(passed.get_future().get());
  EXPECT_TRUE(log().wait_past(0, {}));

  std::promise<bool> stopped;
  std::jthread stoppable([&](std::stop_token stop) { stopped.set_value(log().wait_past(1, stop)); });
  stoppable.request_stop();
  EXPECT_FALSE(stopped.get_future().get());

  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(log().wait_past(1, stop.get_token()));
  EXPECT_TRUE(log().wait_past(0, stop.get_token()));
  Follower follower(log(), 1);
  EXPECT_TRUE(follower.next(1, stop.get_token()).empty());
}

}  // namespace mintmark::testing
