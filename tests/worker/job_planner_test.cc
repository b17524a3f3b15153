#include "worker/job_planner.h"

#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/limits.h"
#include "tests/worker/job_planner_fixture.h"

namespace mintmark::job_planner_test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace ::mintmark::testing;

class JobPlannerTest : public JobPlannerFixture {};

TEST_F(JobPlannerTest, ATriggerCallsForADeliveryToItsWebhookAlone) {
  add_webhook(1, "fulfillment_request");
  add_webhook(2, "fulfillment_request");
  EXPECT_EQ(trigger(1), 3);
  EXPECT_THAT(waiting(), ElementsAre("JB-3-3-000000001"));
  EXPECT_EQ(event_type_name(job(3, 1).event_kind()), "trigger");
}

TEST_F(JobPlannerTest, AnEventThatCannotBePlannedParksItsStreamAndNoOther) {
  add_webhook(1);
  Event poison;
  poison.mutable_webhook_created()->set_webhook_id(WebhookId::from_value(2).text());
  poison.mutable_webhook_created()->set_account_id("nonsense");
  const auto at = to_webhook(2, poison);
  trigger(2);
  auto nobodys = token_created(token_id(5), vendor(1));
  nobodys.mutable_token_created()->set_account_id("nonsense");
  history_.add(token_id(5), nobodys);
  history_.add(token_id(5), token_renamed("x"));
  history_.add(token_id(5), token_deleted());
  const auto triggered = trigger(1);
  const auto created = history_.add(token_id(6), token_created(token_id(6), vendor(1)));
  EXPECT_THAT(waiting(),
              ElementsAre(job_id({created, DELIVER_WEBHOOK, 1}), job_id({triggered, DELIVER_WEBHOOK, 1})));
  EXPECT_EQ(planner_.checkpoint(), log_.head());
  ASSERT_EQ(planner_.parked_streams(), 2);
  EXPECT_EQ(planner_.parked(1).front(),
            (ParkedStream{stream_of(token_id(5)), at + 2, "its token's account cannot be told"}));
  EXPECT_EQ(planner_.parked(9).back(),
            (ParkedStream{stream_of(WebhookId::from_value(2)), at, "its account id is malformed"}));
}

TEST_F(JobPlannerTest, WhatIsParkedStaysSoAfterReopening) {
  Event poison;
  poison.mutable_webhook_created()->set_account_id("nonsense");
  to_webhook(2, poison);
  plan();
  store_.reset();
  store_ = RocksDbJobStore::open(folder_.file("jobs"), clock_).value();
  JobPlanner reopened(log_, *store_);
  ASSERT_EQ(reopened.parked_streams(), 1);
  EXPECT_EQ(reopened.parked(1).front().position, 1);
  add_webhook(2);  // of the parked stream
  feed(log_, reopened);
  EXPECT_FALSE(store_->subscription(2));
}

TEST_F(JobPlannerTest, AParkedWebhookIsNotCalled) {
  add_webhook(1);
  const auto triggered = trigger(1);
  plan();
  JobPlan parking{log_.head() + 1, {}, {}, {}};
  parking.parked.push_back({stream_of(WebhookId::from_value(1)), parking.position, "a test's"});
  store_->plan(parking);
  EXPECT_FALSE(store_->claim(1s, {}));
  EXPECT_EQ(store_->view({triggered, DELIVER_WEBHOOK, 1})->state, JobQueue::State::kParked);
}

TEST_F(JobPlannerTest, ADeletionOfAParkedWebhookStillEndsItAndItsTokensDoesToo) {
  Event with_token;
  with_token.mutable_webhook_unsubscribed()->set_reason(WebhookUnsubscribed::TOKEN_DELETED);
  for (const auto& [number, end] : {std::pair(1U, deleted_event()), std::pair(2U, with_token)}) {
    add_webhook(number);
    trigger(number);
    plan();
    JobPlan parking{log_.head(), {}, {}, {}};
    parking.parked.push_back({stream_of(WebhookId::from_value(number)), parking.position, "a test's"});
    store_->plan(parking);
    to_webhook(number, end);
    EXPECT_THAT(waiting(), IsEmpty());
    EXPECT_FALSE(store_->subscription(number));
  }
}

