#include "worker/worker.h"

#include <set>

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>

#include "domain/limits.h"
#include "tests/worker/worker_fixture.h"

namespace mintmark::worker_test {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using namespace ::mintmark::testing;

class WorkerTest : public WorkerFixture {};

TEST_F(WorkerTest, ATriggerIsDeliveredAsTheContractHasIt) {
  add_webhook(1, url_of(1));
  start();
  const auto triggered = trigger(1);
  const auto delivered = await_job(triggered, 1, StoredJob::DONE);
  const auto call = receivers_.await(1).front();
  EXPECT_EQ(call.url, url_of(1));
  EXPECT_EQ(call.headers.at("Content-Type"), "application/json");
  EXPECT_EQ(call.headers.at("X-Key"), "value");
  EXPECT_EQ(call.headers.at("webhook-id"), message_id(delivered));
  EXPECT_EQ(call.headers.at("signed-for"), "WH-000-000-001");
  EXPECT_EQ(boost::json::parse(call.body), boost::json::parse(R"({
      "webhook_id": "WH-000-000-001", "webhook_name": "Orders", "object_class": "fulfillment_request",
      "account_id": "VA-000-001", "product_id": null, "api_url": "https://tokens.example.com/public/v1",
      "triggered_at": "2025-11-23T15:04:07+00:00", "last_success_at": null, "last_failure_at": null,
      "processing_timeout": 600, "data": {"configured": 1, "order": "PR-1"}})"));
  EXPECT_EQ(delivered.history_size(), 1);
  EXPECT_EQ(delivered.history(0).status(), 200);
  EXPECT_EQ(delivered.history(0).duration_us(), 3000);
  EXPECT_THAT(recorded_successes(), ElementsAre(std::pair(job_id({triggered, DELIVER_WEBHOOK, 1}), 1)));
  const auto row = webhooks_.find(WebhookId::from_value(1));
  EXPECT_EQ(row->successes(), 1);
  EXPECT_EQ(row->events(), 1);
  EXPECT_EQ(row->last_success().status(), 200);
}

TEST_F(WorkerTest, ATokensEventsAreToldWithoutItsValues) {
  add_webhook(1, url_of(1), "token");
  start();
  const auto created = happen(token_id(5), token_created(token_id(5), vendor(1)));
  const auto renamed = happen(token_id(5), token_renamed("Invoices"));
  const auto deleted = happen(token_id(5), token_deleted());
  await_job(deleted, 1, StoredJob::DONE);
  const auto calls = receivers_.await(3);
  const std::vector<std::pair<std::string, std::string>> expected{
      {"token.created", "Billing"}, {"token.updated", "Invoices"}, {"token.deleted", "Invoices"}};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto data = boost::json::parse(calls[i].body).at("data");
    EXPECT_EQ(data.at("event").as_string(), expected[i].first);
    EXPECT_EQ(data.at("name").as_string(), expected[i].second);
    EXPECT_EQ(data.at("id").as_string(), "SU-000-000-005");
    EXPECT_EQ(data.at("status").as_string(), i == 2 ? "deleted" : "active");
    for (const auto* hidden : {"token", "handle", "secret", "renewed_token", "secret_digest"}) {
      EXPECT_FALSE(data.as_object().contains(hidden)) << hidden;
    }
  }
  EXPECT_EQ(jobs_->find({created, DELIVER_WEBHOOK, 1})->status(), StoredJob::DONE);
  EXPECT_EQ(jobs_->find({renamed, DELIVER_WEBHOOK, 1})->status(), StoredJob::DONE);
  EXPECT_EQ(webhooks_.find(WebhookId::from_value(1))->events(), 3);
}

