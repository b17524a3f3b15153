#include <string>
#include <utility>
#include <vector>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/replay.h"
#include "domain/limits.h"
#include "tests/support/api_instance.h"

// Webhooks over REST, as a program with a token manages them.
namespace mintmark::webhooks_test {
namespace {

namespace json = boost::json;
using http::RequestBuilder;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace ::mintmark::testing;

const std::string webhooks = "/public/v1/notifications/webhooks";
const std::string good =
    R"({"label":"Orders","object_class":"fulfillment_request","external_url":"https://example.com/h?k=u1",)"
    R"("jwt_secret":"s3cret","data":{"a":1},"headers":{"X-Key":"h1dden"},"product_id":"PRD-1"})";

class WebhooksTest : public ::testing::Test {
 protected:
  http::Response call_as(const std::string& key, std::string_view method, const std::string& target,
                         const std::string& body = "") {
    return instance_.call(RequestBuilder(method, target)
                              .header("Authorization", "ApiKey " + key)
                              .header("Content-Type", "application/json; charset=utf-8")
                              .body(body));
  }
  http::Response call(std::string_view method, const std::string& target, const std::string& body = "") {
    return call_as(token_.value.key->text(), method, target, body);
  }

  json::object create(const std::string& body = good) {
    const auto response = call("POST", webhooks, body);
    EXPECT_EQ(response.status, 201) << response.body;
    return json_of(response);
  }
  static std::string target_of(const json::object& webhook) {
    return webhooks + "/" + std::string(webhook.at("id").as_string());
  }