TEST_F(JobPlannerTest, WhatHappensToATokenGoesToTheActiveWebhooksForTokensOfItsAccount) {
  add_webhook(1);
  add_webhook(2);
  add_webhook(3, "fulfillment_request");
  add_webhook(4, "token", vendor(2));
  set_active(2, false);
  const auto created = history_.add(token_id(5), token_created(token_id(5), vendor(1)));
  EXPECT_THAT(waiting(), ElementsAre(job_id({created, DELIVER_WEBHOOK, 1})));
  history_.add(token_id(5), token_revealed());
  history_.add(token_id(5), token_renamed("x"));
  history_.add(token_id(5), token_deleted());
  EXPECT_EQ(waiting().size(), 3);
  EXPECT_EQ(event_type_name(job(created, 1).event_kind()), "token.created");
  EXPECT_EQ(event_type_name(job(created + 2, 1).event_kind()), "token.updated");
  EXPECT_EQ(event_type_name(job(created + 3, 1).event_kind()), "token.deleted");
}

// Events of before do not reach webhooks of later, however often and in whatever batches they are read.
TEST_F(JobPlannerTest, PlansTheSameInAnyBatches) {
  history_.add(token_id(5), token_created(token_id(5), vendor(1)));
  add_webhook(1);
  history_.add(token_id(5), token_renamed("x"));
  const auto triggered = trigger(1);
  attempt(triggered, 1, 1, 100, 503, 105);
  attempt(triggered, 1, 2, 105, 200);
  change(&Event::mutable_jobs_cancelled, {triggered - 1, DELIVER_WEBHOOK, 1});
  Event deleted;
  deleted.mutable_webhook_deleted();
  add_webhook(2);
  to_webhook(2, deleted);
  history_.add(token_id(5), token_deleted());
  plan();
  const auto dump = [](JobStore& store) {
    std::string text;
    for (const auto& view : store.jobs_of(vendor(1), 100)) text += view.job.ShortDebugString() + "\n";
    for (const auto& view : store.deliveries_of(WebhookId::from_value(1), 100)) {
      text += view.job.ShortDebugString() + "\n";
    }
    return text + store.subscription(1)->ShortDebugString();
  };
  const auto all_at_once = dump(*store_);
  EXPECT_THAT(all_at_once, ::testing::HasSubstr("status: DONE"));
  for (const std::size_t batch : {1U, 2U, 3U}) {
    auto other = RocksDbJobStore::open(folder_.file("jobs " + std::to_string(batch)), clock_).value();
    JobPlanner planner(log_, *other);
    feed(log_, planner, UINT64_MAX, batch);
    EXPECT_EQ(dump(*other), all_at_once);
  }
}

TEST_F(JobPlannerTest, WhatIsTooMuchForOneWebhookIsGivenUpAndCanBeRetried) {
  add_webhook(1);
  constexpr auto most = static_cast<std::uint32_t>(limits::deliveries_waiting_max);
  const auto first = log_.head() + 1;
  for (std::uint32_t i = 0; i < most; ++i) history_.add(token_id(i), token_created(token_id(i), vendor(1)));
  const auto one_too_many = history_.add(token_id(most), token_created(token_id(most), vendor(1)));
  EXPECT_EQ(job(first + most - 1, 1).status(), StoredJob::WAITING);
  EXPECT_EQ(job(one_too_many, 1).status(), StoredJob::DEAD);
  EXPECT_EQ(job(one_too_many, 1).attempts(), 0);
  EXPECT_NE(job(one_too_many, 1).finished_us(), 0);
  EXPECT_EQ(webhook(1).waiting(), most);
  EXPECT_EQ(store_->size(), most);
  attempt(first, 1, 1, 100, 200);
  const auto later = history_.add(token_id(1), token_renamed("x"));
  EXPECT_EQ(job(later, 1).status(), StoredJob::WAITING) << "there is room again";
  change(&Event::mutable_jobs_retried, {one_too_many, DELIVER_WEBHOOK, 1});
  EXPECT_EQ(job(one_too_many, 1).status(), StoredJob::WAITING);
  EXPECT_EQ(webhook(1).waiting(), most + 1);
  change(&Event::mutable_jobs_cancelled, {one_too_many, DELIVER_WEBHOOK, 1});
  EXPECT_EQ(webhook(1).waiting(), most);
}

TEST_F(JobPlannerTest, ASuccessEndsTheDeliveryOnce) {
  add_webhook(1);
  const auto triggered = trigger(1);
  attempt(triggered, 1, 1, 100, 200);
  attempt(triggered, 1, 1, 101, 200);
  attempt(triggered, 1, 2, 102, 200);
  const auto delivered = job(triggered, 1);
  EXPECT_EQ(delivered.status(), StoredJob::DONE);
  EXPECT_EQ(delivered.history_size(), 1);
  EXPECT_EQ(webhook(1).last_success_us(), 100'000'000);
  EXPECT_THAT(waiting(), IsEmpty());
}

