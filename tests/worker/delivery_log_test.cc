#include "worker/delivery_log.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eventstore/memory_log.h"
#include "tests/support/fake_clock.h"
#include "tests/support/history.h"
#include "tests/support/log_folder.h"
#include "tests/support/scripted_log.h"
#include "worker/rocksdb_job_store.h"

namespace mintmark::delivery_log_test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace ::mintmark::testing;

// Timers that are over when the test says so.
class Timers {
 public:
  MakeTimer make_timer() {
    return [this](boost::asio::io_context&) { return std::make_unique<ManualTimer>(*this); };
  }
  std::size_t running() const { return running_.size(); }
  std::chrono::microseconds shortest() const { return running_.front().second; }
  // Ends all that run now.
  void pass() {
    for (const auto& [timer, time] : std::exchange(running_, {})) timer->end();
  }

 private:
  class ManualTimer final : public Timer {
   public:
    explicit ManualTimer(Timers& timers) : timers_(timers) {}
    void start(std::chrono::microseconds time, std::function<void()> done) override {
      std::erase_if(timers_.running_, [this](const auto& entry) { return entry.first == this; });
      timers_.running_.emplace_back(this, time);
      done_ = std::move(done);
    }
    void end() { std::exchange(done_, {})(); }

   private:
    Timers& timers_;
    std::function<void()> done_;
  };

  std::vector<std::pair<ManualTimer*, std::chrono::microseconds>> running_;
};

class DeliveryLogTest : public ::testing::Test {
 protected:
  void add(Position position) {
    DeliveryAttempt attempt;
    *attempt.mutable_job() = reference_to({position, DELIVER_WEBHOOK, 7});
    attempt.set_attempt(1);
    attempt.set_failure(ATTEMPT_SUCCEEDED);
    outcomes_.add(attempt);
  }
  void settle() {
    context_.restart();
    context_.poll();
  }
  // How many attempts each event holds.
  std::vector<int> recorded() {
    std::vector<int> sizes;
    for (const auto& event : memory_.read_stream("deliveries", 0))
      sizes.push_back(event.recorded.event().webhook_deliveries_recorded().attempts_size());
    return sizes;
  }

  TemporaryFolder folder_;
  FakeClock clock_;
  SystemRandom random_;
  MemoryLog memory_{event_id(1)};
  ScriptedLog log_{memory_};
  std::unique_ptr<JobStore> jobs_ = RocksDbJobStore::open(folder_.file("jobs"), clock_).value();
  Timers timers_;
  int changes_ = 0;
  boost::asio::io_context context_;
  DeliveryLog outcomes_{context_,
                        log_,
                        *jobs_,
                        clock_,
                        random_,
                        timers_.make_timer(),
                        4,
                        [this] { ++changes_; },
                        [](const std::string& reason) { ADD_FAILURE() << reason; }};
};

TEST_F(DeliveryLogTest, AnOutcomeWaitsAMomentForOthers) {
  add(1);
  add(2);
  add(3);
  EXPECT_THAT(recorded(), IsEmpty());
  ASSERT_EQ(timers_.running(), 1);
  EXPECT_LE(timers_.shortest(), 5ms);
  timers_.pass();
  settle();
  EXPECT_THAT(recorded(), ElementsAre(3));
  EXPECT_EQ(outcomes_.pending(), 0);
  EXPECT_EQ(changes_, 1);
}

TEST_F(DeliveryLogTest, EnoughOfThemWaitForNothing) {
  for (Position position = 1; position <= 4; ++position) add(position);
  EXPECT_THAT(recorded(), ElementsAre(4));
  settle();
  EXPECT_EQ(outcomes_.pending(), 0);
}

TEST_F(DeliveryLogTest, WhatCameMeanwhileGathersAgain) {
  for (Position position = 1; position <= 6; ++position) add(position);
  EXPECT_THAT(recorded(), ElementsAre(4));
  EXPECT_EQ(outcomes_.pending(), 6);
  settle();
  EXPECT_EQ(outcomes_.pending(), 2);
  timers_.pass();
  settle();
  EXPECT_THAT(recorded(), ElementsAre(4, 2));
  EXPECT_EQ(timers_.running(), 0);
}

// The time that began before the batch was full ends while it is under way.
TEST_F(DeliveryLogTest, ATimeThatEndsDuringAnAppendDoesNotAppendTwice) {
  for (Position position = 1; position <= 5; ++position) add(position);
  timers_.pass();
  EXPECT_THAT(recorded(), ElementsAre(4));
  settle();
  timers_.pass();
  settle();
  EXPECT_THAT(recorded(), ElementsAre(4, 1));
  EXPECT_EQ(outcomes_.pending(), 0);
}

TEST_F(DeliveryLogTest, ALogThatTakesNothingNowGetsThemLater) {
  log_.refuse(AppendError::Kind::kBusy);
  for (Position position = 1; position <= 5; ++position) add(position);
  settle();
  timers_.pass();
  settle();
  EXPECT_THAT(recorded(), IsEmpty());
  EXPECT_EQ(outcomes_.pending(), 5);
  log_.accept();
  timers_.pass();
  settle();
  EXPECT_THAT(recorded(), ElementsAre(5));
}

}  // namespace
}  // namespace mintmark::delivery_log_test
