#include <string>
#include <utility>
#include <vector>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/api_instance.h"

// Jobs, deliveries and tests over REST. No worker runs: what came of an attempt is put into the log.
namespace mintmark::jobs_test {
namespace {

namespace json = boost::json;
using http::RequestBuilder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using namespace ::mintmark::testing;

const std::string webhooks = "/public/v1/notifications/webhooks";
const std::string jobs = "/public/v1/jobs";

class JobsTest : public ::testing::Test {
 protected:
  http::Response call_as(const std::string& key, std::string_view method, const std::string& target,
                         const std::string& body = "") {
    return instance_.call(RequestBuilder(method, target)
                              .header("Authorization", "ApiKey " + key)
                              .header("Content-Type", "application/json")
                              .body(body));
  }
  http::Response call(std::string_view method, const std::string& target, const std::string& body = "") {
    return call_as(token_.value.key->text(), method, target, body);
  }
  std::string create_webhook(const std::string& label = "Orders") {
    const auto response =
        call("POST", webhooks,
             R"({"object_class":"fulfillment_request","external_url":"https://example.com/h","label":")" +
                 label + "\"}");
    EXPECT_EQ(response.status, 201) << response.body;
    return std::string(json_of(response).at("id").as_string());
  }
  // The id of the job that a trigger makes.
  std::string trigger(const std::string& webhook, const std::string& data = "{}") {
    EXPECT_EQ(call("POST", webhooks + "/" + webhook + "/trigger", R"({"data":)" + data + "}").status, 200);
    return job_id({instance_.memory.head(), DELIVER_WEBHOOK, WebhookId::parse(webhook)->value()});
  }
  void attempt(const std::string& job, std::uint32_t number, std::uint32_t status, std::int64_t next_at_us) {
    Event event;
    auto& made = *event.mutable_webhook_deliveries_recorded()->add_attempts();
    *made.mutable_job() = reference_to(*parse_job_id(job));
    made.set_triggered(true);
    made.set_attempt(number);
    made.set_started_at_us(instance_.clock.now().time_since_epoch().count());
    made.set_duration_us(12'000);
    made.set_status(status);
    made.set_failure(status == 200 ? ATTEMPT_SUCCEEDED : ATTEMPT_STATUS);
    made.set_next_attempt_at_us(next_at_us);
    history_.add("deliveries", event);
    instance_.project();
  }
  json::object get(const std::string& job) { return json_of(call("GET", jobs + "/" + job)); }
  std::vector<std::string> ids(const std::string& target) {
    const auto response = call("GET", target);
    EXPECT_EQ(response.status, 200) << response.body;
    std::vector<std::string> found;
    for (const auto& job : json::parse(response.body).as_array()) {
      found.emplace_back(job.at("id").as_string());
    }
    return found;
  }
  std::int64_t count(const std::string& target) {
    const auto response = call("POST", target);
    EXPECT_EQ(response.status, 200) << response.body;
    return json_of(response).at("count").as_int64();
  }

  ApiInstance instance_;
  History history_{instance_.memory};
  const AccountId account_ = instance_.open_account("Acme");
  const CreatedToken token_ = instance_.create_token(account_);
};

TEST_F(JobsTest, ATriggersJobShowsWhatWaitsAndForWhom) {
  const auto webhook = create_webhook();
  const auto id = trigger(webhook);
  EXPECT_EQ(
      json::value(get(id)),
      json::parse(R"({"id":")" + id + R"(","kind":"deliver_webhook","status":"waiting","webhook":{"id":")" +
                  webhook + R"(","name":"Orders"},"token":null,"event":{"position":)" +
                  std::to_string(instance_.memory.head()) +
                  R"(,"type":"trigger"},"attempts":0,
      "created_at":"2025-11-23T15:04:05+00:00","next_attempt_at":"2025-11-23T15:04:05+00:00",
      "last_status":null,"last_error":null,"last_failure":null})"));
  EXPECT_THAT(ids(jobs), ElementsAre(id));
}

TEST_F(JobsTest, AnAttemptShowsInTheJobTheHistoryAndTheWebhook) {
  const auto webhook = create_webhook();
  const auto id = trigger(webhook, R"({"order":"PR-1"})");
  const auto behind = trigger(webhook);
  attempt(id, 1, 503, (instance_.clock.now() + std::chrono::seconds(5)).time_since_epoch().count());
  const auto job = get(id);
  EXPECT_EQ(job.at("attempts"), 1);
  EXPECT_EQ(job.at("status").as_string(), "waiting");
  EXPECT_EQ(job.at("next_attempt_at").as_string(), "2025-11-23T15:04:10+00:00");
  EXPECT_EQ(job.at("last_status"), 503);
  EXPECT_EQ(job.at("last_error").as_string(), "The receiver answered 503.");
  EXPECT_EQ(job.at("last_failure").as_string(), "status");
  EXPECT_EQ(get(behind).at("status").as_string(), "parked");
  EXPECT_TRUE(get(behind).at("next_attempt_at").is_null());
  attempt(id, 2, 200, 0);
  EXPECT_EQ(get(id).at("status").as_string(), "done");
  EXPECT_THAT(ids(jobs), ElementsAre(behind));
  const auto deliveries = json::parse(call("GET", webhooks + "/" + webhook + "/deliveries").body).as_array();
  ASSERT_EQ(deliveries.size(), 2);
  const auto& delivered = deliveries[1];
  EXPECT_EQ(delivered.at("id").as_string(), id);
  EXPECT_EQ(delivered.at("status").as_string(), "done");
  EXPECT_EQ(
      json::serialize(delivered.at("attempts")),
      R"([{"at":"2025-11-23T15:04:05+00:00","duration_ms":12,"status":503,)"
      R"("error":"The receiver answered 503.","failure":"status"},)"
      R"({"at":"2025-11-23T15:04:05+00:00","duration_ms":12,"status":200,"error":null,"failure":null}])");
  EXPECT_EQ(delivered.at("request").at("method").as_string(), "POST");
  EXPECT_EQ(json::parse(delivered.at("request").at("body").as_string()).at("data").at("order").as_string(),
            "PR-1");
  const auto shown = json_of(call("GET", webhooks + "/" + webhook));
  EXPECT_EQ(json::serialize(shown.at("stats")),
            R"({"events":2,"triggers":2,"success_triggers":1,"failure_triggers":1,)"
            R"("failure_since_last_success":0})");
  EXPECT_EQ(shown.at("last_success").at("status_code"), 200);
  EXPECT_EQ(shown.at("last_failure").at("status").as_string(), "failure");
  EXPECT_EQ(shown.at("last_failure").at("duration"), 12);
  EXPECT_EQ(shown.at("last_failure").at("failure").as_string(), "status");
  EXPECT_TRUE(shown.at("last_success").at("failure").is_null());
}

TEST_F(JobsTest, ListsAnswerQueries) {
  const auto orders = create_webhook("Orders");
  const auto others = create_webhook("Others");
  const auto first = trigger(orders);
  const auto second = trigger(others);
  attempt(first, 1, 503, 0);
  EXPECT_THAT(ids(jobs), ElementsAre(second, first));
  EXPECT_THAT(ids(jobs + "?status=dead"), ElementsAre(first));
  EXPECT_THAT(ids(jobs + "?in(status,(waiting,parked))"), ElementsAre(second));
  EXPECT_THAT(ids(jobs + "?webhook.id=" + orders), ElementsAre(first));
  EXPECT_THAT(ids(jobs + "?kind=deliver_webhook&ordering(created_at)&limit=1"), ElementsAre(second));
  EXPECT_THAT(ids(jobs + "?token.id=SU-000-000-001"), IsEmpty());
  EXPECT_THAT(ids(webhooks + "/" + orders + "/deliveries?status=dead"), ElementsAre(first));
  EXPECT_THAT(ids(webhooks + "/" + others + "/deliveries?status=dead"), IsEmpty());
  EXPECT_EQ(header_of(call("GET", jobs + "?limit=1"), "Content-Range"), "items 0-0/2");
}

TEST_F(JobsTest, ADeadJobIsRetriedAndAWaitingOneCancelled) {
  const auto webhook = create_webhook();
  const auto id = trigger(webhook);
  attempt(id, 1, 503, 0);
  EXPECT_EQ(get(id).at("status").as_string(), "dead");
  EXPECT_EQ(json_of(call("POST", jobs + "/" + id + "/retry")).at("status").as_string(), "waiting");
  const auto cancelled = call("POST", jobs + "/" + id + "/cancel");
  EXPECT_EQ(cancelled.status, 200);
  EXPECT_EQ(json_of(cancelled).at("status").as_string(), "cancelled");
  EXPECT_FALSE(header_of(cancelled, "Mintmark-Position").empty());
  EXPECT_EQ(call("POST", jobs + "/" + id + "/cancel").status, 409);
  EXPECT_EQ(call("POST", jobs + "/" + id + "/retry").status, 200);
  attempt(id, 2, 200, 0);
  EXPECT_EQ(call("POST", jobs + "/" + id + "/retry").status, 409);
  EXPECT_EQ(call("POST", jobs + "/" + id + "/cancel").status, 409);
}

TEST_F(JobsTest, ARunningJobIsNotRetried) {
  const auto id = trigger(create_webhook());
  ASSERT_TRUE(instance_.jobs->claim(std::chrono::hours(1), {}));
  EXPECT_EQ(get(id).at("status").as_string(), "running");
  const auto head = instance_.memory.head();
  const auto refused = call("POST", jobs + "/" + id + "/retry");
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.body, HasSubstr("status: This job is running."));
  EXPECT_EQ(instance_.memory.head(), head);
  EXPECT_EQ(call("POST", jobs + "/" + id + "/cancel").status, 200);
}