TEST_F(JobPlannerTest, AFailureIsDueAgainWhenItSaysAndOneWithoutATimeIsDead) {
  add_webhook(1);
  const auto triggered = trigger(1);
  attempt(triggered, 1, 1, 100, 503, 105);
  EXPECT_EQ(job(triggered, 1).due_us(), 105'000'000);
  EXPECT_EQ(job(triggered, 1).attempts(), 1);
  attempt(triggered, 1, 2, 105, 503);
  EXPECT_EQ(job(triggered, 1).status(), StoredJob::DEAD);
  EXPECT_EQ(webhook(1).failures(), 2);
  EXPECT_EQ(webhook(1).failing_since_us(), 100'000'000);
}

TEST_F(JobPlannerTest, ARetryBeginsTheScheduleAnewAndACancellationStays) {
  add_webhook(1);
  const auto triggered = trigger(1);
  const JobKey key{triggered, DELIVER_WEBHOOK, 1};
  attempt(triggered, 1, 1, 100, 503);
  change(&Event::mutable_jobs_retried, key);
  EXPECT_EQ(job(triggered, 1).status(), StoredJob::WAITING);
  EXPECT_EQ(job(triggered, 1).round_begin(), 1);
  change(&Event::mutable_jobs_cancelled, key);
  EXPECT_EQ(job(triggered, 1).status(), StoredJob::CANCELLED);
  attempt(triggered, 1, 2, 200, 503, 205);  // was under way
  EXPECT_EQ(job(triggered, 1).status(), StoredJob::CANCELLED);
  change(&Event::mutable_jobs_retried, key);
  attempt(triggered, 1, 3, 300, 200);
  EXPECT_EQ(job(triggered, 1).status(), StoredJob::DONE);
  change(&Event::mutable_jobs_retried, key);
  change(&Event::mutable_jobs_cancelled, key);
  EXPECT_EQ(job(triggered, 1).status(), StoredJob::DONE);
}

TEST_F(JobPlannerTest, GoneStopsTheWebhookAtOnceAndCancelsWhatWaitsWhenThatIsRecorded) {
  add_webhook(1);
  const auto first = trigger(1);
  const auto second = trigger(1);
  const auto recorded = attempt(first, 1, 1, 100, 410);
  EXPECT_TRUE(webhook(1).gone());
  EXPECT_EQ(job(recorded, 1, STOP_WEBHOOK).status(), StoredJob::WAITING);
  EXPECT_EQ(store_->view({second, DELIVER_WEBHOOK, 1})->state, JobQueue::State::kParked);
  Event unsubscribed;
  unsubscribed.mutable_webhook_unsubscribed()->set_reason(WebhookUnsubscribed::GONE);
  to_webhook(1, unsubscribed);
  EXPECT_EQ(job(second, 1).status(), StoredJob::CANCELLED);
  EXPECT_FALSE(webhook(1).active());
  set_active(1, true);
  EXPECT_FALSE(webhook(1).gone());
}

TEST_F(JobPlannerTest, FiveDaysOfFailureStopTheWebhookAndASuccessInBetweenForgives) {
  constexpr std::int64_t day = 24 * 3600;
  add_webhook(1);
  const auto first = trigger(1);
  attempt(first, 1, 1, 0 * day + 1, 503, 1);
  attempt(first, 1, 2, 3 * day, 200);
  const auto second = trigger(1);
  attempt(second, 1, 1, 4 * day, 503, 1);
  EXPECT_EQ(job(attempt(second, 1, 2, 9 * day - 1, 503, 1), 1, STOP_WEBHOOK).status(),
            StoredJob::STATUS_UNSPECIFIED);
  EXPECT_EQ(job(attempt(second, 1, 3, 9 * day, 503, 1), 1, STOP_WEBHOOK).status(), StoredJob::WAITING);
}

TEST_F(JobPlannerTest, TheCircuitOpensBehindFiveFailuresAndClosesWithASuccess) {
  add_webhook(1);
  const auto triggered = trigger(1);
  for (std::uint32_t number = 1; number <= 4; ++number) attempt(triggered, 1, number, 100, 503, 100);
  EXPECT_EQ(webhook(1).open_until_us(), 0);
  attempt(triggered, 1, 5, 100, 503, 100);
  EXPECT_EQ(webhook(1).open_until_us(), 130'000'000);
  attempt(triggered, 1, 6, 140, 200);
  EXPECT_EQ(webhook(1).open_until_us(), 0);
}

