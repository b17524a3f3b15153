#include <string>
#include <vector>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/api_instance.h"

// A token's way over REST: what each operation answers, and what the authorization index makes of it.
namespace mintmark::token_lifecycle_test {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using http::RequestBuilder;
using std::chrono::days;
using ::testing::ElementsAre;
using namespace ::mintmark::testing;

class TokenLifecycleTest : public ::testing::Test {
 protected:
  static std::string path(const std::string& id, const std::string& action = "") {
    return "/public/v1/auth/tokens/" + id + (action.empty() ? "" : "/" + action);
  }
  http::Response call(std::string_view method, const std::string& target, const std::string& body = "") {
    return call_with(admin_, method, target, body);
  }
  http::Response call_with(const std::string& key, std::string_view method, const std::string& target,
                           const std::string& body = "", const std::string& idempotency_key = "") {
    RequestBuilder request(method, target);
    request.header("Authorization", "ApiKey " + key).header("Content-Type", "application/json").body(body);
    if (!idempotency_key.empty()) request.header("Idempotency-Key", idempotency_key);
    return instance_.call(request);
  }
  json::object done(const http::Response& response, int status = 200) {
    EXPECT_EQ(response.status, status) << response.body;
    return response.status == status && !response.body.empty() ? json_of(response) : json::object();
  }
  static std::string text(const json::object& object, std::string_view member) {
    const auto& value = object.at(member);
    return value.is_null() ? "null" : std::string(value.as_string());
  }
  static std::string error(const http::Response& response) {
    return std::string(json_of(response).at("errors").as_array().front().as_string());
  }
  std::string status_of(const std::string& id) { return text(done(call("GET", path(id))), "status"); }
  // What a gateway hears.
  int check(const std::string& key, const std::string& uri = "/agreements/",
            const std::string& method = "GET") {
    const auto request = RequestBuilder("GET", "/authorize")
                             .header("Authorization", "ApiKey " + key)
                             .header("X-Original-Method", method)
                             .header("X-Original-URI", uri)
                             .build();
    std::string out;
    instance_.api->answer_now(request, 0, true, out);
    return std::stoi(out.substr(9, 3));
  }
  json::object create(const std::string& more = "", const std::string& extension = "custom") {
    return done(call("POST", "/public/v1/auth/tokens",
                     R"({"name":"t","extension":{"name":")" + extension + "\"}" + more + "}"),
                201);
  }
  std::string in(std::chrono::microseconds time) { return format_time(instance_.clock.now() + time); }

  ApiInstance instance_;
  const AccountId account_ = instance_.open_account("Acme");
  const std::string admin_ = instance_.create_token(account_, CUSTOM, "admin").value.key->text();
};

TEST_F(TokenLifecycleTest, DeactivationAndActivationTakeEffectBeforeTheyAreAnswered) {
  const auto token = create();
  const auto id = text(token, "id");
  const auto key = text(token, "token");
  const auto off = done(call("POST", path(id, "deactivate")));
  EXPECT_EQ(check(key), 403);
  EXPECT_EQ(text(off, "status"), "inactive");
  EXPECT_EQ(text(off, "token"), "null");
  const auto on = done(call("POST", path(id, "activate")));
  EXPECT_EQ(check(key), 204);
  EXPECT_EQ(text(on, "status"), "active");

  const auto again = call("POST", path(id, "activate"));
  EXPECT_EQ(again.status, 400);
  EXPECT_EQ(error(again), "status: The token is active already.");
}

TEST_F(TokenLifecycleTest, RotationEndsTheOldKeyAtOnce) {
  const auto token = create();
  const auto id = text(token, "id");
  const auto rotated = done(call("POST", path(id, "rotate")));
  EXPECT_EQ(check(text(token, "token")), 401);
  EXPECT_EQ(check(text(rotated, "token")), 204);
  EXPECT_TRUE(text(rotated, "token").starts_with(id + ":"));
  EXPECT_EQ(text(done(call("POST", path(id, "reveal"))), "token"), text(rotated, "token"));
}