  ApiInstance instance_;
  const AccountId account_ = instance_.open_account("Acme");
  const CreatedToken token_ = instance_.create_token(account_);
};

TEST_F(WebhooksTest, AWebhookIsReadAsItWasMade) {
  const auto created = create();
  const auto read = json_of(call("GET", target_of(created)));
  EXPECT_EQ(created, read);
  EXPECT_EQ(read.at("jwt_secret").as_string(), "s3cret");
  EXPECT_EQ(read.at("external_url").as_string(), "https://example.com/h?k=u1");
  EXPECT_EQ(read.at("api_url").as_string(), "https://tokens.example.com" + target_of(created));
  EXPECT_EQ(read.at("type").as_string(), "event");
  EXPECT_EQ(read.at("http_method").as_string(), "POST");
  EXPECT_EQ(read.at("active"), true);
  EXPECT_EQ(json::serialize(read.at("headers")), R"({"X-Key":"h1dden"})");
  EXPECT_EQ(json::serialize(read.at("data")), R"({"a":1})");
  EXPECT_EQ(read.at("product").at("id").as_string(), "PRD-1");
  EXPECT_EQ(read.at("created_by").at("id").as_string(), token_.row.token_id());
  EXPECT_TRUE(read.at("modified_at").is_null());
  EXPECT_FALSE(read.contains("last_success"));
  EXPECT_EQ(json::parse(call("GET", webhooks).body), json::value(json::array{read}));
}

TEST_F(WebhooksTest, ASecretThatIsNotGivenIsGenerated) {
  const auto webhook =
      create(R"({"label":"a","object_class":"token","external_url":"http://[2606:4700::1111]/"})");
  EXPECT_EQ(webhook.at("jwt_secret").as_string().size(), 40);
  EXPECT_EQ(json::serialize(webhook.at("data")), "{}");
  EXPECT_FALSE(webhook.contains("product"));
}

TEST_F(WebhooksTest, AChangeMayBePartial) {
  const auto target = target_of(create());
  const auto changed = json_of(call("PUT", target, R"({"active":false,"headers":{}})"));
  EXPECT_EQ(changed.at("active"), false);
  EXPECT_EQ(json::serialize(changed.at("headers")), "{}");
  EXPECT_EQ(changed.at("jwt_secret").as_string(), "s3cret");
  EXPECT_EQ(changed.at("modified_by").at("id").as_string(), token_.row.token_id());
  const auto head = instance_.memory.head();
  EXPECT_EQ(call("PUT", target, json::serialize(changed)).status, 200);
  EXPECT_EQ(instance_.memory.head(), head) << "what changes nothing is not written";
}

TEST_F(WebhooksTest, WhatCannotBeTakenIsRefusedAndNotWritten) {
  const auto target = target_of(create());
  const auto head = instance_.memory.head();
  for (const auto& [field, value] : std::vector<std::pair<std::string, std::string>>{
           {"external_url", R"("/relative")"},
           {"external_url", R"("ftp://example.com/")"},
           {"external_url", R"("https://user:pw@example.com/")"},
           {"external_url", R"("https://example.com/#x")"},
           {"external_url", R"("https:///path")"},
           {"external_url", R"("https://example.com/a b")"},
           {"external_url", R"("https://example.com:0/")"},
           {"external_url", R"("https://example.com:80a/")"},
           {"external_url", R"("https://1.2.3.4.5/")"},
           {"external_url", R"("http://0x7f000001/")"},
           {"external_url", R"("http://127.1/")"},
           {"external_url", R"("http://127.0.0.1/")"},
           {"external_url", R"("https://169.254.169.254/")"},
           {"external_url", R"("https://[::ffff:10.0.0.1]/")"},
           {"external_url", R"("https://example.com:8443/")"},
           {"external_url", R"("http://[fe80::1%25eth0]/")"},
           {"external_url", "\"https://example.com/" + std::string(4096, 'a') + "\""},
           {"external_url", "1"},
           {"headers", R"({"A":1})"},
           {"headers", R"({"Host":"x"})"},
           {"headers", R"({"Proxy-Authorization":"x"})"},
           {"headers", R"({"HTTP2-Settings":"x"})"},
           {"headers", R"({"A":"x\r\nB: y"})"},
           {"headers", "[]"},
           {"data", "[]"},
           {"label", R"("")"},
           {"object_class", R"("orders")"},
           {"type", R"("x")"},
           {"http_method", R"("PUT")"},
           {"active", R"("yes")"},
           {"jwt_secret", R"("")"},
           {"description", "1"},
       }) {
    auto body = json::parse(good).as_object();
    body[field] = json::parse(value);
    for (const auto& response :
         {call("POST", webhooks, json::serialize(body)), call("PUT", target, json::serialize(body))}) {
      EXPECT_EQ(response.status, 400) << field << value;
      EXPECT_THAT(response.body, HasSubstr("\"" + field + ": ")) << value;
    }
  }
  for (const auto* field : {"label", "object_class", "external_url"}) {
    auto body = json::parse(good).as_object();
    body.erase(field);
    EXPECT_THAT(call("POST", webhooks, json::serialize(body)).body, HasSubstr("This field is required."));
  }
  EXPECT_EQ(instance_.memory.head(), head);
}

TEST_F(WebhooksTest, AUrlMustBeOneThatTheOperatorAllows) {
  auto body = json::parse(good).as_object();
  const auto create_at = [&](const char* url) {
    body["external_url"] = url;
    return call("POST", webhooks, json::serialize(body));
  };
  EXPECT_THAT(create_at("http://10.1.2.3/").body, HasSubstr("external_url: Its host is a private"));
  EXPECT_THAT(create_at("https://example.com:8443/").body, HasSubstr("external_url: Port 8443 is none"));
  OutboundPolicy policy;
  policy.allowed_networks = {*AddressRange::parse("10.0.0.0/8")};
  policy.allowed_ports = {80, 8443};
  instance_.calls->set_policy(policy);
  EXPECT_EQ(create_at("https://10.1.2.3:8443/").status, 201);
  const auto created = create_at("http://10.1.2.3/");
  ASSERT_EQ(created.status, 201) << created.body;
  // What the operator refuses from now on stays where it is, and can be stopped.
  instance_.calls->set_policy({});
  auto webhook = json_of(created);
  webhook["active"] = false;
  EXPECT_EQ(call("PUT", target_of(webhook), json::serialize(webhook)).status, 200);
  webhook["external_url"] = "http://10.1.2.3/elsewhere";
  EXPECT_EQ(call("PUT", target_of(webhook), json::serialize(webhook)).status, 400);
}

TEST_F(WebhooksTest, ATriggerIsRefusedWhereTooMuchWaits) {
  const auto webhook = create();
  const auto id = WebhookId::parse(webhook.at("id").as_string())->value();
  auto full = *instance_.jobs->subscription(id);
  full.set_waiting(limits::deliveries_waiting_max);
  const auto planned = instance_.jobs->planned();
  instance_.jobs->plan({.position = planned, .jobs = {}, .subscriptions = {full}, .ended_subscriptions = {}});
  const auto refused = call("POST", target_of(webhook) + "/trigger");
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.body, HasSubstr("10000 deliveries to this webhook are waiting"));
  EXPECT_EQ(instance_.memory.head(), planned);
}

TEST_F(WebhooksTest, ATriggerIsRecordedAndCounted) {
  const auto target = target_of(create());
  EXPECT_EQ(call("POST", target + "/trigger").status, 200);
  const auto answer = call("POST", target + "/trigger", R"({"data":{"order":"d4ta"}})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "");
  const auto triggered = json_of(call("GET", target));
  EXPECT_EQ(triggered.at("stats").at("events"), 2);
  EXPECT_EQ(triggered.at("stats").at("triggers"), 0);
  EXPECT_FALSE(triggered.at("last_event").is_null());
  const auto recorded = instance_.memory.read(instance_.memory.head() - 1, 1).front();
  EXPECT_TRUE(recorded.recorded.event().has_webhook_triggered());
  EXPECT_THAT(recorded.bytes, Not(HasSubstr("d4ta")));
  call("PUT", target, R"({"active":false})");
  EXPECT_EQ(call("POST", target + "/trigger").status, 409);
}

TEST_F(WebhooksTest, ADeletedWebhookAndItsSecretsAreGone) {
  const auto webhook = create();
  EXPECT_EQ(call("DELETE", target_of(webhook)).status, 204);
  EXPECT_EQ(call("GET", target_of(webhook)).status, 404);
  EXPECT_EQ(call("GET", webhooks).body, "[]");
  EXPECT_FALSE(
      instance_.vault.get("webhook-" + std::string(webhook.at("id").as_string())).value().has_value());
}

TEST_F(WebhooksTest, NothingSecretIsInTheLogOrItsReplay) {
  create();
  std::string all;
  for (const auto& event : instance_.memory.read(0, instance_.memory.head())) all += event.bytes;
  Replay replay(instance_.memory, {});
  while (auto lines = replay.next()) {
    for (const auto& line : *lines) all += line;
  }
  EXPECT_THAT(all, HasSubstr("Orders"));
  for (const auto* secret : {"s3cret", "h1dden", "example.com"}) EXPECT_THAT(all, Not(HasSubstr(secret)));
}

TEST_F(WebhooksTest, AnAuditorSeesNoSecret) {
  const auto target = target_of(create());
  const auto auditor = instance_.add_user(account_, "aud@example.com", AUDITOR);
  const auto cookie = instance_.sign_in("aud@example.com", auditor.password);
  for (const auto& path : {target, webhooks}) {
    const auto response =
        instance_.call(RequestBuilder("GET", path).header("Cookie", "mintmark_session=" + cookie));
    EXPECT_EQ(response.status, 200);
    EXPECT_THAT(response.body, Not(HasSubstr("s3cret")));
    EXPECT_THAT(response.body, Not(HasSubstr("h1dden")));
  }
}

TEST_F(WebhooksTest, AnotherAccountsWebhookIsLikeAnAbsentOne) {
  const auto foreign = target_of(create());
  const auto stranger = instance_.create_token(instance_.open_account("Other")).value.key->text();
  const auto head = instance_.memory.head();
  for (const auto& [method, suffix] : std::vector<std::pair<std::string, std::string>>{
           {"GET", ""}, {"PUT", ""}, {"DELETE", ""}, {"POST", "/trigger"}}) {
    const auto body = method == "PUT" ? R"({"label":"stolen"})" : "";
    const auto one = call_as(stranger, method, foreign + suffix, body);
    const auto none = call_as(stranger, method, webhooks + "/WH-999-999-999" + suffix, body);
    const auto nonsense = call_as(stranger, method, webhooks + "/x" + suffix, body);
    EXPECT_EQ(one.status, 404) << method << suffix;
    EXPECT_EQ(one.body, none.body) << method << suffix;
    EXPECT_EQ(one.body, nonsense.body) << method << suffix;
  }
  EXPECT_EQ(call_as(stranger, "GET", webhooks).body, "[]");
  EXPECT_EQ(instance_.memory.head(), head);
}

TEST_F(WebhooksTest, AnAccountHasNoMoreThanItsLimit) {
  for (std::size_t i = 0; i < limits::webhooks_per_account_max; ++i) create();
  EXPECT_EQ(call("POST", webhooks, good).status, 409);
}

TEST_F(WebhooksTest, TheSameKeyMakesOneWebhook) {
  const auto send = [&] {
    return instance_.call(RequestBuilder("POST", webhooks)
                              .header("Authorization", "ApiKey " + token_.value.key->text())
                              .header("Idempotency-Key", "once")
                              .header("Content-Type", "application/json")
                              .body(good));
  };
  EXPECT_EQ(json_of(send()), json_of(send()));
}

}  // namespace
}  // namespace mintmark::webhooks_test