TEST_F(WorkerTest, AFailureIsAttemptedAgainUnderTheSameIdAndBody) {
  add_webhook(1, url_of(1));
  receivers_.script(url_of(1), {status(503), std::unexpected(OutboundError{OutboundFailure::kTimeout, ""})});
  start();
  const auto triggered = trigger(1);
  const auto first = await_attempts(triggered, 1, 1);
  EXPECT_EQ(first.history(0).failure(), ATTEMPT_STATUS);
  EXPECT_GE(first.due_us() - clock_.now().time_since_epoch().count(), 4'000'000);
  clock_.advance(6s + 1ms);
  const auto second = await_attempts(triggered, 1, 2);
  EXPECT_EQ(second.history(1).failure(), ATTEMPT_TIMED_OUT);
  EXPECT_EQ(second.history(1).status(), 0);
  clock_.advance(6min + 1ms);
  await_job(triggered, 1, StoredJob::DONE);
  const auto calls = receivers_.await(3);
  for (const auto& call : calls) {
    EXPECT_EQ(call.headers.at("webhook-id"), calls[0].headers.at("webhook-id"));
    EXPECT_EQ(call.body, calls[0].body);
  }
  EXPECT_EQ(webhooks_.find(WebhookId::from_value(1))->failures(), 2);
}

TEST_F(WorkerTest, EveryKindOfFailureIsToldByItsName) {
  const std::vector<std::pair<Receivers::Answer, AttemptFailure>> cases{
      {status(301), ATTEMPT_STATUS},
      {status(199), ATTEMPT_STATUS},
      {status(300), ATTEMPT_STATUS},
      {status(500), ATTEMPT_STATUS},
      {std::unexpected(OutboundError{OutboundFailure::kInvalidUrl, ""}), ATTEMPT_INVALID_URL},
      {std::unexpected(OutboundError{OutboundFailure::kAddressRefused, ""}), ATTEMPT_ADDRESS_REFUSED},
      {std::unexpected(OutboundError{OutboundFailure::kPortRefused, ""}), ATTEMPT_PORT_REFUSED},
      {std::unexpected(OutboundError{OutboundFailure::kUnresolved, ""}), ATTEMPT_UNRESOLVED},
      {std::unexpected(OutboundError{OutboundFailure::kConnect, ""}), ATTEMPT_NOT_CONNECTED},
      {std::unexpected(OutboundError{OutboundFailure::kTls, ""}), ATTEMPT_TLS},
      {std::unexpected(OutboundError{OutboundFailure::kTimeout, ""}), ATTEMPT_TIMED_OUT},
      {std::unexpected(OutboundError{OutboundFailure::kClosed, ""}), ATTEMPT_CLOSED},
      {std::unexpected(OutboundError{OutboundFailure::kMalformed, ""}), ATTEMPT_MALFORMED},
      {std::unexpected(OutboundError{OutboundFailure::kTooLarge, ""}), ATTEMPT_TOO_LARGE},
  };
  std::vector<Position> triggered;
  for (std::uint32_t i = 0; i < cases.size(); ++i) {
    add_webhook(i, url_of(i));
    receivers_.script(url_of(i), {cases[i].first});
    triggered.push_back(trigger(i));
  }
  start();
  for (std::uint32_t i = 0; i < cases.size(); ++i) {
    EXPECT_EQ(await_attempts(triggered[i], i, 1).history(0).failure(), cases[i].second) << i;
  }
  EXPECT_EQ(receivers_.count(), cases.size());  // no redirection is followed
}

TEST_F(WorkerTest, RetryAfterIsHonoured) {
  add_webhook(1, url_of(1));
  receivers_.script(url_of(1), {status(429, 120s)});
  start();
  const auto triggered = trigger(1);
  const auto job = await_attempts(triggered, 1, 1);
  EXPECT_EQ(job.due_us(), job.history(0).started_at_us() + 3000 + 120'000'000);
}