TEST_F(TokenLifecycleTest, RotationOfAZapierTokenGivesANewHandle) {
  const auto token = create("", "zapier");
  const auto rotated = done(call("POST", path(text(token, "id"), "rotate")));
  EXPECT_EQ(text(rotated, "handle").size(), 40U);
  EXPECT_NE(text(rotated, "handle"), text(token, "handle"));
  EXPECT_EQ(text(rotated, "token"), "null");
}

TEST_F(TokenLifecycleTest, RenewalKeepsBothKeysGoodUntilTheOldOnesDate) {
  const auto token = create(R"(,"expiration_date":")" + in(days(30)) + "\"");
  const auto id = text(token, "id");
  const auto old_key = text(token, "token");
  instance_.clock.advance(days(1));
  const auto renewed = done(call("POST", path(id, "renew"), "{}"));
  const auto new_key = text(renewed, "renewed_token");
  EXPECT_EQ(text(renewed, "status"), "revitalised");
  EXPECT_EQ(text(renewed, "token"), old_key);
  EXPECT_EQ(text(renewed, "expiration_date"), text(token, "expiration_date"));
  EXPECT_EQ(text(renewed, "renewed_expiration_date"), in(days(30)));
  EXPECT_EQ(check(old_key), 204);
  EXPECT_EQ(check(new_key), 204);
  const auto revealed = done(call("POST", path(id, "reveal")));
  EXPECT_EQ(text(revealed, "token"), old_key);
  EXPECT_EQ(text(revealed, "renewed_token"), new_key);

  instance_.clock.advance(days(29));
  EXPECT_EQ(check(old_key), 403);
  EXPECT_EQ(check(new_key), 204);
  EXPECT_EQ(status_of(id), "expiring");
  instance_.clock.advance(days(1));
  EXPECT_EQ(check(new_key), 403);
  EXPECT_EQ(status_of(id), "expired");
}

TEST_F(TokenLifecycleTest, RenewalOfATokenWithoutExpiryKeepsTheOldKeyForADay) {
  const auto token = create();
  const auto renewed = done(call("POST", path(text(token, "id"), "renew")));
  EXPECT_EQ(text(renewed, "expiration_date"), in(24h));
  EXPECT_EQ(text(renewed, "renewed_expiration_date"), "null");
  const auto twice = call("POST", path(text(token, "id"), "renew"));
  EXPECT_EQ(twice.status, 400);
}

TEST_F(TokenLifecycleTest, AnExpiredTokenComesBackByRotation) {
  const auto token = create(R"(,"expiration_date":")" + in(days(1)) + "\"");
  const auto id = text(token, "id");
  instance_.clock.advance(days(2));
  EXPECT_EQ(status_of(id), "expired");
  EXPECT_EQ(call("POST", path(id, "activate")).status, 400);
  EXPECT_EQ(call("POST", path(id, "renew")).status, 400);
  const auto rotated = done(call("POST", path(id, "rotate"), R"({"expiration_date":null})"));
  EXPECT_EQ(text(rotated, "status"), "active");
  EXPECT_EQ(text(rotated, "expiration_date"), "null");
  EXPECT_EQ(check(text(rotated, "token")), 204);
}

TEST_F(TokenLifecycleTest, RotationLeavesAnExpiredTokenAsItWasBefore) {
  const auto until_tomorrow = R"(,"expiration_date":")" + in(days(1)) + "\"";
  const auto off = create(until_tomorrow);
  const auto pending = create(until_tomorrow, "zapier");
  done(call("POST", path(text(off, "id"), "deactivate")));
  instance_.clock.advance(days(2));
  const auto rotated = done(call("POST", path(text(off, "id"), "rotate"), R"({"expiration_date":null})"));
  EXPECT_EQ(text(rotated, "status"), "inactive");
  EXPECT_EQ(check(text(rotated, "token")), 403);
  EXPECT_EQ(text(done(call("POST", path(text(off, "id"), "activate"))), "status"), "active");
  EXPECT_EQ(check(text(rotated, "token")), 204);
  EXPECT_EQ(text(done(call("POST", path(text(pending, "id"), "rotate"))), "status"), "pending");
}

