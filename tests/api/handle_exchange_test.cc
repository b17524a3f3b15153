#include "api/handle_exchange.h"

#include <chrono>
#include <future>
#include <string>
#include <vector>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/api_instance.h"

// Handles for keys, as Zapier's app asks for them.
namespace mintmark::handle_exchange_test {
namespace {

namespace json = boost::json;
using http::RequestBuilder;
using std::chrono::days;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace ::mintmark::testing;

const std::string tokens = "/public/v1/auth/tokens";

class HandleExchangeTest : public ::testing::Test {
 protected:
  HandleExchangeTest() {
    auto caller = ApiInstance::caller(vendor(0));
    const auto partner =
        run(open_account(*instance_.services, caller, AccountType::kVendor, "Zapier", {}, IsPartner::kYes))
            .value();
    caller.account = partner;
    caller.permissions = 0;
    NewToken wanted;
    wanted.name = "Zapier";
    partner_ = run(create_token(*instance_.services, caller, wanted)).value().value.key->text();
  }

  http::Response call_as(const std::string& key, std::string_view method, const std::string& target,
                         const std::string& body = "") {
    return instance_.call(RequestBuilder(method, target)
                              .header("Authorization", "ApiKey " + key)
                              .header("Content-Type", "application/json; charset=utf-8")
                              .body(body));
  }
  http::Response exchange(const std::string& handle) {
    return call_as(partner_, "POST", tokens, json::serialize(json::object{{"handle", handle}}));
  }
  static std::string text(const json::object& object, std::string_view member) {
    return std::string(object.at(member).as_string());
  }
  // A Zapier token, and what the worker does of it.
  json::object create_pending(const std::string& more = "") {
    const auto response =
        call_as(key_, "POST", tokens, R"({"name":"Zap","extension":{"name":"zapier"})" + more + "}");
    EXPECT_EQ(response.status, 201) << response.body;
    return json_of(response);
  }
  void provision(const json::object& token) {
    history_.add(*TokenId::parse(text(token, "id")), connection_issued());
    instance_.project();
  }
  json::object create(const std::string& more = "") {
    const auto token = create_pending(more);
    provision(token);
    return token;
  }
  json::object act(const json::object& token, const std::string& action) {
    const auto response = call_as(key_, "POST", tokens + "/" + text(token, "id") + "/" + action);
    EXPECT_EQ(response.status, 200) << response.body;
    return json_of(response);
  }
  // The key that a partner gets for the handle.
  std::string key_for(const std::string& handle) {
    const auto answer = exchange(handle);
    EXPECT_EQ(answer.status, 200) << answer.body;
    if (answer.status != 200) return "";
    return text(json_of(answer), "id") + ":" + text(json_of(answer), "token");
  }
  int status_with(const std::string& key) { return call_as(key, "GET", tokens).status; }