TEST_F(WorkerTest, AFailingWebhookKeepsItsOwnDeliveriesInOrderAndNobodyElseWaiting) {
  add_webhook(1, url_of(1));
  add_webhook(2, url_of(2));
  receivers_.script(url_of(1), {status(503)});
  const auto first = trigger(1, R"({"n":1})");
  const auto second = trigger(1, R"({"n":2})");
  const auto other = trigger(2);
  start();
  await_job(other, 2, StoredJob::DONE);
  await_attempts(first, 1, 1);
  EXPECT_EQ(jobs_->view({second, DELIVER_WEBHOOK, 1})->state, JobQueue::State::kParked);
  clock_.advance(7s);
  await_job(second, 1, StoredJob::DONE);
  std::vector<std::int64_t> order;
  for (const auto& call : receivers_.await(4)) {
    if (call.url == url_of(1)) order.push_back(boost::json::parse(call.body).at("data").at("n").as_int64());
  }
  EXPECT_THAT(order, ElementsAre(1, 1, 2));
}

TEST_F(WorkerTest, AfterTheLastAttemptTheDeliveryIsDeadAndTheNextHasItsTurn) {
  add_webhook(1, url_of(1));
  receivers_.script(url_of(1), std::vector<Receivers::Answer>(8, status(503)));
  start();
  const auto first = trigger(1);
  const auto second = trigger(1);
  for (std::uint32_t attempt = 1; attempt < 8; ++attempt) {
    await_attempts(first, 1, attempt);
    clock_.advance(12h + 1s);
  }
  await_job(first, 1, StoredJob::DEAD);
  clock_.advance(1h);  // the circuit is open behind so many failures
  await_job(second, 1, StoredJob::DONE);
  EXPECT_EQ(receivers_.count(), 9);
}

TEST_F(WorkerTest, GoneUnsubscribesAtOnce) {
  add_webhook(1, url_of(1));
  receivers_.script(url_of(1), {status(410)});
  const auto first = trigger(1);
  const auto second = trigger(1);
  start();
  await_job(first, 1, StoredJob::DEAD);
  await_job(second, 1, StoredJob::CANCELLED);
  EXPECT_EQ(receivers_.count(), 1);
  EXPECT_THAT(kinds(stream_of(WebhookId::from_value(1))), Contains(Event::kWebhookUnsubscribed));
  const auto row = webhooks_.find(WebhookId::from_value(1));
  EXPECT_FALSE(row->active());
  EXPECT_TRUE(row->unsubscribed());
}

TEST_F(WorkerTest, WhatHasFailedForFiveDaysIsDisabled) {
  add_webhook(1, url_of(1));
  receivers_.script(url_of(1), std::vector<Receivers::Answer>(9, status(503)));
  start();
  const auto first = trigger(1);
  await_attempts(first, 1, 1);
  clock_.advance(5 * 24h - 1min);
  await_attempts(first, 1, 2);
  EXPECT_TRUE(webhooks_.find(WebhookId::from_value(1))->active());
  clock_.advance(1h);
  await_attempts(first, 1, 3);
  await_kind(stream_of(WebhookId::from_value(1)), Event::kWebhookDisabled);
}

TEST_F(WorkerTest, CallsAtOnceAreBoundedOverallAndForEachHost) {
  for (std::uint32_t i = 0; i < 24; ++i) add_webhook(i, url_of(i, i % 2 == 0 ? "even" : "odd"));
  std::vector<Position> triggered;
  for (int round = 0; round < 3; ++round) {
    for (std::uint32_t i = 0; i < 24; ++i) triggered.push_back(trigger(i));
  }
  receivers_.hold(true);
  WorkerOptions options;
  options.concurrency = 5;
  options.concurrency_per_host = 3;
  start(options);
  receivers_.await(5);
  receivers_.hold(false);
  for (std::uint32_t i = 0; i < triggered.size(); ++i) await_job(triggered[i], i % 24, StoredJob::DONE);
  EXPECT_EQ(receivers_.most_at_once(), 5);
  EXPECT_EQ(receivers_.count(), 72);
}