TEST_F(JobsTest, ARequestSaysWhetherItsWebhookHasChangedSince) {
  const auto webhook = create_webhook();
  const auto id = trigger(webhook);
  const auto request = [&] {
    const auto shown = json::parse(call("GET", webhooks + "/" + webhook + "/deliveries").body);
    return shown.as_array().at(0).at("request").as_object();
  };
  EXPECT_EQ(request().at("changed"), false);
  attempt(id, 1, 200, 0);
  EXPECT_EQ(request().at("changed"), false);
  instance_.clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(call("PUT", webhooks + "/" + webhook, R"({"label":"Invoices"})").status, 200);
  EXPECT_EQ(request().at("changed"), true);
  EXPECT_THAT(std::string(request().at("body").as_string()), HasSubstr("Invoices"));
}

TEST_F(JobsTest, ATokenOfTheAccountsOwnTypeIsToldWithIt) {
  const auto extension =
      json_of(call("POST", "/public/v1/extensions", R"({"name":"ledger","description":"Our ledger"})"));
  const auto id = std::string(extension.at("id").as_string());
  const auto webhook = json_of(call("POST", webhooks,
                                    R"({"object_class":"token","label":"t","external_url":)"
                                    R"("https://example.com/h"})"));
  const auto token =
      json_of(call("POST", "/public/v1/auth/tokens", R"({"name":"t","extension":{"id":")" + id + R"("}})"));
  const auto deliveries = json::parse(
      call("GET", webhooks + "/" + std::string(webhook.at("id").as_string()) + "/deliveries").body);
  const auto body = json::parse(deliveries.as_array().at(0).at("request").at("body").as_string());
  const auto& told = body.at("data").at("extension");
  EXPECT_EQ(json::serialize(told), R"({"id":")" + id + R"(","name":"ledger"})");
  EXPECT_EQ(told.at("name"), token.at("extension").at("name"));
}

TEST_F(JobsTest, WhatAQueryFindsIsCountedAndRetried) {
  const auto webhook = create_webhook();
  const auto first = trigger(webhook);
  const auto second = trigger(webhook);
  attempt(first, 1, 503, 0);
  attempt(second, 1, 503, 0);
  const auto cancelled = trigger(webhook);
  call("POST", jobs + "/" + cancelled + "/cancel");
  const auto head = instance_.memory.head();
  EXPECT_EQ(count(jobs + "/retry?status=dead&dry_run=true"), 2);
  EXPECT_EQ(count(jobs + "/retry?status=dead,dry_run=true"), 2);
  EXPECT_EQ(count(jobs + "/retry?status=dead&eq%28dry_run%2Ctrue%29="), 2);
  EXPECT_EQ(count(jobs + "/retry?id=" + cancelled), 0);
  EXPECT_EQ(instance_.memory.head(), head);
  EXPECT_EQ(count(jobs + "/retry?id=" + first), 1);
  EXPECT_EQ(count(jobs + "/retry?status=dead&dry_run=false"), 1);
  EXPECT_EQ(get(first).at("status").as_string(), "waiting");
  EXPECT_EQ(get(second).at("status").as_string(), "waiting");
  EXPECT_EQ(get(cancelled).at("status").as_string(), "cancelled");
  EXPECT_EQ(call("POST", jobs + "/retry?dry_run=1").status, 400);
  EXPECT_EQ(call("POST", jobs + "/retry?or(status=dead,dry_run=true)").status, 400);
  EXPECT_EQ(call("POST", jobs + "/retry?dry_run=true,dry_run=true").status, 400);
  EXPECT_EQ(call("POST", jobs + "/retry?eq(status").status, 400);
}

TEST_F(JobsTest, ADeletedWebhooksJobsAreCancelledForGood) {
  const auto webhook = create_webhook();
  const auto id = trigger(webhook);
  EXPECT_EQ(call("DELETE", webhooks + "/" + webhook).status, 204);
  EXPECT_EQ(get(id).at("status").as_string(), "cancelled");
  EXPECT_EQ(call("POST", jobs + "/" + id + "/retry").status, 409);
  EXPECT_EQ(call("GET", webhooks + "/" + webhook + "/deliveries").status, 404);
}

TEST_F(JobsTest, ATestIsADeliveryOfItsOwnAlsoWhereTheWebhookIsNotActive) {
  const auto webhook = create_webhook();
  call("PUT", webhooks + "/" + webhook, R"({"active":false})");
  const auto answer = call("POST", webhooks + "/" + webhook + "/test");
  EXPECT_EQ(answer.status, 202);
  const auto delivery = json_of(answer);
  EXPECT_EQ(delivery.at("status").as_string(), "waiting");
  EXPECT_EQ(delivery.at("event").at("type").as_string(), "test");
  EXPECT_THAT(ids(webhooks + "/" + webhook + "/deliveries"),
              ElementsAre(std::string(delivery.at("id").as_string())));
  EXPECT_EQ(get(std::string(delivery.at("id").as_string())).at("kind").as_string(), "test_webhook");
}

TEST_F(JobsTest, AFailedProvisioningShowsOnItsTokenWithTheJobToRetry) {
  const auto zapier = instance_.create_token(account_, ZAPIER);
  const auto id = TokenId::parse(zapier.row.token_id());
  const JobKey key{zapier.position, ISSUE_ZAPIER_CONNECTION, id->value()};
  const auto token = "/public/v1/auth/tokens/" + id->text();
  EXPECT_TRUE(json_of(call("GET", token)).at("provisioning").is_null());
  Event event;
  auto& failed = *event.mutable_zapier_provisioning_failed();
  *failed.mutable_job() = reference_to(key);
  failed.set_attempt(1);
  failed.set_status(503);
  failed.set_failure(ATTEMPT_STATUS);
  history_.add(*id, event);
  instance_.project();
  EXPECT_EQ(
      json::serialize(json_of(call("GET", token)).at("provisioning")),
      R"({"job":{"id":")" + job_id(key) +
          R"("},"status":"failed","attempts":1,"error":"The receiver answered 503.","failure":"status","last_status":503,"next_attempt_at":null})");
  EXPECT_EQ(get(job_id(key)).at("status").as_string(), "dead");
  EXPECT_EQ(get(job_id(key)).at("token").at("id").as_string(), id->text());
  EXPECT_EQ(json_of(call("POST", jobs + "/" + job_id(key) + "/retry")).at("status").as_string(), "waiting");
}

TEST_F(JobsTest, AnotherAccountsJobIsLikeAnAbsentOne) {
  const auto id = trigger(create_webhook());
  const auto stranger = instance_.create_token(instance_.open_account("Other")).value.key->text();
  const auto head = instance_.memory.head();
  for (const auto& [method, suffix] : std::vector<std::pair<std::string, std::string>>{
           {"GET", ""}, {"POST", "/retry"}, {"POST", "/cancel"}}) {
    const auto one = call_as(stranger, method, jobs + "/" + id + suffix);
    EXPECT_EQ(one.status, 404);
    EXPECT_EQ(one.body, call_as(stranger, method, jobs + "/JB-1-3-000000009" + suffix).body);
    EXPECT_EQ(one.body, call_as(stranger, method, jobs + "/x" + suffix).body);
  }
  EXPECT_EQ(call_as(stranger, "GET", jobs).body, "[]");
  EXPECT_THAT(call_as(stranger, "POST", jobs + "/retry").body, HasSubstr(R"("count":0)"));
  EXPECT_EQ(instance_.memory.head(), head);
}

}  // namespace
}  // namespace mintmark::jobs_test
