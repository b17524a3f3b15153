#include <cstdlib>
#include <future>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/event_builders.h"
#include "tests/support/log_folder.h"
#include "tests/support/long_form.h"
#include "tests/support/power_cut_env.h"

// The power goes at any change of any file, while the log is opened or written to; what was not synced, data
// and names, is gone or half gone. POWER_CUTS=500 runs so many seeds, POWER_CUT_SEED=n that one alone.
namespace mintmark::testing::power_cut_test {
namespace {

constexpr std::size_t seeds = 5;
constexpr int cuts_per_seed = 5;
constexpr int appends_per_life = 24;

class PowerCuts {
 public:
  explicit PowerCuts(std::uint32_t seed) : random_(seed), disk_(seed) {}

  void run() {
    for (int life = 0; life < cuts_per_seed && !::testing::Test::HasFatalFailure(); ++life) {
      disk_.cut_at(1 + random_() % (life % 2 == 0 ? 120 : 40));
      live();
      if (disk_.is_cut()) ++cuts_;
      disk_.restart();
      check();
    }
  }

  // How often the power went while something was under way, and what was acknowledged by then.
  std::size_t cuts() const { return cuts_; }
  std::size_t acknowledged() const { return acknowledged_.size(); }

 private:
  // Opens and appends until the power is gone, or to the end.
  void live() {
    auto options = folder_.options();
    options.env = &disk_.env();
    auto log = RocksDbLog::open(std::move(options));
    if (!log) {
      ASSERT_TRUE(disk_.is_cut()) << log.error().messages.front();
      return;
    }
    std::map<std::uint64_t, std::future<AppendResult>> answers;
    for (int i = 0; i < appends_per_life; ++i) {
      const auto number = next_;
      next_ += 100;
      const auto events = 1 + random_() % 3;
      answers.emplace(
          number, start_append(**log, append_request("stream-" + std::to_string(number), 0, number, events)));
      sizes_[number] = events;
      if (random_() % 2 == 0) answers.rbegin()->second.wait();
    }
    for (auto& [number, answer] : answers) {
      const auto result = answer.get();
      if (result) acknowledged_[number] = *result;
      if (!result) EXPECT_EQ(result.error().kind, AppendError::Kind::kUnknown);
    }
  }

  // What was acknowledged is there, whole and where it was; what was not is there whole or not at all.
  void check() {
    const auto refusal = folder_.refusal();
    ASSERT_EQ(refusal, "") << acknowledged_.size() << " appends were acknowledged";
    const auto log = folder_.open();
    for (const auto& [number, committed] : acknowledged_) {
      const auto events = log->read_stream("stream-" + std::to_string(number), 0);
      ASSERT_EQ(events.size(), sizes_.at(number)) << number;
      EXPECT_EQ(events.front().recorded.position(), committed.first);
      EXPECT_EQ(events.front().recorded.event_id(), event_id(number).view());
    }
    std::size_t events = 0;
    for (const auto& [number, size] : sizes_) {
      const auto found = log->version_of("stream-" + std::to_string(number));
      EXPECT_TRUE(found == 0 || found == size) << "half of an append: " << number;
      events += found;
    }
    EXPECT_EQ(events, log->head()) << "something was invented";
    EXPECT_EQ(log->verify([](Position, Position) {}).problem, "");
  }

  std::mt19937 random_;
  PowerCutEnv disk_;
  LogFolder folder_{1, TemporaryFolder::in_memory()};
  std::uint64_t next_ = 1;
  std::size_t cuts_ = 0;
  std::map<std::uint64_t, std::size_t> sizes_;
  std::map<std::uint64_t, Committed> acknowledged_;
};

TEST(PowerCut, LosesNothingAcknowledgedAndInventsNothing) {
  const auto first = number_from_environment("POWER_CUT_SEED", 1);
  const auto count = std::getenv("POWER_CUT_SEED") ? 1 : number_from_environment("POWER_CUTS", seeds);
  std::size_t cuts = 0;
  std::size_t acknowledged = 0;
  for (auto seed = first; seed < first + count && !HasFailure(); ++seed) {
    SCOPED_TRACE("POWER_CUT_SEED=" + std::to_string(seed));
    PowerCuts run(static_cast<std::uint32_t>(seed));
    run.run();
    cuts += run.cuts();
    acknowledged += run.acknowledged();
  }
  // What never happens cannot go wrong.
  EXPECT_GT(cuts, count * cuts_per_seed / 2);
  EXPECT_GT(acknowledged, count);
}

// The power goes at a change while a log is made: what is left is no log, and is made then, or a whole one.
// At each eleventh change; FAULT_STRIDE=1 at each.
TEST(PowerCut, WhileALogIsMadeLeavesNoneOrAWholeOne) {
  const auto stride = number_from_environment("FAULT_STRIDE", 11);
  bool was_cut = true;
  for (std::size_t n = 1; was_cut; n += stride) {
    SCOPED_TRACE(n);
    const TemporaryFolder folder(TemporaryFolder::in_memory());
    PowerCutEnv disk(static_cast<std::uint32_t>(n));
    RocksDbLog::Options options;
    options.path = folder.file("log");
    options.env = &disk.env();
    disk.cut_at(n);
    const auto created = RocksDbLog::create(options, event_id(1));
    was_cut = disk.is_cut();
    EXPECT_EQ(created.has_value(), !was_cut);
    disk.restart();
    if (!RocksDbLog::open(options)) {
      EXPECT_FALSE(created) << "a log that was made is gone";
      const auto again = RocksDbLog::create(options, event_id(1));
      ASSERT_TRUE(again) << again.error().messages.front();
    }
    const auto log = RocksDbLog::open(options);
    ASSERT_TRUE(log) << log.error().messages.front();
    EXPECT_TRUE(append_and_wait(**log, append_request("stream", 0, 1)));
    ASSERT_LT(n, 1000U);
  }
}

}  // namespace
}  // namespace mintmark::testing::power_cut_test
