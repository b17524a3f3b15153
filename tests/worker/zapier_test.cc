#include "worker/zapier.h"

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>

#include "domain/token.h"
#include "tests/worker/worker_fixture.h"
#include "worker/webhook_signature.h"

namespace mintmark::zapier_test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using namespace ::mintmark::testing;

const std::string provisioning_url = "https://provisioning.example.com/tokens";

class ZapierTest : public WorkerFixture {
 protected:
  static WorkerOptions provisioned() {
    WorkerOptions options;
    options.provisioning_url = provisioning_url;
    return options;
  }
  Position create(TokenId token, Extension extension = ZAPIER) {
    return happen(token, token_created(token, vendor(1), extension));
  }
  Token state_of(TokenId token) {
    Token state;
    for (const auto& event : memory_.read_stream(stream_of(token), 0)) evolve(state, event.recorded.event());
    return state;
  }
  static std::string event_of(const Receivers::Call& call) {
    return std::string(boost::json::parse(call.body).at("event").as_string());
  }
  void await_done() {
    await([&] { return jobs_->planned() == memory_.head() && jobs_->size() == 0; }, "nothing to do");
  }
  void add_webhook_made_by(TokenId token, std::uint32_t webhook) {
    history_.actor.set_kind(Actor::TOKEN);
    history_.actor.set_id(token.text());
    add_webhook(webhook, url_of(webhook));
    history_.actor.set_kind(Actor::OPERATOR);
  }
};

TEST_F(ZapierTest, APendingTokenGetsItsConnection) {
  start();
  create(token_id(1));
  await_kind(stream_of(token_id(1)), Event::kZapierConnectionIssued);
  EXPECT_EQ(state_of(token_id(1)).status, TokenStatus::kActive);
  EXPECT_EQ(receivers_.count(), 0);
}

TEST_F(ZapierTest, DeletionWithdrawsIt) {
  start();
  create(token_id(1));
  await_kind(stream_of(token_id(1)), Event::kZapierConnectionIssued);
  happen(token_id(1), token_deleted());
  await_kind(stream_of(token_id(1)), Event::kZapierConnectionWithdrawn);
  await_done();
  EXPECT_THAT(kinds(stream_of(token_id(1))),
              ElementsAre(Event::kTokenCreated, Event::kZapierConnectionIssued, Event::kTokenDeleted,
                          Event::kZapierConnectionWithdrawn));
}

TEST_F(ZapierTest, WhatWasCreatedAndDeletedBeforeItStartedGetsNoConnection) {
  create(token_id(1));
  happen(token_id(1), token_deleted());
  create(token_id(2));
  create(token_id(3), CUSTOM);
  start();
  await_kind(stream_of(token_id(2)), Event::kZapierConnectionIssued);
  await_done();
  EXPECT_THAT(kinds(stream_of(token_id(1))), ElementsAre(Event::kTokenCreated, Event::kTokenDeleted));
  EXPECT_THAT(kinds(stream_of(token_id(3))), ElementsAre(Event::kTokenCreated));
}

// An earlier worker may have told the provisioning URL of its creation and died before it recorded that.
TEST_F(ZapierTest, TheProvisioningUrlIsToldOfEveryDeletionOnce) {
  create(token_id(1));
  happen(token_id(1), token_deleted());
  start(provisioned());
  await_kind(stream_of(token_id(1)), Event::kZapierConnectionWithdrawn);
  await_done();
  EXPECT_EQ(event_of(receivers_.await(1).at(0)), "token.deleted");
  EXPECT_THAT(kinds(stream_of(token_id(1))),
              ElementsAre(Event::kTokenCreated, Event::kTokenDeleted, Event::kZapierConnectionWithdrawn));
  EXPECT_EQ(receivers_.count(), 1);
}