TEST_F(WorkerTest, AFullHostKeepsOtherHostsCallsGoing) {
  add_webhook(1, url_of(1, "slow"));
  add_webhook(2, url_of(2, "slow"));
  add_webhook(3, url_of(3, "fast"));
  WorkerOptions options;
  options.concurrency_per_host = 1;
  receivers_.hold(true);
  const auto first = trigger(1);
  const auto second = trigger(2);
  const auto other = trigger(3);
  start(options);
  const auto calls = receivers_.await(2);
  EXPECT_NE(calls[0].url.find("slow"), calls[1].url.find("slow"));
  receivers_.hold(false);
  for (const auto& [position, webhook] :
       {std::pair(first, 1U), std::pair(second, 2U), std::pair(other, 3U)}) {
    await_job(position, webhook, StoredJob::DONE);
  }
}

TEST_F(WorkerTest, AHostIsOneHoweverItsUrlsSpellIt) {
  add_webhook(1, "http://Slow.example/1");
  add_webhook(2, "http://slow.example.:80/2");
  add_webhook(3, "http://fast.example/3");
  WorkerOptions options;
  options.concurrency_per_host = 1;
  receivers_.hold(true);
  const auto first = trigger(1);
  const auto second = trigger(2);
  const auto other = trigger(3);
  start(options);
  const auto calls = receivers_.await(2);
  EXPECT_NE(calls[0].url.find("fast") == std::string::npos, calls[1].url.find("fast") == std::string::npos);
  receivers_.hold(false);
  await_job(first, 1, StoredJob::DONE);
  await_job(second, 2, StoredJob::DONE);
  await_job(other, 3, StoredJob::DONE);
}

TEST_F(WorkerTest, WebhooksThatFailLeaveHalfOfThePlacesToTheOthers) {
  WorkerOptions options;
  options.concurrency = 4;
  std::vector<Position> failed;
  for (std::uint32_t i = 1; i <= 4; ++i) {
    add_webhook(i, url_of(i, "host-" + std::to_string(i)));
    receivers_.script(url_of(i, "host-" + std::to_string(i)), {status(503)});
    failed.push_back(trigger(i));
  }
  start(options);
  for (std::uint32_t i = 1; i <= 4; ++i) await_attempts(failed[i - 1], i, 1);
  receivers_.hold(true);
  clock_.advance(7s);
  receivers_.await(6);
  add_webhook(5, url_of(5, "well"));
  const auto well = trigger(5);
  EXPECT_EQ(receivers_.await(7)[6].url, url_of(5, "well"));
  receivers_.hold(false);
  for (std::uint32_t i = 1; i <= 4; ++i) await_job(failed[i - 1], i, StoredJob::DONE);
  await_job(well, 5, StoredJob::DONE);
  EXPECT_EQ(receivers_.count(), 9);
}

TEST_F(WorkerTest, AStopWaitsForCallsUnderWayAndTheirRecords) {
  add_webhook(1, url_of(1));
  receivers_.hold(true);
  start();
  const auto triggered = trigger(1);
  receivers_.await(1);
  std::thread letting_go([this] { receivers_.hold(false); });
  stop();
  letting_go.join();
  EXPECT_THAT(recorded_successes(), ElementsAre(std::pair(job_id({triggered, DELIVER_WEBHOOK, 1}), 1)));
}

TEST_F(WorkerTest, WhatWasUnderWayWhenItDiedIsDeliveredAgainUnderTheSameIdAndRecordedOnce) {
  add_webhook(1, url_of(1));
  receivers_.hold(true);
  WorkerOptions impatient;
  impatient.drain = 0ms;
  start(impatient);
  const auto triggered = trigger(1);
  receivers_.await(1);
  stop();
  EXPECT_THAT(recorded_successes(), IsEmpty());
  receivers_.hold(false);
  clock_.advance(1h);  // the lease has ended
  start();
  await_job(triggered, 1, StoredJob::DONE);
  const auto calls = receivers_.await(2);
  EXPECT_EQ(calls[0].headers.at("webhook-id"), calls[1].headers.at("webhook-id"));
  EXPECT_THAT(recorded_successes(), ElementsAre(std::pair(job_id({triggered, DELIVER_WEBHOOK, 1}), 1)));
}

