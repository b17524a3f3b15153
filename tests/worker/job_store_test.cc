#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/log_folder.h"
#include "worker/rocksdb_job_store.h"

namespace mintmark {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using namespace ::mintmark::testing;

class JobStoreTest : public ::testing::Test {
 protected:
  JobStoreTest() { open(); }

  void open() {
    store_.reset();
    auto store = RocksDbJobStore::open(folder_.file("jobs"), clock_);
    if (!store) throw std::runtime_error(store.error().messages.front());
    store_ = std::move(*store);
  }

  StoredJob job(Position position, const std::string& subject,
                StoredJob::Kind kind = StoredJob::ISSUE_ZAPIER_CONNECTION) const {
    StoredJob job;
    job.set_event_id("event " + std::to_string(position));
    job.set_position(position);
    job.set_kind(kind);
    job.set_subject(subject);
    job.set_due_us(clock_.now().time_since_epoch().count());
    return job;
  }

  // The position of the job that the next claim gets; 0 for none.
  Position claim() {
    const auto claim = store_->claim(30s);
    return claim ? claim->job.position() : 0;
  }

  TemporaryFolder folder_;
  FakeClock clock_;
  std::unique_ptr<JobStore> store_;
};

TEST_F(JobStoreTest, ANewStoreHasNothingPlannedAndNothingToDo) {
  EXPECT_EQ(store_->planned(), 0);
  EXPECT_EQ(store_->size(), 0);
  EXPECT_FALSE(store_->claim(30s));
  EXPECT_EQ(store_->next_due(), std::nullopt);
}

TEST_F(JobStoreTest, JobsAreClaimedInTheOrderOfTheirEvents) {
  store_->plan(20, {job(20, "c"), job(3, "a"), job(10, "b")});
  EXPECT_EQ(claim(), 3);
  EXPECT_EQ(claim(), 10);
  EXPECT_EQ(claim(), 20);
  EXPECT_EQ(claim(), 0);
}

TEST_F(JobStoreTest, AClaimCarriesTheJobAndCountsTheAttempt) {
  const auto planned = job(3, "a");
  store_->plan(3, {planned});
  const auto first = store_->claim(30s);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->job.event_id(), planned.event_id());
  EXPECT_EQ(first->job.subject(), "a");
  EXPECT_EQ(first->job.kind(), StoredJob::ISSUE_ZAPIER_CONNECTION);
  EXPECT_EQ(first->job.attempts(), 1);
  clock_.advance(30s);
  const auto second = store_->claim(30s);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->job.attempts(), 2);
  EXPECT_GT(second->fence, first->fence);
}

TEST_F(JobStoreTest, AJobIsClaimedAgainOnceItsLeaseHasEndedAndNotBefore) {
  store_->plan(1, {job(1, "a")});
  EXPECT_EQ(claim(), 1);
  clock_.advance(30s - 1us);
  EXPECT_EQ(claim(), 0);
  clock_.advance(1us);
  EXPECT_EQ(claim(), 1);
}

TEST_F(JobStoreTest, AnExtendedLeaseLastsFromNow) {
  store_->plan(1, {job(1, "a")});
  const auto held = store_->claim(30s);
  clock_.advance(20s);
  EXPECT_TRUE(store_->extend(*held, 30s));
  clock_.advance(29s);
  EXPECT_EQ(claim(), 0);
  clock_.advance(1s);
  EXPECT_EQ(claim(), 1);
}

TEST_F(JobStoreTest, AStaleClaimCanNeitherExtendNorPostponeNorComplete) {
  store_->plan(1, {job(1, "a")});
  const auto stale = store_->claim(30s);
  clock_.advance(30s);
  const auto held = store_->claim(30s);
  EXPECT_FALSE(store_->extend(*stale, 1h));
  EXPECT_FALSE(store_->postpone(*stale, 0ms));
  EXPECT_FALSE(store_->complete(*stale));
  EXPECT_EQ(store_->size(), 1);
  EXPECT_EQ(claim(), 0);  // still held, for as long as it was
  clock_.advance(30s);
  EXPECT_EQ(claim(), 1);
}

TEST_F(JobStoreTest, AClaimWhoseLeaseEndedUnnoticedIsStillTheNewest) {
  store_->plan(1, {job(1, "a")});
  const auto held = store_->claim(30s);
  clock_.advance(1h);
  EXPECT_TRUE(store_->complete(*held));
  EXPECT_EQ(store_->size(), 0);
}

TEST_F(JobStoreTest, ACompletedJobIsGoneAndItsClaimWorthNothing) {
  store_->plan(1, {job(1, "a")});
  const auto held = store_->claim(30s);
  EXPECT_TRUE(store_->complete(*held));
  EXPECT_EQ(store_->size(), 0);
  EXPECT_FALSE(store_->complete(*held));
  EXPECT_FALSE(store_->extend(*held, 30s));
  EXPECT_FALSE(store_->postpone(*held, 0ms));
  EXPECT_EQ(store_->size(), 0);
}