TEST_F(TokenLifecycleTest, ARepeatedRotationAnswersTheSameKeyAndMakesNoOther) {
  const auto id = text(create(), "id");
  const auto first = done(call_with(admin_, "POST", path(id, "rotate"), "{}", "once"));
  const auto head = instance_.memory.head();
  const auto second = done(call_with(admin_, "POST", path(id, "rotate"), "{}", "once"));
  EXPECT_EQ(first.at("token"), second.at("token"));
  EXPECT_EQ(instance_.memory.head(), head);
}

TEST_F(TokenLifecycleTest, RefusesBadBodiesOfRotateAndRenew) {
  const auto id = text(create(), "id");
  const auto head = instance_.memory.head();
  for (const auto* action : {"rotate", "renew"}) {
    for (const std::string body : {"[]", "{", R"({"expiration_date":7})", R"({"expiration_date":"soon"})",
                                   R"({"expiration_date":"2001-01-01T00:00:00+00:00"})"}) {
      EXPECT_EQ(call("POST", path(id, action), body).status, 400) << action << body;
    }
  }
  EXPECT_EQ(instance_.memory.head(), head);
}

class TokenPermissionsTest : public TokenLifecycleTest {
 protected:
  json::object grant(const std::string& id, const std::string& module) {
    return done(call("POST", path(id, "permissions"), R"({"object":{"id":")" + module + "\"}}"), 201);
  }
  // A key that holds these modules alone.
  std::string key_with(const std::vector<std::string>& modules) {
    const auto token = create();
    for (const auto& module : modules) grant(text(token, "id"), module);
    return text(token, "token");
  }
};

TEST_F(TokenPermissionsTest, AreEnforcedByTheCheck) {
  const auto token = create();
  const auto id = text(token, "id");
  const auto key = text(token, "token");
  EXPECT_EQ(check(key, "/products/"), 204);
  const auto granted = grant(id, "MD-0001");
  EXPECT_EQ(text(granted, "id"), "TP" + id.substr(2) + "-0001");
  EXPECT_EQ(check(key, "/agreements/AGP-1", "POST"), 204);
  EXPECT_EQ(check(key, "/products/"), 403);
  EXPECT_EQ(check(key, "/nowhere"), 403);
  EXPECT_EQ(check(key, ""), 403);
  grant(id, "MD-0022");
  EXPECT_EQ(check(key, "/products/"), 204);
}

TEST_F(TokenPermissionsTest, AreListedAndShownOnTheToken) {
  const auto id = text(create(), "id");
  grant(id, "MD-0022");
  grant(id, "MD-0001");
  const auto listed = call("GET", path(id, "permissions"));
  EXPECT_EQ(header_of(listed, "Content-Range"), "items 0-1/2");
  const auto shown = json::serialize(done(call("GET", path(id))).at("permissions"));
  EXPECT_EQ(listed.body, shown);
  EXPECT_NE(shown.find(R"("object":{"id":"MD-0001"})"), std::string::npos);
}

TEST_F(TokenPermissionsTest, TokensAreFoundByThem) {
  const auto id = text(create(), "id");
  const auto found = [this](const std::string& query) {
    return header_of(call("GET", "/public/v1/auth/tokens?" + query), "Content-Range");
  };
  EXPECT_EQ(found("permissions.object.id=MD-0001"), "items 0-0/0");
  grant(id, "MD-0001");
  grant(id, "MD-0002");
  EXPECT_EQ(found("permissions.object.id=MD-0001"), "items 0-0/1");
  EXPECT_EQ(found("permissions.id=TP" + id.substr(2) + "-0002"), "items 0-0/1");
  EXPECT_EQ(found("permissions.object.id=MD-0003"), "items 0-0/0");
}

