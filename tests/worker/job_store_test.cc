#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/history.h"
#include "tests/support/log_folder.h"
#include "tests/support/small_disk.h"
#include "worker/rocksdb_job_store.h"

namespace mintmark::job_store_test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
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

  std::int64_t now_us() const { return clock_.now().time_since_epoch().count(); }
  StoredJob job(Position position, std::uint32_t target, JobKind kind = DELIVER_WEBHOOK) const {
    StoredJob job;
    *job.mutable_key() = reference_to({position, kind, target});
    job.set_account(vendor(1).code());
    job.set_event_id("event " + std::to_string(position));
    job.set_status(StoredJob::WAITING);
    job.set_created_us(now_us());
    job.set_due_us(now_us());
    return job;
  }
  static StoredJob finished(StoredJob job, StoredJob::Status status, std::int64_t at_us) {
    job.set_status(status);
    job.set_finished_us(at_us);
    job.set_attempts(1);
    return job;
  }
  static Subscription webhook(std::uint32_t number, bool active = true) {
    Subscription subscription;
    subscription.set_webhook(number);
    subscription.set_account(vendor(1).code());
    subscription.set_active(active);
    return subscription;
  }
  void plan(Position position, std::vector<StoredJob> jobs, std::vector<Subscription> webhooks = {},
            std::vector<std::uint32_t> ended = {}) {
    store_->plan({position, std::move(jobs), std::move(webhooks), std::move(ended)});
  }

  // The position of the job that the next claim gets; 0 for none.
  Position claim() {
    const auto claim = store_->claim(30s, {});
    return claim ? claim->key().position : 0;
  }
  static std::vector<Position> positions(const std::vector<JobView>& views) {
    std::vector<Position> positions;
    for (const auto& view : views) positions.push_back(view.job.key().position());
    return positions;
  }

  TemporaryFolder folder_;
  FakeClock clock_;
  std::unique_ptr<JobStore> store_;
};

TEST_F(JobStoreTest, ANewStoreHasNothingPlannedAndNothingToDo) {
  EXPECT_EQ(store_->planned(), 0);
  EXPECT_EQ(store_->size(), 0);
  EXPECT_FALSE(store_->claim(30s, {}));
  EXPECT_EQ(store_->next_due(), std::nullopt);
}

TEST_F(JobStoreTest, AClaimCarriesTheJob) {
  plan(3, {job(3, 7)});
  const auto claim = store_->claim(30s, {});
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->job.event_id(), "event 3");
  EXPECT_EQ(claim->key(), (JobKey{3, DELIVER_WEBHOOK, 7}));
}

// Called for while the clock was an hour ahead; then somebody set it right.
TEST_F(JobStoreTest, AFirstAttemptDoesNotWaitForAClockThatWasSetBack) {
  clock_.advance(1h);
  const auto ahead = job(1, 7);
  clock_.advance(-1h);
  plan(1, {ahead});
  EXPECT_EQ(claim(), 1);
  plan(2, {job(2, 8)});
  clock_.advance(-1h);
  EXPECT_EQ(claim(), 0) << "planned while it was right, and waiting for its time";
  open();
  EXPECT_EQ(claim(), 1) << "after a restart";
  EXPECT_EQ(claim(), 2);
}

TEST_F(JobStoreTest, AClockThatStandsStillHoldsNothingUpButWhatHasToWait) {
  plan(2, {job(1, 7), job(2, 8)});
  EXPECT_EQ(claim(), 1);
  EXPECT_EQ(claim(), 2);
  EXPECT_EQ(claim(), 0);
}

TEST_F(JobStoreTest, AJobIsClaimedAgainOnceItsLeaseHasEndedAndNotBefore) {
  plan(1, {job(1, 7)});
  EXPECT_EQ(claim(), 1);
  clock_.advance(30s - 1us);
  EXPECT_EQ(claim(), 0);
  clock_.advance(1us);
  EXPECT_EQ(claim(), 1);
}

TEST_F(JobStoreTest, ACompletedJobIsGoneForGood) {
  plan(1, {job(1, 7, FOLLOW_TOKEN)});
  const auto held = store_->claim(30s, {});
  EXPECT_TRUE(store_->complete(*held));
  EXPECT_FALSE(store_->complete(*held));
  EXPECT_EQ(store_->size(), 0);
  open();
  EXPECT_EQ(store_->size(), 0);
  EXPECT_FALSE(store_->find(held->key()));
  EXPECT_THAT(store_->jobs_of(vendor(1), 10), IsEmpty());
}