TEST_F(WorkerTest, ALogThatTakesNothingIsAskedAgain) {
  add_webhook(1, url_of(1));
  start();
  log_.refuse(AppendError::Kind::kDiskFull);
  const auto triggered = trigger(1);
  receivers_.await(1);
  const auto before = log_.appends();
  await([&] { return log_.appends() >= before + 1; }, "an append");
  EXPECT_EQ(jobs_->find({triggered, DELIVER_WEBHOOK, 1})->status(), StoredJob::WAITING);
  log_.accept();
  await_job(triggered, 1, StoredJob::DONE);
  EXPECT_EQ(receivers_.count(), 1);
}

TEST_F(WorkerTest, ALogThatHasFailedEndsIt) {
  add_webhook(1, url_of(1));
  start();
  log_.refuse(AppendError::Kind::kUnknown);
  trigger(1);
  await(
      [&] {
        const std::scoped_lock lock(mutex_);
        return !failure_.empty();
      },
      "the failure");
}

// As another node would, that has the same job.
TEST_F(WorkerTest, WhatAnotherHasRecordedMeanwhileIsNotRecordedAgain) {
  add_webhook(1, url_of(1));
  add_webhook(2, url_of(2));
  receivers_.hold(true);
  start();
  const auto mine = trigger(1);
  const auto theirs = trigger(2);
  receivers_.await(2);
  Event event;
  auto& attempt = *event.mutable_webhook_deliveries_recorded()->add_attempts();
  *attempt.mutable_job() = reference_to({theirs, DELIVER_WEBHOOK, 2});
  attempt.set_attempt(1);
  // In the log, but not planned here yet, when our own outcome comes.
  std::atomic<bool> raced = false;
  log_.before_append([&] {
    if (!raced.exchange(true)) history_.add("deliveries", event);
  });
  receivers_.hold(false);
  await_job(mine, 1, StoredJob::DONE);
  await_job(theirs, 2, StoredJob::DONE);
  stop();
  EXPECT_THAT(recorded_successes(), ElementsAre(std::pair(job_id({mine, DELIVER_WEBHOOK, 1}), 1),
                                                std::pair(job_id({theirs, DELIVER_WEBHOOK, 2}), 1)));
}

TEST_F(WorkerTest, ATestIsOneCallBesideAllOthersAndCountsNowhere) {
  add_webhook(1, url_of(1));
  receivers_.script(url_of(1), {status(503), status(500)});
  start();
  const auto parked = trigger(1);
  await_attempts(parked, 1, 1);
  Event requested;
  requested.mutable_webhook_test_requested();
  const auto tested = history_.add(stream_of(WebhookId::from_value(1)), requested);
  EXPECT_EQ(await_job(tested, 1, StoredJob::DEAD, TEST_WEBHOOK).attempts(), 1);
  EXPECT_EQ(boost::json::parse(receivers_.await(2)[1].body).at("data").at("test"), true);
  EXPECT_EQ(webhooks_.find(WebhookId::from_value(1))->failures(), 1);
}

TEST_F(WorkerTest, WhatIsStoredButDoesNotOpenFailsVisibly) {
  add_webhook(1, url_of(1));
  const auto triggered = trigger(1);
  keys_[1] = DataKey{};
  const auto garbled = trigger(1);
  start();
  await_job(triggered, 1, StoredJob::DONE);
  EXPECT_EQ(await_attempts(garbled, 1, 1).history(0).failure(), ATTEMPT_UNSENDABLE);
}

}  // namespace
}  // namespace mintmark::worker_test