  ApiInstance instance_;
  History history_{instance_.memory};
  const AccountId account_ = instance_.open_account("Acme");
  const std::string key_ = instance_.create_token(account_).value.key->text();
  std::string partner_;
};

TEST_F(HandleExchangeTest, APartnerGetsTheTokensKeyForItsHandle) {
  const auto token = create();
  const auto answer = exchange(text(token, "handle"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(header_of(answer, "Cache-Control"), "no-store");
  const auto exchanged = json_of(answer);
  EXPECT_EQ(text(exchanged, "id"), text(token, "id"));
  EXPECT_EQ(text(exchanged, "token").size(), 40U);
  EXPECT_NE(text(exchanged, "token"), text(token, "handle"));
  EXPECT_TRUE(exchanged.at("handle").is_null());
  EXPECT_EQ(exchanged.at("owner").at("id").as_string(), account_.text());
  EXPECT_EQ(status_with(text(exchanged, "id") + ":" + text(exchanged, "token")), 200);
}

TEST_F(HandleExchangeTest, AHandleMayComeWithItsEndpointAndSpaces) {
  const auto token = create();
  const auto key = key_for(text(token, "handle"));
  EXPECT_EQ(key_for(text(token, "handle") + "@https://tokens.example.com/public/v1"), key);
  EXPECT_EQ(key_for("  " + text(token, "handle") + " "), key);
}

TEST_F(HandleExchangeTest, EveryExchangeIsAnEventOfThePartners) {
  const auto token = create();
  const auto head = instance_.memory.head();
  exchange(text(token, "handle"));
  exchange(text(token, "handle"));
  ASSERT_EQ(instance_.memory.head(), head + 2);
  const auto recorded = instance_.memory.read(head, 1).front();
  EXPECT_TRUE(recorded.recorded.event().has_handle_exchanged());
  EXPECT_EQ(recorded.recorded.stream(), "token-" + text(token, "id"));
  EXPECT_EQ(recorded.recorded.actor().id(), partner_.substr(0, partner_.find(':')));
  EXPECT_THAT(recorded.bytes, Not(HasSubstr(text(token, "handle"))));
}

TEST_F(HandleExchangeTest, EveryWrongHandleIsAnsweredInTheSameWords) {
  const auto inactive = create();
  act(inactive, "deactivate");
  const auto deleted = create();
  EXPECT_EQ(call_as(key_, "DELETE", tokens + "/" + text(deleted, "id")).status, 204);
  const auto expired =
      create(R"(,"expiration_date":")" + format_time(instance_.clock.now() + days(1)) + "\"");
  instance_.clock.advance(days(1));
  const auto head = instance_.memory.head();
  const auto wrong = exchange("");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_THAT(wrong.body, HasSubstr(R"("VAL_001")"));
  std::vector<std::string> bodies;
  for (const auto& handle : {text(inactive, "handle"), text(deleted, "handle"), text(expired, "handle"),
                             std::string(40, '0'), std::string("@"), std::string("x"),
                             text(inactive, "handle") + "0", key_, std::string(100'000, 'a')}) {
    bodies.push_back(json::serialize(json::object{{"handle", handle}}));
  }
  for (const auto* body : {"{}", R"({"handle":null})", R"({"handle":5})", R"({"handle":{}})"})
    bodies.emplace_back(body);
  for (const auto& body : bodies) {
    instance_.clock.advance(std::chrono::seconds(2));  // no faster than a wrong handle may come
    const auto answer = call_as(partner_, "POST", tokens, body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_EQ(answer.body, wrong.body) << body;
    ASSERT_EQ(answer.headers.size(), wrong.headers.size()) << body;
  }
  EXPECT_EQ(instance_.memory.head(), head);
}

TEST_F(HandleExchangeTest, WrongHandlesAreSlowedDownAndRightOnesAreNot) {
  const auto token = create();
  int refused = 0;
  for (int i = 0; i < 40; ++i) refused += exchange(std::string(40, 'a')).status == 429 ? 1 : 0;
  EXPECT_EQ(refused, 20);
  EXPECT_FALSE(header_of(exchange("x"), "Retry-After").empty());
  EXPECT_EQ(exchange(text(token, "handle")).status, 200);
}

TEST_F(HandleExchangeTest, ARotatedHandleIsDeadAndTheNewOneGivesANewKey) {
  const auto token = create();
  const auto old_key = key_for(text(token, "handle"));
  const auto rotated = act(token, "rotate");
  EXPECT_EQ(exchange(text(token, "handle")).status, 400);
  const auto key = key_for(text(rotated, "handle"));
  EXPECT_NE(key, old_key);
  EXPECT_EQ(status_with(old_key), 401);
  EXPECT_EQ(status_with(key), 200);
}

TEST_F(HandleExchangeTest, WhileATokenIsRenewedEachHandleGivesItsOwnKey) {
  const auto token = create();
  const auto renewed = act(token, "renew");
  const auto old_key = key_for(text(token, "handle"));
  const auto new_key = key_for(text(renewed, "renewed_token"));
  EXPECT_NE(old_key, new_key);
  EXPECT_EQ(status_with(old_key), 200);
  EXPECT_EQ(status_with(new_key), 200);
  instance_.clock.advance(days(1));  // nobody has recorded yet that the old value is over
  EXPECT_EQ(exchange(text(token, "handle")).status, 400);
  EXPECT_EQ(key_for(text(renewed, "renewed_token")), new_key);
}

TEST_F(HandleExchangeTest, APendingTokensHandleWaitsForItsProvisioning) {
  const auto token = create_pending();
  auto answer = std::async(std::launch::async, [&] { return exchange(text(token, "handle")); });
  provision(token);
  EXPECT_EQ(answer.get().status, 200);
}

TEST_F(HandleExchangeTest, APendingTokensHandleIsToBeTriedAgainWhereProvisioningTakesLonger) {
  const auto token = create_pending();
  const auto head = instance_.memory.head();
  const auto answer = exchange(text(token, "handle"));
  EXPECT_EQ(answer.status, 503);
  EXPECT_FALSE(header_of(answer, "Retry-After").empty());
  EXPECT_EQ(instance_.memory.head(), head);
}

TEST_F(HandleExchangeTest, TheSameIdempotencyKeyExchangesOnce) {
  const auto token = create();
  const auto send = [&] {
    return instance_.call(RequestBuilder("POST", tokens)
                              .header("Authorization", "ApiKey " + partner_)
                              .header("Idempotency-Key", "once")
                              .header("Content-Type", "application/json")
                              .body(R"({"handle":")" + text(token, "handle") + "\"}"));
  };
  const auto first = json_of(send());
  const auto head = instance_.memory.head();
  EXPECT_EQ(json_of(send()), first);
  EXPECT_EQ(instance_.memory.head(), head);
}

TEST_F(HandleExchangeTest, OnlyAPartnersTokenExchanges) {
  const auto token = create();
  const auto body = R"({"handle":")" + text(token, "handle") + "\"}";
  const auto owner = instance_.add_user(account_, "ann@example.com");
  const auto cookie = instance_.sign_in("ann@example.com", owner.password);
  const auto head = instance_.memory.head();
  EXPECT_EQ(call_as(key_, "POST", tokens, body).status, 403);
  EXPECT_EQ(instance_
                .call(RequestBuilder("POST", tokens)
                          .header("Cookie", "mintmark_session=" + cookie)
                          .header("X-CSRF-Token", csrf_token(*instance_.services, cookie))
                          .header("Content-Type", "application/json")
                          .body(body))
                .status,
            403);
  EXPECT_EQ(instance_.call(RequestBuilder("POST", tokens).body(body)).status, 401);
  EXPECT_EQ(instance_.memory.head(), head);
  // A whole object that is sent back creates, as ever.
  const auto sent_back = R"({"name":"x","extension":{"id":"EXT-000"},"handle":null})";
  EXPECT_EQ(call_as(key_, "POST", tokens, sent_back).status, 201);
}

TEST_F(HandleExchangeTest, APartnersTokenDoesNothingElse) {
  const auto creation = R"({"name":"x","extension":{"id":"EXT-000"}})";
  EXPECT_EQ(call_as(partner_, "POST", tokens, creation).status, 403);
  EXPECT_EQ(call_as(partner_, "GET", tokens).status, 403);
  EXPECT_EQ(call_as(partner_, "GET", "/public/v1/accounts").status, 403);
  EXPECT_EQ(call_as(partner_, "POST", "/public/v1/notifications/webhooks", "{}").status, 403);
  EXPECT_EQ(call_as(partner_, "GET", "/public/v1/auth/context").status, 200);
  std::string out;
  const auto check = RequestBuilder("GET", "/authorize")
                         .header("Authorization", "ApiKey " + partner_)
                         .header("X-Original-URI", "/agreements/")
                         .build();
  instance_.api->answer_now(check, 0, true, out);
  EXPECT_EQ(out.substr(9, 3), "403");
}

}  // namespace
}  // namespace mintmark::handle_exchange_test
