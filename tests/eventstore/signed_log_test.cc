#include <algorithm>
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eventstore/rocksdb_log.h"
#include "tests/support/event_builders.h"
#include "tests/support/log_folder.h"

namespace mintmark::testing::signed_log_test {
namespace {

// What a log's tree heads prove about it.
class SignedLog : public ::testing::Test {
 protected:
  SignedLog() {
    const auto log = folder.open();
    heads.push_back(log->tree().head());
    for (int i = 0; i < 4; ++i) {
      LogFolder::append_some(*log, 3);
      heads.push_back(log->tree().head());
    }
  }
  std::string problem(std::vector<TreeHead> tree_heads) {
    VerifyOptions options;
    options.tree_heads = source_of(std::move(tree_heads));
    const auto report = RocksDbLog::verify_stopped(folder.options(), [](Position, Position) {}, options);
    EXPECT_TRUE(report);
    const auto log = folder.open();
    EXPECT_EQ(log->verify([](Position, Position) {}, options).problem, report->problem);
    return report->problem;
  }

  LogFolder folder;
  std::vector<TreeHead> heads;  // at positions 0, 3, 6, 9 and 12
};

TEST_F(SignedLog, BeginsWithAllOfItsHeads) {
  EXPECT_EQ(heads.back().size, 12U);
  EXPECT_EQ(problem(heads), "");
  std::ranges::reverse(heads);
  EXPECT_EQ(problem(heads), "") << "whatever their order";
}

TEST_F(SignedLog, IsFoundOutWhereAHeadWasAnother) {
  for (std::size_t i = 0; i < heads.size(); ++i) {
    auto other = heads;
    other[i].root[31] ^= 1;
    EXPECT_EQ(problem(other),
              "its root at position " + std::to_string(3 * i) + " is not that of a signed tree head");
  }
}

TEST_F(SignedLog, RolledBackToYesterdaysCopyIsFoundOut) {
  // A copy is whole and agrees with its own anchor: nothing in it can tell.
  LogFolder yesterday;
  yesterday.become_copy_of(folder);
  LogFolder::append_some(*folder.open(), 5);
  const auto today = folder.open()->tree().head();
  folder.become_copy_of(yesterday);
  EXPECT_EQ(folder.refusal(), "");
  EXPECT_EQ(problem(heads), "");
  EXPECT_EQ(problem({today}), "it ends at position 12, but a tree head of position 17 was signed");
  // Nor does it help to go on from there.
  LogFolder::append_some(*folder.open(), 1);
  for (std::uint64_t number = 100; number < 104; ++number) {
    ASSERT_TRUE(
        append_and_wait(*folder.open(), append_request("other-" + std::to_string(number), 0, number)));
  }
  EXPECT_EQ(problem({today}), "its root at position 17 is not that of a signed tree head");
}

TEST_F(SignedLog, ThatWasRestoredIsHeldToWhatWasSignedUpToItsEnd) {
  LogFolder backup;
  backup.become_copy_of(folder);
  LogFolder::append_some(*folder.open(), 5);
  auto signed_heads = heads;
  signed_heads.push_back(folder.open()->tree().head());
  folder.become_copy_of(backup);
  VerifyOptions options{.tree_heads = source_of(signed_heads), .is_restored = true};
  auto report = RocksDbLog::verify_stopped(folder.options(), [](Position, Position) {}, options);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->problem, "");
  EXPECT_EQ(report->tree_heads, heads.size());
  EXPECT_EQ(report->signed_and_lost, 5U);
  EXPECT_EQ(folder.open()->verify([](Position, Position) {}, options).signed_and_lost, 5U);
  signed_heads[2].root[31] ^= 1;
  options.tree_heads = source_of(signed_heads);
  report = RocksDbLog::verify_stopped(folder.options(), [](Position, Position) {}, options);
  EXPECT_EQ(report->problem, "its root at position 6 is not that of a signed tree head");
  options = {.tree_heads = source_of(heads), .is_restored = true};
  report = RocksDbLog::verify_stopped(folder.options(), [](Position, Position) {}, options);
  EXPECT_EQ(report->signed_and_lost, 0U);
}

TEST_F(SignedLog, PacedVerificationChecksTheSameAndStops) {
  auto wrong = heads;
  wrong[2].root[0] ^= 1;
  VerifyOptions options;
  options.events_per_second = 1'000'000;
  options.tree_heads = source_of(wrong);
  const auto log = folder.open();
  EXPECT_EQ(log->verify([](Position, Position) {}, options).problem,
            "its root at position 6 is not that of a signed tree head");
  options.tree_heads = source_of(heads);
  EXPECT_EQ(log->verify([](Position, Position) {}, options).problem, "");
  // At this pace it would take minutes.
  for (std::uint64_t i = 0; i < 40; ++i) {
    ASSERT_TRUE(append_and_wait(*log, append_request("many-" + std::to_string(i), 0, 1000 + 100 * i, 64)));
  }
  std::stop_source stop;
  options.events_per_second = 10;
  options.stop = stop.get_token();
  Position reached = 0;
  const std::jthread stopping([&stop] { stop.request_stop(); });
  EXPECT_EQ(log->verify([&](Position done, Position) { reached = done; }, options).problem, "");
  EXPECT_LT(reached, log->head());
}

TEST_F(SignedLog, PacedVerificationTakesItsTimeForFilesAndForEvents) {
  const auto log = folder.open();
  ASSERT_EQ(log->head(), 12U);
  VerifyOptions options;
  options.events_per_second = 120;
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(log->verify([](Position, Position) {}, options).problem, "");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(200)) << "a tenth each";
}

}  // namespace
}  // namespace mintmark::testing::signed_log_test
