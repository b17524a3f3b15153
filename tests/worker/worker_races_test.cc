#include <string>

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>

#include "tests/worker/worker_fixture.h"

// What happens while calls are under way, and what a worker knows of the one before it.
namespace mintmark::worker_races_test {
namespace {

using namespace std::chrono_literals;
using namespace ::mintmark::testing;

class WorkerRaces : public WorkerFixture {
 protected:
  void cancel(Position position, std::uint32_t webhook) {
    Event event;
    *event.mutable_jobs_cancelled()->add_jobs() = reference_to({position, DELIVER_WEBHOOK, webhook});
    history_.add("jobs-VA-000-001", event);
  }
};

// As logs of before have it.
TEST_F(WorkerRaces, ATriggerOnItsWebhooksOwnStreamIsDeliveredToo) {
  add_webhook(1, url_of(1));
  const auto before = trigger_on(stream_of(WebhookId::from_value(1)), 1, R"({"order":"before"})");
  const auto now = trigger(1, R"({"order":"now"})");
  start();
  await_job(before, 1, StoredJob::DONE);
  await_job(now, 1, StoredJob::DONE);
  const auto calls = receivers_.await(2);
  EXPECT_EQ(boost::json::parse(calls[0].body).at("data").at("order").as_string(), "before");
  EXPECT_EQ(boost::json::parse(calls[1].body).at("data").at("order").as_string(), "now");
}

TEST_F(WorkerRaces, ACallUnderWayWhenItsJobIsCancelledShowsInTheJobAndItsWebhook) {
  add_webhook(1, url_of(1));
  receivers_.script(url_of(1), {status(503)});
  receivers_.hold(true);
  start();
  const auto cancelled = trigger(1);
  receivers_.await(1);
  cancel(cancelled, 1);
  await_job(cancelled, 1, StoredJob::CANCELLED);
  receivers_.hold(false);
  const auto job = await_attempts(cancelled, 1, 1);
  EXPECT_EQ(job.status(), StoredJob::CANCELLED);
  EXPECT_EQ(job.history(0).status(), 503);
  EXPECT_EQ(worker_->counters().stale, 1);
  EXPECT_EQ(worker_->counters().failed, 0);
  await([&] { return webhooks_.find(WebhookId::from_value(1))->failures() == 1; },
        "the webhook's statistics");
}

TEST_F(WorkerRaces, ACallUnderWayWhenItsWebhookIsDeletedShowsInTheJob) {
  add_webhook(1, url_of(1));
  receivers_.hold(true);
  start();
  const auto cancelled = trigger(1);
  receivers_.await(1);
  Event deleted;
  deleted.mutable_webhook_deleted();
  history_.add(stream_of(WebhookId::from_value(1)), deleted);
  await_job(cancelled, 1, StoredJob::CANCELLED);
  receivers_.hold(false);
  const auto job = await_attempts(cancelled, 1, 1);
  EXPECT_EQ(job.status(), StoredJob::CANCELLED);
  EXPECT_EQ(job.history(0).status(), 200);
}

// The cancelled one has lost its claim, not its call.
TEST_F(WorkerRaces, TheNextOfAWebhookWaitsForTheCallOfACancelledOne) {
  add_webhook(1, url_of(1));
  add_webhook(2, url_of(2));
  receivers_.hold(true);
  start();
  const auto cancelled = trigger(1);
  receivers_.await(1);
  const auto behind = trigger(1);
  cancel(cancelled, 1);
  await_job(cancelled, 1, StoredJob::CANCELLED);
  const auto other = trigger(2);
  EXPECT_EQ(receivers_.await(2)[1].url, url_of(2));
  receivers_.hold(false);
  await_job(other, 2, StoredJob::DONE);
  await_job(behind, 1, StoredJob::DONE);
  EXPECT_EQ(receivers_.count(), 3);
}

TEST_F(WorkerRaces, WebhooksThatFailedBeforeARestartLeaveHalfOfThePlacesToTheOthers) {
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
  stop();
  receivers_.hold(true);
  clock_.advance(7s);
  start(options);
  receivers_.await(6);
  add_webhook(5, url_of(5, "well"));
  const auto well = trigger(5);
  EXPECT_EQ(receivers_.await(7)[6].url, url_of(5, "well"));
  receivers_.hold(false);
  for (std::uint32_t i = 1; i <= 4; ++i) await_job(failed[i - 1], i, StoredJob::DONE);
  await_job(well, 5, StoredJob::DONE);
}

}  // namespace
}  // namespace mintmark::worker_races_test