TEST_F(JobStoreTest, FencesOfDifferentJobsAndAfterReopeningNeverRepeat) {
  store_->plan(2, {job(1, "a"), job(2, "b")});
  const auto first = store_->claim(30s);
  const auto second = store_->claim(30s);
  EXPECT_NE(first->fence, second->fence);
  open();
  clock_.advance(30s);
  const auto third = store_->claim(30s);
  EXPECT_GT(third->fence, second->fence);
  EXPECT_FALSE(store_->complete(*first));
}

TEST_F(JobStoreTest, JobsOfOneSubjectRunInOrderWhileOthersOvertake) {
  store_->plan(3, {job(1, "a"), job(2, "a", StoredJob::WITHDRAW_ZAPIER_CONNECTION), job(3, "b")});
  const auto first = store_->claim(30s);
  EXPECT_EQ(first->job.position(), 1);
  EXPECT_EQ(claim(), 3);
  EXPECT_EQ(claim(), 0);
  EXPECT_TRUE(store_->complete(*first));
  EXPECT_EQ(claim(), 2);
}

TEST_F(JobStoreTest, APostponedJobKeepsTheLaterOnesOfItsSubjectWaiting) {
  store_->plan(2, {job(1, "a"), job(2, "a", StoredJob::WITHDRAW_ZAPIER_CONNECTION)});
  EXPECT_TRUE(store_->postpone(*store_->claim(30s), 10s));
  EXPECT_EQ(claim(), 0);
  clock_.advance(10s);
  EXPECT_EQ(claim(), 1);
}

TEST_F(JobStoreTest, APostponedJobIsFreeAfterItsDelayAndNotBefore) {
  store_->plan(1, {job(1, "a")});
  EXPECT_TRUE(store_->postpone(*store_->claim(1h), 10s));
  clock_.advance(10s - 1us);
  EXPECT_EQ(claim(), 0);
  clock_.advance(1us);
  EXPECT_EQ(claim(), 1);
}

TEST_F(JobStoreTest, AJobThatIsNotDueYetWaits) {
  auto later = job(1, "a");
  later.set_due_us((clock_.now() + 5s).time_since_epoch().count());
  store_->plan(1, {later});
  EXPECT_EQ(claim(), 0);
  EXPECT_EQ(store_->next_due(), clock_.now() + 5s);
  clock_.advance(5s);
  EXPECT_EQ(claim(), 1);
}

TEST_F(JobStoreTest, TheNextDueMomentIsTheEarliestOfLeasesAndDelays) {
  store_->plan(2, {job(1, "a"), job(2, "b")});
  EXPECT_TRUE(store_->postpone(*store_->claim(30s), 10s));
  EXPECT_EQ(claim(), 2);
  EXPECT_EQ(store_->next_due(), clock_.now() + 10s);
  clock_.advance(10s);
  EXPECT_EQ(claim(), 1);
  EXPECT_EQ(store_->next_due(), clock_.now() + 20s);
}

TEST_F(JobStoreTest, AJobBehindAnotherOfItsSubjectIsNotDueBeforeIt) {
  store_->plan(2, {job(1, "a"), job(2, "a", StoredJob::WITHDRAW_ZAPIER_CONNECTION)});
  EXPECT_EQ(claim(), 1);
  EXPECT_EQ(store_->next_due(), clock_.now() + 30s);
}

TEST_F(JobStoreTest, JobsAndTheirCheckpointComeTogetherAndSurviveReopening) {
  store_->plan(7, {job(5, "a"), job(7, "b")});
  open();
  EXPECT_EQ(store_->planned(), 7);
  EXPECT_EQ(store_->size(), 2);
  store_->plan(9, {});
  open();
  EXPECT_EQ(store_->planned(), 9);
  EXPECT_EQ(store_->size(), 2);
}

TEST_F(JobStoreTest, TwoJobsOfOneEventAreTwo) {
  store_->plan(1, {job(1, "a"), job(1, "a", StoredJob::WITHDRAW_ZAPIER_CONNECTION)});
  EXPECT_EQ(store_->size(), 2);
}

TEST_F(JobStoreTest, AJobThatIsPlannedAgainIsStillOne) {
  store_->plan(1, {job(1, "a")});
  store_->plan(1, {job(1, "a")});
  EXPECT_EQ(store_->size(), 1);
}

TEST_F(JobStoreTest, AClaimAndItsLeaseSurviveReopening) {
  store_->plan(1, {job(1, "a")});
  const auto held = store_->claim(30s);
  open();
  EXPECT_EQ(claim(), 0);
  EXPECT_TRUE(store_->complete(*held));
  EXPECT_EQ(store_->size(), 0);
}

TEST_F(JobStoreTest, AFolderInUseOrDamagedIsRefusedWithWhatToDo) {
  const auto second = RocksDbJobStore::open(folder_.file("jobs"), clock_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kUnavailable);
  store_.reset();
  write_file(folder_.path() / "jobs" / "CURRENT", "nonsense");
  const auto damaged = RocksDbJobStore::open(folder_.file("jobs"), clock_);
  ASSERT_FALSE(damaged);
  EXPECT_THAT(damaged.error().messages.front(), HasSubstr("Deleting the folder"));
}

}  // namespace
}  // namespace mintmark