TEST_F(ZapierTest, ADeletionIsToldBehindTheCallThatTellsOfTheCreation) {
  receivers_.hold(true);
  start(provisioned());
  const auto created = create(token_id(1));
  receivers_.await(1);
  happen(token_id(1), token_deleted());
  await_job(created, 1, StoredJob::CANCELLED, ISSUE_ZAPIER_CONNECTION);
  create(token_id(2));
  EXPECT_EQ(event_of(receivers_.await(2)[1]), "token.created");
  receivers_.hold(false);
  EXPECT_EQ(event_of(receivers_.await(3)[2]), "token.deleted");
  await_done();
  EXPECT_THAT(kinds(stream_of(token_id(1))),
              ElementsAre(Event::kTokenCreated, Event::kTokenDeleted, Event::kZapierConnectionWithdrawn));
}

TEST_F(ZapierTest, AProvisioningUrlThatDoesNotAnswerLeavesPlacesToOthers) {
  auto options = provisioned();
  options.concurrency = 4;
  options.concurrency_per_host = 2;
  receivers_.hold(true);
  for (std::uint32_t i = 1; i <= 6; ++i) create(token_id(i));
  start(options);
  receivers_.await(2);
  add_webhook(7, url_of(7));
  const auto other = trigger(7);
  EXPECT_EQ(receivers_.await(3)[2].url, url_of(7));
  receivers_.hold(false);
  await_job(other, 7, StoredJob::DONE);
  for (std::uint32_t i = 1; i <= 6; ++i) {
    await_kind(stream_of(token_id(i)), Event::kZapierConnectionIssued);
  }
}

TEST_F(ZapierTest, AProvisioningUrlThatFailsLeavesHalfOfThePlacesToOthers) {
  auto options = provisioned();
  options.concurrency = 4;
  receivers_.script(provisioning_url, std::vector<Receivers::Answer>(4, status(503)));
  std::vector<Position> created;
  for (std::uint32_t i = 1; i <= 4; ++i) created.push_back(create(token_id(i)));
  start(options);
  for (std::uint32_t i = 1; i <= 4; ++i) await_attempts(created[i - 1], i, 1, ISSUE_ZAPIER_CONNECTION);
  receivers_.hold(true);
  clock_.advance(7s);
  receivers_.await(6);
  add_webhook(7, url_of(7));
  trigger(7);
  EXPECT_EQ(receivers_.await(7)[6].url, url_of(7));
  receivers_.hold(false);
  for (std::uint32_t i = 1; i <= 4; ++i) {
    await_kind(stream_of(token_id(i)), Event::kZapierConnectionIssued);
  }
}

TEST_F(ZapierTest, TheProvisioningUrlIsNotCalledAgainWhileTheLogTakesNothing) {
  start(provisioned());
  create(token_id(1));
  log_.refuse(AppendError::Kind::kBusy);
  receivers_.await(1);
  await(
      [&] {
        clock_.advance(1s);
        return log_.appends() >= 2;
      },
      "appends that are refused");
  log_.accept();
  await([&] { return state_of(token_id(1)).status == TokenStatus::kActive; }, "the connection");
  EXPECT_EQ(receivers_.count(), 1);
}

// Whatever of the store a crash took away: planning everything anew leaves the log as it is, and nobody is
// told again.
TEST_F(ZapierTest, PlannedAnewFromTheFirstEventItDoesNothingTwice) {
  start(provisioned());
  for (std::uint32_t i = 1; i <= 3; ++i) create(token_id(i));
  await_done();
  receivers_.script(provisioning_url, {status(410)});
  const auto refused = create(token_id(4));
  await_job(refused, 4, StoredJob::DEAD, ISSUE_ZAPIER_CONNECTION);
  happen(token_id(2), token_deleted());
  happen(token_id(4), token_deleted());
  await_done();
  const auto head = memory_.head();
  const auto told = receivers_.count();
  stop();
  auto anew = RocksDbJobStore::open(views_.file("anew"), clock_).value();
  JobPlanner planner(memory_, *anew);
  feed(memory_, planner);
  EXPECT_GT(anew->size(), 0);
  {
    const Worker worker({log_, *anew, calls_, clock_, random_}, provisioned(), receivers_.make_send(),
                        [](const std::string& reason) { ADD_FAILURE() << reason; });
    await([&] { return anew->size() == 0; }, "nothing to do");
  }
  EXPECT_EQ(memory_.head(), head);
  EXPECT_EQ(receivers_.count(), told);
}