TEST_F(TokenPermissionsTest, AreTakenAwayByAnArray) {
  const auto token = create();
  const auto id = text(token, "id");
  grant(id, "MD-0001");
  const auto body = R"([{"object":{"id":"MD-0001"}}])";
  EXPECT_EQ(call("DELETE", path(id, "permissions"), body).status, 204);
  // What is restricted stays so: an empty set is not every module again.
  EXPECT_EQ(check(text(token, "token")), 403);
  EXPECT_EQ(call("DELETE", path(id, "permissions"), "").status, 400);
  EXPECT_EQ(call("DELETE", path(id, "permissions"), "{}").status, 400);
  EXPECT_EQ(call("DELETE", path(id, "permissions"), "[]").status, 400);
}

TEST_F(TokenPermissionsTest, CannotBeTakenAwayBeforeAnyWasGranted) {
  const auto token = create();
  const auto target = path(text(token, "id"), "permissions");
  const auto head = instance_.memory.head();
  const auto refused = call("DELETE", target, R"([{"object":{"id":"MD-0001"}}])");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(error(refused), "permissions: The token has every module: grant what it keeps first.");
  EXPECT_EQ(instance_.memory.head(), head);
  EXPECT_EQ(check(text(token, "token")), 204);
  grant(text(token, "id"), "MD-0022");
  EXPECT_EQ(call("DELETE", target, R"([{"object":{"id":"MD-0001"}}])").status, 204) << "it is not held";
}

TEST_F(TokenPermissionsTest, MustNameAModuleThatIsThere) {
  const auto id = text(create(), "id");
  const auto head = instance_.memory.head();
  for (const std::string body :
       {"", "{}", "7", "[7]", R"({"object":{}})", R"({"object":{"id":"MD-0064"}})", R"({"object":"MD-0001"})",
        R"({"id":"TP-000-000-000-0001"})", R"([{"object":{"id":"MD-0001"}},{"object":{"id":"x"}}])"}) {
    EXPECT_EQ(call("POST", path(id, "permissions"), body).status, 400) << body;
  }
  EXPECT_EQ(instance_.memory.head(), head);
}

TEST_F(TokenPermissionsTest, OfAModuleThatIsGoneCanBeTakenAwayByWhoHoldsThem) {
  const auto id = text(create(), "id");
  const auto target = path(id, "permissions");
  grant(id, "MD-0001");
  grant(id, "MD-0022");
  instance_.modules =
      ModuleTable::make({{22, "Products", {"/products"}}}, UnmappedPaths::kRestricted).value();
  EXPECT_NE(call("GET", target).body.find("MD-0001"), std::string::npos);
  const auto gone = R"({"object":{"id":"MD-0001"}})";
  const auto gone_too = R"({"object":{"id":"MD-0002"}})";
  const auto head = instance_.memory.head();
  EXPECT_EQ(call("POST", target, gone).status, 400) << "nobody is granted it any more";
  const auto refused = call("DELETE", target, std::string("[") + gone + "," + gone_too + "]");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(error(refused), "object: There is no such module.") << "the token does not hold MD-0002";
  EXPECT_EQ(call("DELETE", target, R"([{"object":{"id":"MD-0065"}}])").status, 400);
  EXPECT_EQ(call("DELETE", target, R"([{"object":{"id":"MD-0000"}}])").status, 400);
  EXPECT_EQ(instance_.memory.head(), head);
  EXPECT_EQ(call("DELETE", target, R"([{"id":"TP)" + id.substr(2) + R"(-0001"}])").status, 204);
  EXPECT_EQ(call("GET", target).body.find("MD-0001"), std::string::npos);
  EXPECT_EQ(call("DELETE", target, std::string("[") + gone + "]").status, 400);
}