TEST_F(JobPlannerTest, AZapierTokensWebhooksFollowItAndAnotherTokensDoNot) {
  history_.add(token_id(5), token_created(token_id(5), vendor(1), ZAPIER));
  history_.add(token_id(6), token_created(token_id(6), vendor(1)));
  history_.add(token_id(5), connection_issued());
  for (const std::uint32_t token : {5U, 6U}) {
    history_.actor.set_kind(Actor::TOKEN);
    history_.actor.set_id(token_id(token).text());
    add_webhook(token, "fulfillment_request");
  }
  EXPECT_TRUE(webhook(5).owned());
  EXPECT_FALSE(webhook(6).owned());
  Event deactivated;
  deactivated.mutable_token_deactivated();
  const auto of_zapier = history_.add(token_id(5), deactivated);
  const auto of_custom = history_.add(token_id(6), deactivated);
  EXPECT_EQ(job(of_zapier, 5, FOLLOW_TOKEN).status(), StoredJob::WAITING);
  EXPECT_EQ(job(of_custom, 6, FOLLOW_TOKEN).status(), StoredJob::STATUS_UNSPECIFIED);
}

// The token may have been stopped or deleted since it asked for the webhook.
// What an event names but does not change stays with whoever has it.
TEST_F(JobPlannerTest, AZapierTokensConnectionIsIssuedAndWithdrawn) {
  const auto created = history_.add(token_id(5), token_created(token_id(5), vendor(1), ZAPIER));
  EXPECT_EQ(job(created, 5, ISSUE_ZAPIER_CONNECTION).status(), StoredJob::WAITING);
  const auto deleted = history_.add(token_id(5), token_deleted());
  EXPECT_EQ(job(deleted, 5, WITHDRAW_ZAPIER_CONNECTION).status(), StoredJob::WAITING);
  EXPECT_EQ(job(created, 5, ISSUE_ZAPIER_CONNECTION).status(), StoredJob::CANCELLED);
}

TEST_F(JobPlannerTest, AConnectionIsPlannedAnewForATokenThatExpiredPendingAndIsRotated) {
  Event expired;
  expired.mutable_token_expired();
  Event rotated;
  rotated.mutable_token_rotated();
  for (const std::uint32_t number : {5U, 6U, 7U}) {
    history_.add(token_id(number), token_created(token_id(number), vendor(1), ZAPIER));
  }
  history_.add(token_id(6), connection_issued());
  for (const std::uint32_t number : {5U, 6U}) history_.add(token_id(number), expired);
  const auto pending = history_.add(token_id(5), rotated);
  const auto connected = history_.add(token_id(6), rotated);
  const auto never_expired = history_.add(token_id(7), rotated);
  const auto again = history_.add(token_id(5), rotated);
  EXPECT_EQ(job(pending, 5, ISSUE_ZAPIER_CONNECTION).status(), StoredJob::WAITING);
  plan();
  EXPECT_FALSE(store_->find({connected, ISSUE_ZAPIER_CONNECTION, 6}));
  EXPECT_FALSE(store_->find({never_expired, ISSUE_ZAPIER_CONNECTION, 7}));
  EXPECT_FALSE(store_->find({again, ISSUE_ZAPIER_CONNECTION, 5})) << "it is planned already";
}

TEST_F(JobPlannerTest, ADeletedWebhooksDeliveriesAreCancelledAndCannotComeBack) {
  add_webhook(1);
  const auto triggered = trigger(1);
  Event deleted;
  deleted.mutable_webhook_deleted();
  to_webhook(1, deleted);
  EXPECT_EQ(job(triggered, 1).status(), StoredJob::CANCELLED);
  change(&Event::mutable_jobs_retried, {triggered, DELIVER_WEBHOOK, 1});
  EXPECT_EQ(job(triggered, 1).status(), StoredJob::CANCELLED);
  EXPECT_THAT(waiting(), IsEmpty());
}

TEST_F(JobPlannerTest, WhatNamesNothingThatIsThereChangesNothing) {
  attempt(99, 1, 1, 100, 200);
  change(&Event::mutable_jobs_retried, {99, DELIVER_WEBHOOK, 1});
  trigger(1);
  EXPECT_THAT(waiting(), IsEmpty());
  EXPECT_EQ(planner_.checkpoint(), log_.head());
}

}  // namespace
}  // namespace mintmark::job_planner_test
