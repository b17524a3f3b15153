#include "worker/worker.h"

#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eventstore/memory_log.h"
#include "tests/support/fake_clock.h"
#include "tests/support/history.h"
#include "tests/support/scripted_log.h"
#include "tests/support/scripted_random.h"
#include "tests/support/temporary_folder.h"
#include "worker/rocksdb_job_store.h"

namespace mintmark {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace ::mintmark::testing;

// A job store that tells when a job was completed or postponed.
class WatchedJobs final : public JobStore {
 public:
  explicit WatchedJobs(std::unique_ptr<JobStore> jobs) : jobs_(std::move(jobs)) {}

  Position planned() override { return jobs_->planned(); }
  void plan(Position position, const std::vector<StoredJob>& jobs) override {
    jobs_->plan(position, jobs);
    count(planned_, position);
  }
  std::optional<Claim> claim(std::chrono::milliseconds lease) override { return jobs_->claim(lease); }
  std::optional<Time> next_due() override { return jobs_->next_due(); }
  bool extend(const Claim& claim, std::chrono::milliseconds lease) override {
    return jobs_->extend(claim, lease);
  }
  bool complete(const Claim& claim) override {
    const bool done = jobs_->complete(claim);
    count(completed_, completed_ + 1);
    return done;
  }
  bool postpone(const Claim& claim, std::chrono::milliseconds delay) override {
    const bool done = jobs_->postpone(claim, delay);
    {
      const std::scoped_lock lock(mutex_);
      delays_.push_back(delay);
    }
    changed_.notify_all();
    return done;
  }
  std::size_t size() override { return jobs_->size(); }

  void await_planned(Position position) {
    await([&] { return planned_ >= position; });
  }
  void await_completed(std::size_t number) {
    await([&] { return completed_ >= number; });
  }
  std::vector<std::chrono::milliseconds> await_postponed(std::size_t number) {
    await([&] { return delays_.size() >= number; });
    const std::scoped_lock lock(mutex_);
    return delays_;
  }

 private:
  void count(std::uint64_t& counter, std::uint64_t value) {
    {
      const std::scoped_lock lock(mutex_);
      counter = value;
    }
    changed_.notify_all();
  }
  template <class Reached>
  void await(Reached reached) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, 30s, reached)) throw std::runtime_error("the worker does not get there");
  }

  std::unique_ptr<JobStore> jobs_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t planned_ = 0;                      // guarded by mutex_
  std::uint64_t completed_ = 0;                    // guarded by mutex_
  std::vector<std::chrono::milliseconds> delays_;  // guarded by mutex_
};

class WorkerTest : public ::testing::Test {
 protected:
  WorkerTest() {
    clock_.advance(1h);  // jobs are due from the moment that their event was recorded
    open_jobs("jobs");
  }
  ~WorkerTest() override { worker_.reset(); }

  void open_jobs(const std::string& name) {
    worker_.reset();
    jobs_.reset();
    auto store = RocksDbJobStore::open(folder_.file(name), clock_);
    if (!store) throw std::runtime_error(store.error().messages.front());
    jobs_ = std::make_unique<WatchedJobs>(std::move(*store));
  }
  void start() {
    worker_ = std::make_unique<Worker>(log_, *jobs_, clock_, random_, [this](const std::string& reason) {
      if (!failed_.exchange(true)) failure_.set_value(reason);
    });
  }
  void create(TokenId token, Extension extension = ZAPIER) {
    history_.add(token, token_created(token, vendor(1), extension));
  }
  std::vector<Event::KindCase> kinds(TokenId token) {
    std::vector<Event::KindCase> kinds;
    for (const auto& event : memory_.read_stream(stream_of(token), 0)) {
      kinds.push_back(event.recorded.event().kind_case());
    }
    return kinds;
  }

  TemporaryFolder folder_;
  FakeClock clock_;
  SeededRandom random_{1};
  MemoryLog memory_{event_id(1)};
  ScriptedLog log_{memory_};
  History history_{memory_};
  std::promise<std::string> failure_;
  std::atomic<bool> failed_ = false;
  std::unique_ptr<WatchedJobs> jobs_;
  std::unique_ptr<Worker> worker_;
};

TEST_F(WorkerTest, APendingZapierTokenGetsItsConnection) {
  start();
  create(token_id(1));
  jobs_->await_completed(1);
  EXPECT_THAT(kinds(token_id(1)), ElementsAre(Event::kTokenCreated, Event::kZapierConnectionIssued));
  EXPECT_EQ(jobs_->size(), 0);
}

TEST_F(WorkerTest, DeletionWithdrawsTheConnection) {
  start();
  create(token_id(1));
  jobs_->await_completed(1);
  history_.add(token_id(1), token_deleted());
  jobs_->await_completed(2);
  EXPECT_THAT(kinds(token_id(1)), ElementsAre(Event::kTokenCreated, Event::kZapierConnectionIssued,
                                              Event::kTokenDeleted, Event::kZapierConnectionWithdrawn));
}