TEST_F(JobStoreTest, AStaleClaimCompletesNothing) {
  plan(1, {job(1, 7, FOLLOW_TOKEN)});
  const auto stale = store_->claim(30s, {});
  clock_.advance(30s);
  const auto held = store_->claim(30s, {});
  EXPECT_FALSE(store_->complete(*stale));
  EXPECT_EQ(store_->size(), 1);
  EXPECT_TRUE(store_->complete(*held));
}

TEST_F(JobStoreTest, JobsAndTheirCheckpointComeTogetherAndSurviveReopening) {
  plan(7, {job(5, 1), job(7, 2)}, {webhook(1)});
  open();
  EXPECT_EQ(store_->planned(), 7);
  EXPECT_EQ(store_->size(), 2);
  EXPECT_TRUE(store_->subscription(1));
  EXPECT_EQ(claim(), 5);
}

// Who held it has died with the process.
TEST_F(JobStoreTest, AReopenedStoreHasNoClaims) {
  plan(1, {job(1, 7)});
  EXPECT_EQ(claim(), 1);
  open();
  EXPECT_EQ(claim(), 1);
}

TEST_F(JobStoreTest, AWebhookThatIsNotActivePausedOrGoneHoldsItsDeliveriesAlsoAfterReopening) {
  auto paused = webhook(2);
  paused.set_paused(true);
  auto gone = webhook(3);
  gone.set_gone(true);
  auto open_circuit = webhook(4);
  open_circuit.set_open_until_us(now_us() + 30'000'000);
  plan(9, {job(1, 1), job(2, 2), job(3, 3), job(4, 4), job(5, 5), job(6, 1, TEST_WEBHOOK)},
       {webhook(1, false), paused, gone, open_circuit, webhook(5)});
  open();
  EXPECT_EQ(store_->view({1, DELIVER_WEBHOOK, 1})->state, JobQueue::State::kParked);
  EXPECT_EQ(claim() + claim(), 11);  // 5 and 6
  EXPECT_EQ(claim(), 0);
  clock_.advance(30s);
  EXPECT_EQ(claim(), 4);
  plan(10, {}, {webhook(1)});
  EXPECT_EQ(claim(), 1);
}

TEST_F(JobStoreTest, AnAccountsJobsAreThoseThatAreNotDoneNewestFirst) {
  auto foreign = job(5, 9);
  foreign.set_account(vendor(2).code());
  plan(9, {job(1, 1), finished(job(2, 1), StoredJob::DONE, now_us()),
           finished(job(3, 1), StoredJob::DEAD, now_us()),
           finished(job(4, 2), StoredJob::CANCELLED, now_us()), foreign});
  EXPECT_THAT(positions(store_->jobs_of(vendor(1), 10)), ElementsAre(4, 3, 1));
  EXPECT_THAT(positions(store_->jobs_of(vendor(1), 2)), ElementsAre(4, 3));
  EXPECT_THAT(positions(store_->jobs_of(vendor(2), 10)), ElementsAre(5));
  EXPECT_EQ(store_->size(), 2);
}

TEST_F(JobStoreTest, AWebhooksDeliveriesAreOfEveryStatusNewestFirst) {
  plan(9, {job(1, 1), finished(job(2, 1), StoredJob::DONE, now_us()), job(3, 1, TEST_WEBHOOK), job(4, 2),
           job(5, 1, STOP_WEBHOOK)});
  EXPECT_THAT(positions(store_->deliveries_of(WebhookId::from_value(1), 10)), ElementsAre(3, 2, 1));
  EXPECT_THAT(positions(store_->deliveries_of(WebhookId::from_value(1), 1)), ElementsAre(3));
}

