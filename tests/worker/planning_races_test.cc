#include <chrono>
#include <string>
#include <utility>

#include <gmock/gmock.h>

#include "tests/worker/job_planner_fixture.h"

// What is planned where others were faster: triggers behind the end of their webhook, claims of jobs that
// events name, webhooks of tokens that are no more.
namespace mintmark::planning_races_test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace ::mintmark::testing;

class PlanningRaces : public JobPlannerFixture {};

TEST_F(PlanningRaces, ATriggerOnAStreamOfItsOwnCallsForTheSame) {
  add_webhook(1, "fulfillment_request");
  const auto triggered = trigger_apart(1);
  const auto again = trigger_apart(1);
  const auto tested = trigger_apart(1, test_event());
  EXPECT_THAT(waiting(), ElementsAre(job_id({tested, TEST_WEBHOOK, 1}), job_id({again, DELIVER_WEBHOOK, 1}),
                                     job_id({triggered, DELIVER_WEBHOOK, 1})));
  EXPECT_EQ(job(triggered, 1).account(), vendor(1).code());
  EXPECT_EQ(webhook(1).waiting(), 2);
}

TEST_F(PlanningRaces, ATriggerThatCameBehindTheEndOfItsWebhookCallsForNothing) {
  add_webhook(1);
  to_webhook(1, deleted_event());
  trigger_apart(1);
  trigger_apart(1, test_event());
  EXPECT_THAT(waiting(), IsEmpty());
  EXPECT_EQ(planner_.parked_streams(), 0);
}

TEST_F(PlanningRaces, ATriggerThatCameBehindADeactivationIsCancelledAndATestIsMade) {
  add_webhook(1);
  set_active(1, false);
  const auto triggered = trigger_apart(1);
  const auto tested = trigger_apart(1, test_event());
  EXPECT_EQ(job(triggered, 1).status(), StoredJob::CANCELLED);
  EXPECT_EQ(webhook(1).waiting(), 0);
  EXPECT_EQ(job(tested, 1, TEST_WEBHOOK).status(), StoredJob::WAITING);
  set_active(1, true);
  EXPECT_EQ(job(triggered, 1).status(), StoredJob::CANCELLED);
}

TEST_F(PlanningRaces, ATriggerOfAParkedWebhookCallsForNothing) {
  add_webhook(1);
  plan();
  JobPlan parking{log_.head(), {}, {}, {}};
  parking.parked.push_back({stream_of(WebhookId::from_value(1)), parking.position, "a test's"});
  store_->plan(parking);
  trigger_apart(1);
  EXPECT_THAT(waiting(), IsEmpty());
}

TEST_F(PlanningRaces, AZapierTokensNewWebhookFollowsIt) {
  history_.add(token_id(5), token_created(token_id(5), vendor(1), ZAPIER));
  history_.add(token_id(5), token_deleted());
  history_.actor.set_kind(Actor::TOKEN);
  history_.actor.set_id(token_id(5).text());
  const auto created = add_webhook(7, "fulfillment_request");
  EXPECT_EQ(job(created, 5, FOLLOW_TOKEN).status(), StoredJob::WAITING);
  history_.actor.set_kind(Actor::OPERATOR);
  EXPECT_EQ(job(add_webhook(8), 5, FOLLOW_TOKEN).status(), StoredJob::STATUS_UNSPECIFIED);
}

TEST_F(PlanningRaces, AConnectionThatWasGivenUpIsKeptUntilItsTokenIsDeleted) {
  const auto created = history_.add(token_id(5), token_created(token_id(5), vendor(1), ZAPIER));
  const JobKey key{created, ISSUE_ZAPIER_CONNECTION, 5};
  Event failed;
  *failed.mutable_zapier_provisioning_failed()->mutable_job() = reference_to(key);
  failed.mutable_zapier_provisioning_failed()->set_attempt(1);
  failed.mutable_zapier_provisioning_failed()->set_failure(ATTEMPT_STATUS);
  history_.add(token_id(5), failed);
  EXPECT_EQ(job(created, 5, ISSUE_ZAPIER_CONNECTION).status(), StoredJob::DEAD);
  clock_.advance(24h);
  EXPECT_EQ(store_->prune(clock_.now(), 10), 0);
  history_.add(token_id(5), token_deleted());
  EXPECT_EQ(job(created, 5, ISSUE_ZAPIER_CONNECTION).status(), StoredJob::CANCELLED);
  EXPECT_EQ(store_->prune(clock_.now(), 10), 1);
  EXPECT_FALSE(store_->find(key));
}

TEST_F(PlanningRaces, ATestThatIsAnswered410StopsTheWebhookToo) {
  add_webhook(1);
  const auto tested = trigger_apart(1, test_event());
  Event event;
  auto& made = *event.mutable_webhook_deliveries_recorded()->add_attempts();
  *made.mutable_job() = reference_to({tested, TEST_WEBHOOK, 1});
  made.set_attempt(1);
  made.set_status(410);
  made.set_failure(ATTEMPT_STATUS);
  const auto recorded = history_.add("deliveries", event);
  EXPECT_EQ(job(tested, 1, TEST_WEBHOOK).status(), StoredJob::DEAD);
  EXPECT_TRUE(webhook(1).gone());
  EXPECT_EQ(webhook(1).failures(), 0) << "tests count nowhere else";
  EXPECT_EQ(job(recorded, 1, STOP_WEBHOOK).status(), StoredJob::WAITING);
}

TEST_F(PlanningRaces, AClaimedJobThatNothingChangesStaysClaimed) {
  add_webhook(1);
  const auto triggered = trigger_apart(1);
  plan();
  const auto claim = store_->claim(1s, {});
  ASSERT_TRUE(claim);
  attempt(triggered, 7, 1, 100, 503);  // none of this job's
  attempt(triggered, 1, 5, 100, 503);  // not behind those that are counted
  trigger_apart(1);
  change(&Event::mutable_jobs_retried, {triggered, DELIVER_WEBHOOK, 1});
  plan();
  EXPECT_EQ(store_->view({triggered, DELIVER_WEBHOOK, 1})->state, JobQueue::State::kRunning);
  EXPECT_TRUE(store_->settle(*claim, true));
}

TEST_F(PlanningRaces, WhatWasUnderWayWhenItsWebhookEndedStaysCancelledAndShowsWhatCameOfIt) {
  add_webhook(1);
  const auto triggered = trigger_apart(1);
  to_webhook(1, deleted_event());
  attempt(triggered, 1, 1, 100, 200);
  const auto cancelled = job(triggered, 1);
  EXPECT_EQ(cancelled.status(), StoredJob::CANCELLED);
  EXPECT_EQ(cancelled.attempts(), 1);
  EXPECT_EQ(cancelled.history(0).status(), 200);
}

}  // namespace
}  // namespace mintmark::planning_races_test