TEST_F(TokenPermissionsTest, ATokenNeverHoldsMoreThanItsCreator) {
  const auto limited = key_with({"MD-0001", "MD-0003"});
  const auto body = R"({"name":"child","extension":{"name":"custom"}})";
  const auto child = done(call_with(limited, "POST", "/public/v1/auth/tokens", body), 201);
  EXPECT_EQ(child.at("permissions").as_array().size(), 2U);
  EXPECT_EQ(check(text(child, "token"), "/products"), 403);
  const auto more = R"({"object":{"id":"MD-0022"}})";
  EXPECT_EQ(call_with(limited, "POST", path(text(child, "id"), "permissions"), more).status, 403);
}

TEST_F(TokenPermissionsTest, WhatATokenPassedOnStaysAndIsFound) {
  const auto limited = key_with({"MD-0001", "MD-0003"});
  const auto id = limited.substr(0, limited.find(':'));
  const auto body = R"({"name":"child","extension":{"name":"custom"}})";
  const auto child = done(call_with(limited, "POST", "/public/v1/auth/tokens", body), 201);
  EXPECT_EQ(call("DELETE", path(id, "permissions"), R"([{"object":{"id":"MD-0001"}}])").status, 204);
  EXPECT_EQ(check(limited), 403);
  EXPECT_EQ(check(text(child, "token")), 204);
  const auto found = call("GET", "/public/v1/auth/tokens?events.created.by.id=" + id);
  EXPECT_EQ(header_of(found, "Content-Range"), "items 0-0/1");
  EXPECT_NE(found.body.find(text(child, "id")), std::string::npos);
}

TEST_F(TokenPermissionsTest, ATokenGetsNoOthersWiderKey) {
  const auto limited = key_with({"MD-0003"});
  const auto wider = create();
  const auto id = text(wider, "id");
  for (const auto* action : {"reveal", "rotate", "renew"}) {
    EXPECT_EQ(call_with(limited, "POST", path(id, action)).status, 403) << action;
  }
  done(call("POST", path(id, "deactivate")));
  EXPECT_EQ(call_with(limited, "POST", path(id, "activate")).status, 403);
  EXPECT_EQ(call_with(limited, "DELETE", path(id)).status, 204);
}

TEST_F(TokenPermissionsTest, GuardOurOwnApiToo) {
  const auto limited = key_with({"MD-0001"});
  EXPECT_EQ(call_with(limited, "GET", "/public/v1/auth/tokens").status, 403);
  EXPECT_EQ(call_with(limited, "GET", "/public/v1/auth/context").status, 200);
}

TEST_F(TokenPermissionsTest, ModulesAreListed) {
  const auto list = call("GET", "/public/v1/modules?limit=1");
  EXPECT_EQ(list.body, R"([{"id":"MD-0001","name":"Agreements"}])");
  EXPECT_EQ(text(done(call("GET", "/public/v1/modules/MD-0022")), "name"), "Products");
  EXPECT_EQ(call("GET", "/public/v1/modules/MD-0064").status, 404);
  EXPECT_EQ(call("GET", "/public/v1/modules/x").status, 404);
}

TEST_F(TokenPermissionsTest, ForeignTokensAreNotFound) {
  const auto other = instance_.create_token(instance_.open_account("Other")).row.token_id();
  for (const auto* action : {"activate", "deactivate", "rotate", "renew"}) {
    const auto foreign = call("POST", path(other, action));
    const auto absent = call("POST", path("SU-999-999-999", action));
    EXPECT_EQ(foreign.status, 404);
    EXPECT_EQ(foreign.body, absent.body);
  }
  EXPECT_EQ(call("GET", path(other, "permissions")).status, 404);
  EXPECT_EQ(call("POST", path(other, "permissions"), R"({"object":{"id":"MD-0001"}})").status, 404);
  EXPECT_EQ(call("DELETE", path(other, "permissions"), R"([{"object":{"id":"MD-0001"}}])").status, 404);
}

}  // namespace
}  // namespace mintmark::token_lifecycle_test