TEST_F(JobStoreTest, AnEndedWebhookIsGoneAndItsHistoryWithTime) {
  plan(5, {job(1, 1), finished(job(2, 1), StoredJob::DONE, now_us())}, {webhook(1)});
  plan(6, {finished(job(1, 1), StoredJob::CANCELLED, now_us())}, {}, {1});
  EXPECT_FALSE(store_->subscription(1));
  EXPECT_THAT(store_->subscriptions_of(vendor(1)), IsEmpty());
  EXPECT_THAT(positions(store_->jobs_of(vendor(1), 10)), ElementsAre(1));
  open();
  EXPECT_FALSE(store_->subscription(1));
  clock_.advance(1h);
  EXPECT_EQ(store_->prune(clock_.now(), 10), 2);
  EXPECT_FALSE(store_->find({2, DELIVER_WEBHOOK, 1}));
  EXPECT_FALSE(store_->find({1, DELIVER_WEBHOOK, 1}));
  EXPECT_THAT(store_->jobs_of(vendor(1), 10), IsEmpty());
  EXPECT_THAT(store_->deliveries_of(WebhookId::from_value(1), 10), IsEmpty());
}

TEST_F(JobStoreTest, WebhooksAreFoundByAccountAndByTheTokenThatMadeThem) {
  auto owned = webhook(2);
  owned.set_owned(true);
  owned.set_owner_token(77);
  plan(1, {}, {webhook(1), owned});
  open();
  EXPECT_EQ(store_->subscriptions_of(vendor(1)).size(), 2);
  ASSERT_EQ(store_->subscriptions_made_by(token_id(77)).size(), 1);
  EXPECT_EQ(store_->subscriptions_made_by(token_id(77)).front().webhook(), 2);
  EXPECT_THAT(store_->subscriptions_made_by(token_id(0)), IsEmpty());
}

TEST_F(JobStoreTest, WhatWasFinishedLongAgoIsForgottenAndNothingElse) {
  const auto old_us = now_us();
  plan(4, {finished(job(1, 1), StoredJob::DONE, old_us), finished(job(2, 1), StoredJob::DEAD, old_us),
           finished(job(3, 1), StoredJob::DEAD, old_us), job(4, 1)});
  clock_.advance(1h);
  auto retried = job(3, 1);
  plan(5, {retried, finished(job(5, 1), StoredJob::DONE, now_us())});
  EXPECT_EQ(store_->prune(clock_.now(), 2), 2);
  EXPECT_EQ(store_->prune(clock_.now(), 10), 1);
  EXPECT_EQ(store_->prune(clock_.now(), 10), 0);
  EXPECT_FALSE(store_->find({1, DELIVER_WEBHOOK, 1}));
  EXPECT_THAT(positions(store_->deliveries_of(WebhookId::from_value(1), 10)), ElementsAre(5, 4, 3));
  EXPECT_THAT(positions(store_->jobs_of(vendor(1), 10)), ElementsAre(4, 3));
}

TEST_F(JobStoreTest, AConnectionThatWasGivenUpIsNotForgotten) {
  plan(2, {finished(job(1, 7, ISSUE_ZAPIER_CONNECTION), StoredJob::DEAD, now_us()),
           finished(job(2, 8, WITHDRAW_ZAPIER_CONNECTION), StoredJob::DEAD, now_us())});
  clock_.advance(1h);
  EXPECT_EQ(store_->prune(clock_.now(), 10), 1);
  EXPECT_TRUE(store_->find({1, ISSUE_ZAPIER_CONNECTION, 7}));
  plan(3, {finished(job(1, 7, ISSUE_ZAPIER_CONNECTION), StoredJob::CANCELLED, now_us())});
  clock_.advance(1h);
  EXPECT_EQ(store_->prune(clock_.now(), 10), 1);
  EXPECT_FALSE(store_->find({1, ISSUE_ZAPIER_CONNECTION, 7}));
}

TEST_F(JobStoreTest, WebhooksWhoseLastAttemptHasFailedAreKnownAfterReopening) {
  auto failing = webhook(2);
  failing.set_failures(1);
  plan(1, {}, {webhook(1), failing});
  open();
  EXPECT_THAT(store_->failing_webhooks(), ElementsAre(2));
}