TEST_F(ZapierTest, ATokenThatExpiredPendingGetsItsConnectionOnceItIsRotated) {
  create(token_id(1));
  Event expired;
  expired.mutable_token_expired();
  happen(token_id(1), expired);
  start(provisioned());
  await_done();
  EXPECT_EQ(receivers_.count(), 0) << "an expired token is not provisioned";
  Event rotated;
  rotated.mutable_token_rotated();
  happen(token_id(1), rotated);
  await_kind(stream_of(token_id(1)), Event::kZapierConnectionIssued);
  EXPECT_EQ(state_of(token_id(1)).status, TokenStatus::kActive);
  EXPECT_EQ(receivers_.count(), 1);
}

TEST_F(ZapierTest, TheProvisioningUrlIsToldAndHasToAgree) {
  receivers_.script(provisioning_url, {status(503)});
  start(provisioned());
  const auto created = create(token_id(1));
  const auto failed = await_attempts(created, 1, 1, ISSUE_ZAPIER_CONNECTION);
  EXPECT_EQ(failed.history(0).status(), 503);
  EXPECT_EQ(state_of(token_id(1)).status, TokenStatus::kPending);
  EXPECT_THAT(kinds(stream_of(token_id(1))),
              ElementsAre(Event::kTokenCreated, Event::kZapierProvisioningFailed));
  clock_.advance(7s);
  await_kind(stream_of(token_id(1)), Event::kZapierConnectionIssued);
  const auto calls = receivers_.await(2);
  EXPECT_EQ(calls[0].url, provisioning_url);
  const auto body = boost::json::parse(calls[0].body);
  EXPECT_EQ(body.at("event").as_string(), "token.created");
  EXPECT_EQ(body.at("token").at("id").as_string(), token_id(1).text());
  EXPECT_EQ(calls[0].headers.at("webhook-id"), calls[1].headers.at("webhook-id"));
}

TEST_F(ZapierTest, ASecretSignsWhatTheProvisioningUrlIsTold) {
  auto options = provisioned();
  options.provisioning_secret = "a secret of some length";
  start(options);
  create(token_id(1));
  const auto call = receivers_.await(1).at(0);
  const auto now = std::chrono::floor<std::chrono::seconds>(clock_.now());
  const auto expected = sign_webhook_call({WebhookKey(options.provisioning_secret)}, "provisioning",
                                          call.headers.at("webhook-id"), now, call.body);
  for (const auto& [name, value] : expected) EXPECT_EQ(call.headers.at(name), value) << name;
}

TEST_F(ZapierTest, TheProvisioningUrlIsToldOfADeletionAlsoWhereItFailedBefore) {
  receivers_.script(provisioning_url, {status(503)});
  start(provisioned());
  const auto created = create(token_id(1));
  await_attempts(created, 1, 1, ISSUE_ZAPIER_CONNECTION);
  happen(token_id(1), token_deleted());
  const auto calls = receivers_.await(2);
  EXPECT_EQ(boost::json::parse(calls[1].body).at("event").as_string(), "token.deleted");
  await_done();
}

TEST_F(ZapierTest, ProvisioningThatWasGivenUpIsRetriedByHand) {
  receivers_.script(provisioning_url, {status(410)});
  start(provisioned());
  const auto created = create(token_id(1));
  await_job(created, 1, StoredJob::DEAD, ISSUE_ZAPIER_CONNECTION);
  Event retried;
  *retried.mutable_jobs_retried()->add_jobs() = reference_to({created, ISSUE_ZAPIER_CONNECTION, 1});
  history_.add("jobs-VA-000-001", retried);
  await_kind(stream_of(token_id(1)), Event::kZapierConnectionIssued);
}