TEST_F(WorkerTest, WhatWasCreatedAndDeletedBeforeItStartedGetsNoConnection) {
  create(token_id(1));
  history_.add(token_id(1), token_deleted());
  create(token_id(2));
  start();
  jobs_->await_completed(3);
  EXPECT_THAT(kinds(token_id(1)), ElementsAre(Event::kTokenCreated, Event::kTokenDeleted));
  EXPECT_THAT(kinds(token_id(2)), ElementsAre(Event::kTokenCreated, Event::kZapierConnectionIssued));
}

TEST_F(WorkerTest, CustomTokensAreLeftAlone) {
  start();
  create(token_id(1), CUSTOM);
  create(token_id(2));
  jobs_->await_completed(1);
  EXPECT_THAT(kinds(token_id(1)), ElementsAre(Event::kTokenCreated));
}

TEST_F(WorkerTest, RestartedItGoesOnWhereItWas) {
  start();
  create(token_id(1));
  jobs_->await_completed(1);
  open_jobs("jobs");
  create(token_id(2));
  start();
  jobs_->await_completed(1);
  EXPECT_THAT(kinds(token_id(1)), ElementsAre(Event::kTokenCreated, Event::kZapierConnectionIssued));
  EXPECT_THAT(kinds(token_id(2)), ElementsAre(Event::kTokenCreated, Event::kZapierConnectionIssued));
}

// Whatever of the store a crash took away: planning everything anew leaves the log as it is.
TEST_F(WorkerTest, RestartedFromAnyCheckpointItDoesNothingTwice) {
  start();
  for (std::uint32_t i = 1; i <= 3; ++i) create(token_id(i));
  jobs_->await_completed(3);
  history_.add(token_id(2), token_deleted());
  jobs_->await_completed(4);
  const auto head = memory_.head();
  EXPECT_EQ(head, 8);
  for (Position checkpoint = 0; checkpoint <= head; ++checkpoint) {
    open_jobs("jobs from " + std::to_string(checkpoint));
    if (checkpoint > 0) jobs_->plan(checkpoint, {});
    std::size_t again = 0;
    for (const auto& event : memory_.read(checkpoint, head)) {
      const auto& kind = event.recorded.event();
      again += kind.has_token_created() || kind.has_token_deleted() ? 1 : 0;
    }
    start();
    jobs_->await_planned(head);
    jobs_->await_completed(again);
    EXPECT_EQ(memory_.head(), head) << "from " << checkpoint;
  }
  EXPECT_THAT(kinds(token_id(1)), ElementsAre(Event::kTokenCreated, Event::kZapierConnectionIssued));
}

TEST_F(WorkerTest, WhenTheLogIsBusyTheJobIsPostponedWithGrowingDelays) {
  log_.refuse(AppendError::Kind::kBusy);
  start();
  create(token_id(1));
  EXPECT_THAT(jobs_->await_postponed(1), ElementsAre(500ms));
  clock_.advance(500ms);
  create(token_id(2), CUSTOM);
  create(token_id(3));  // a new job wakes the worker
  const auto delays = jobs_->await_postponed(3);
  EXPECT_THAT(delays, ::testing::UnorderedElementsAre(500ms, 500ms, 1000ms));
  EXPECT_FALSE(failed_);
}

TEST_F(WorkerTest, APostponedJobIsDoneOnceTheLogTakesItAgain) {
  log_.refuse(AppendError::Kind::kDiskFull);
  start();
  create(token_id(1));
  jobs_->await_postponed(1);
  log_.accept();
  clock_.advance(1min);
  create(token_id(2));
  jobs_->await_completed(2);
  EXPECT_THAT(kinds(token_id(1)), ElementsAre(Event::kTokenCreated, Event::kZapierConnectionIssued));
  EXPECT_THAT(kinds(token_id(2)), ElementsAre(Event::kTokenCreated, Event::kZapierConnectionIssued));
  EXPECT_FALSE(failed_);
}

TEST_F(WorkerTest, AnUnknownOutcomeEndsItAndLeavesTheJob) {
  log_.refuse(AppendError::Kind::kUnknown);
  start();
  create(token_id(1));
  auto failure = failure_.get_future();
  ASSERT_EQ(failure.wait_for(30s), std::future_status::ready);
  EXPECT_THAT(failure.get(), HasSubstr("refused by the test"));
  EXPECT_EQ(jobs_->size(), 1);
}

TEST_F(WorkerTest, AJobLeftByACrashIsDoneOnceItsLeaseHasEnded) {
  create(token_id(1));
  StoredJob job;
  job.set_event_id(event_id(1).view().data(), 16);
  job.set_position(1);
  job.set_kind(StoredJob::ISSUE_ZAPIER_CONNECTION);
  job.set_subject(stream_of(token_id(1)));
  jobs_->plan(1, {job});
  ASSERT_TRUE(jobs_->claim(30s));
  clock_.advance(30s);
  start();
  jobs_->await_completed(1);
  EXPECT_THAT(kinds(token_id(1)), ElementsAre(Event::kTokenCreated, Event::kZapierConnectionIssued));
}

TEST_F(WorkerTest, ItEndsAtOnceWithNothingToDo) {
  start();
  worker_.reset();
  EXPECT_FALSE(failed_);
}

}  // namespace
}  // namespace mintmark