// Whatever is forgotten at that moment, a job that waits again keeps its row.
TEST_F(JobStoreTest, WhatIsRetriedWhileOthersAreForgottenStays) {
  constexpr std::uint32_t rounds = 300;
  const auto old_us = now_us();
  clock_.advance(1h);
  std::jthread pruning([this](const std::stop_token& stop) {
    while (!stop.stop_requested()) store_->prune(clock_.now(), 100);
  });
  for (std::uint32_t i = 1; i <= rounds; ++i) {
    const auto old = finished(job(i, i), StoredJob::DEAD, old_us);
    plan(i, {old});
    plan(i, {job(i, i)});  // retried
    EXPECT_TRUE(store_->find({i, DELIVER_WEBHOOK, i})) << i;
  }
  pruning.request_stop();
  pruning.join();
  std::uint32_t found = 0;
  for (std::uint32_t i = 1; i <= rounds; ++i) found += store_->find({i, DELIVER_WEBHOOK, i}) ? 1 : 0;
  EXPECT_EQ(found, rounds);
  std::uint32_t claimed = 0;
  while (claim() != 0) ++claimed;
  EXPECT_EQ(claimed, rounds);
}

TEST_F(JobStoreTest, TellsOfEveryPlanThatChangedSomething) {
  int told = 0;
  store_->when_planned([&told] { ++told; });
  plan(1, {job(1, 1)});
  plan(2, {});
  plan(3, {}, {webhook(1)});
  EXPECT_EQ(told, 2);
  store_->when_planned({});
  plan(4, {job(4, 1)});
  EXPECT_EQ(told, 2);
}

TEST_F(JobStoreTest, AStoreOfAnotherFormatIsEmptiedToBePlannedAgain) {
  plan(7, {job(1, 7)});
  store_.reset();
  rocksdb::DB* db = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(rocksdb::Options(), folder_.file("jobs"), &db).ok());
  ASSERT_TRUE(db->Put(rocksdb::WriteOptions(), "format", "1").ok());
  delete db;
  open();
  EXPECT_EQ(store_->planned(), 0);
  EXPECT_EQ(store_->size(), 0);
}

TEST_F(JobStoreTest, OnAFullDiskWritesNothingAndGoesOnWhenThereIsSpace) {
  constexpr std::uint64_t mebibyte = 1024UL * 1024;
  const SmallDisk disk(64 * mebibyte);
  store_.reset();
  store_ = RocksDbJobStore::open((disk.path() / "jobs").string(), clock_, &env_in_memory()).value();
  plan(2, {finished(job(1, 1), StoredJob::DONE, now_us()), job(2, 7, FOLLOW_TOKEN)});
  clock_.advance(1h);
  const auto held = store_->claim(30s, {});
  ASSERT_TRUE(held);
  disk.leave_free(4 * mebibyte);
  try {
    plan(3, {job(3, 2)});
    ADD_FAILURE() << "it was planned";
  } catch (const JobsFull& error) {
    EXPECT_THAT(error.what(), HasSubstr("the jobs cannot be used: the disk is full"));
  }
  EXPECT_EQ(store_->planned(), 2);
  EXPECT_EQ(store_->prune(clock_.now(), 10), 0);
  EXPECT_EQ(store_->prune(Time(), 10), 0) << "which needs no space";
  EXPECT_THROW(store_->complete(*held), JobsFull);
  EXPECT_TRUE(store_->give_back(*held, 1s)) << "it is claimed still";
  EXPECT_TRUE(store_->find({1, DELIVER_WEBHOOK, 1}));

  disk.empty();
  plan(3, {job(3, 2)});
  EXPECT_EQ(store_->planned(), 3);
  EXPECT_EQ(store_->prune(clock_.now(), 10), 1);
  EXPECT_EQ(claim(), 3);
  clock_.advance(1s);
  const auto again = store_->claim(30s, {});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->key(), held->key());
  EXPECT_TRUE(store_->complete(*again));
  store_.reset();  // before its disk
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

TEST(JobId, IsReadAsItIsWrittenAndInNoOtherForm) {
  const JobKey key{42, DELIVER_WEBHOOK, 9};
  EXPECT_EQ(job_id(key), "JB-42-3-000000009");
  EXPECT_EQ(parse_job_id("JB-42-3-000000009"), key);
  for (const auto* text :
       {"", "JB-", "JB-42-3-9", "JB-042-3-000000009", "JB-42-99-000000009", "jb-42-3-000000009",
        "JB-42-3-000000009 ", "JB-42-3-0000000090", "JB--1-3-000000009", "JB-42-3"}) {
    EXPECT_FALSE(parse_job_id(text)) << text;
  }
}

}  // namespace
}  // namespace mintmark::job_store_test