TEST_F(ZapierTest, ItsWebhooksPauseResumeAndEndWithIt) {
  start();
  create(token_id(1));
  await_kind(stream_of(token_id(1)), Event::kZapierConnectionIssued);
  add_webhook_made_by(token_id(1), 7);
  const auto webhook = stream_of(WebhookId::from_value(7));
  Event event;
  event.mutable_token_deactivated();
  happen(token_id(1), event);
  await_kind(webhook, Event::kWebhookPaused);
  await_done();
  const auto waiting = trigger(7);
  event.mutable_token_activated();
  happen(token_id(1), event);
  await_kind(webhook, Event::kWebhookResumed);
  await_job(waiting, 7, StoredJob::DONE);
  receivers_.hold(true);
  const auto under_way = trigger(7);
  const auto behind = trigger(7);
  receivers_.await(2);
  happen(token_id(1), token_deleted());
  await_kind(webhook, Event::kWebhookUnsubscribed);
  await_job(behind, 7, StoredJob::CANCELLED);
  receivers_.hold(false);
  await_done();
  EXPECT_EQ(jobs_->find({under_way, DELIVER_WEBHOOK, 7})->status(), StoredJob::CANCELLED);
  EXPECT_EQ(receivers_.count(), 2);
  EXPECT_FALSE(webhooks_.find(WebhookId::from_value(7)));
  EXPECT_EQ(*vault_.get(webhook), std::nullopt);  // its data key is destroyed
}

TEST_F(ZapierTest, AWebhookThatItsTokenMadeTooLateFollowsItAllTheSame) {
  start();
  for (const std::uint32_t i : {1U, 2U}) {
    create(token_id(i));
    await_kind(stream_of(token_id(i)), Event::kZapierConnectionIssued);
  }
  happen(token_id(1), token_deleted());
  Event deactivated;
  deactivated.mutable_token_deactivated();
  happen(token_id(2), deactivated);
  await_done();
  add_webhook_made_by(token_id(1), 7);
  add_webhook_made_by(token_id(2), 8);
  await_kind(stream_of(WebhookId::from_value(7)), Event::kWebhookUnsubscribed);
  await_kind(stream_of(WebhookId::from_value(8)), Event::kWebhookPaused);
  EXPECT_EQ(*vault_.get(stream_of(WebhookId::from_value(7))), std::nullopt);
}

// Planned when it had failed for too long, done when it has failed anew for a moment.
TEST_F(ZapierTest, AWebhookIsNotStoppedForWhatFailedBeforeItWasStartedAnew) {
  add_webhook(7, url_of(7));
  receivers_.script(url_of(7), {status(503)});
  start();
  const auto failed = trigger(7);
  await_attempts(failed, 7, 1);
  stop();
  StoredJob job;
  *job.mutable_key() = reference_to({failed, STOP_WEBHOOK, 7});
  const auto stop_now = [&] { return stop_webhook(memory_, *jobs_, clock_, random_, job); };
  clock_.advance(5 * 24h - 1min);
  EXPECT_TRUE(stop_now());
  EXPECT_THAT(kinds(stream_of(WebhookId::from_value(7))), ElementsAre(Event::kWebhookCreated));
  clock_.advance(2min);
  EXPECT_TRUE(stop_now());
  EXPECT_THAT(kinds(stream_of(WebhookId::from_value(7))),
              ElementsAre(Event::kWebhookCreated, Event::kWebhookDisabled));
}

TEST_F(ZapierTest, TroubleOfTheLogIsTriedAgain) {
  start();
  log_.refuse(AppendError::Kind::kBusy);
  create(token_id(1));
  await([&] { return log_.appends() > 0; }, "an append");
  log_.accept();
  await(
      [&] {
        clock_.advance(1s);
        return state_of(token_id(1)).status == TokenStatus::kActive;
      },
      "the connection");
}

}  // namespace
}  // namespace mintmark::zapier_test
