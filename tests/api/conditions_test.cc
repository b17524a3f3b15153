#include "api/conditions.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/support/api_instance.h"

// Versions and positions in requests and answers: ETag, If-Match, min_position, Mintmark-Position.
namespace mintmark::conditions_test {
namespace {

using http::RequestBuilder;
using namespace ::mintmark::testing;

class ConditionsTest : public ::testing::Test {
 protected:
  RequestBuilder request(std::string_view method, const std::string& target) const {
    return RequestBuilder(method, target)
        .header("Authorization", "ApiKey " + key_)
        .header("Content-Type", "application/json");
  }
  http::Response rename(const std::string& name, const std::string& if_match) {
    return instance_.call(
        request("PUT", path_).header("If-Match", if_match).body(R"({"name":")" + name + "\"}"));
  }
  std::string name() {
    return std::string(json_of(instance_.call(request("GET", path_))).at("name").as_string());
  }
  std::string tag() { return header_of(instance_.call(request("GET", path_)), "ETag"); }

  ApiInstance instance_;
  const AccountId account_ = instance_.open_account("Acme");
  const CreatedToken created_ = instance_.create_token(account_);
  const TokenId id_ = created_.value.key->id;
  const std::string key_ = created_.value.key->text();
  const std::string path_ = "/public/v1/auth/tokens/" + id_.text();
};

TEST_F(ConditionsTest, EachReadOfAThingAndEachChangeTellItsVersion) {
  EXPECT_EQ(tag(), "\"1\"");
  const auto changed = rename("new", "*");
  EXPECT_EQ(changed.status, 200);
  EXPECT_EQ(header_of(changed, "ETag"), "\"2\"");
  EXPECT_EQ(tag(), "\"2\"");
  EXPECT_EQ(header_of(rename("new", "*"), "ETag"), "\"2\"") << "nothing changed";
  const auto account = instance_.call(request("GET", "/public/v1/accounts/" + account_.text()));
  EXPECT_EQ(header_of(account, "ETag"), "\"1\"");
}

TEST_F(ConditionsTest, ACreationTellsTheVersionOfWhatItMade) {
  const auto created = instance_.call(
      request("POST", "/public/v1/auth/tokens").body(R"({"name":"x","extension":{"id":"EXT-000"}})"));
  ASSERT_EQ(created.status, 201);
  EXPECT_EQ(header_of(created, "ETag"), "\"1\"");
}

TEST_F(ConditionsTest, ListsAndRefusalsHaveNoVersion) {
  for (const auto& target :
       {std::string("/public/v1/auth/tokens"), std::string("/public/v1/auth/context"),
        std::string("/public/v1/auth/tokens/SU-999-999-999"), std::string("/public/v1/auth/tokens/x")}) {
    EXPECT_EQ(header_of(instance_.call(request("GET", target)), "ETag"), "") << target;
  }
  EXPECT_EQ(header_of(rename("", "*"), "ETag"), "");
}

TEST_F(ConditionsTest, AChangeUnderTheVersionThatWasSeenHappensAndUnderAnotherDoesNot) {
  EXPECT_EQ(rename("second", "\"1\"").status, 200);
  for (const auto* other : {"\"1\"", "\"3\"", "W/\"2\"", "\"02\"", "\"x\"", "\"\"", "\"1\", \"3\""}) {
    const auto refused = rename("third", other);
    EXPECT_EQ(refused.status, 412) << other;
    EXPECT_EQ(json_of(refused).at("error_code").as_string(), "REQ_010");
    EXPECT_EQ(rename("second", other).status, 412) << "not even where nothing would change";
  }
  EXPECT_EQ(name(), "second");
  EXPECT_EQ(rename("third", "\"7\" ,W/\"2\",\t\"2\"").status, 200);
  EXPECT_EQ(name(), "third");
}

TEST_F(ConditionsTest, ActionsAndDeletionsHeedIt) {
  const auto head = instance_.memory.head();
  EXPECT_EQ(instance_.call(request("POST", path_ + "/reveal").header("If-Match", "\"9\"")).status, 412);
  EXPECT_EQ(instance_.call(request("DELETE", path_).header("If-Match", "\"9\"")).status, 412);
  EXPECT_EQ(instance_.memory.head(), head);
  EXPECT_EQ(instance_.call(request("POST", path_ + "/reveal").header("If-Match", "\"1\"")).status, 200);
  EXPECT_EQ(instance_.call(request("DELETE", path_).header("If-Match", "\"2\"")).status, 204);
}

TEST_F(ConditionsTest, AVersionBeforeSomebodyLookedAtTheValueStillHolds) {
  const auto reveal = [&] { return instance_.call(request("POST", path_ + "/reveal")).status; };
  ASSERT_EQ(rename("seen", "\"1\"").status, 200);
  ASSERT_EQ(reveal(), 200);
  ASSERT_EQ(reveal(), 200);
  EXPECT_EQ(tag(), "\"4\"");
  EXPECT_EQ(rename("lost", "\"1\"").status, 412) << "the name has changed since";
  EXPECT_EQ(rename("third", "\"2\"").status, 200) << "only looks since";
  EXPECT_EQ(rename("lost", "\"4\"").status, 412);
  EXPECT_EQ(name(), "third");
}

TEST_F(ConditionsTest, AVersionBeforeWhatOnlyTimeOrTheWorkerBroughtStillHolds) {
  const auto created = instance_.call(
      request("POST", "/public/v1/auth/tokens").body(R"({"name":"x","extension":{"name":"zapier"}})"));
  ASSERT_EQ(created.status, 201);
  const auto id = TokenId::parse(json_of(created).at("id").as_string()).value();
  const auto path = "/public/v1/auth/tokens/" + id.text();
  Event expiring;
  expiring.mutable_token_expiring();
  Event expired;
  expired.mutable_token_expired();
  History history(instance_.memory);
  for (const auto& event : {connection_issued(), expiring, expired}) history.add(id, event);
  instance_.project();
  EXPECT_EQ(header_of(instance_.call(request("GET", path)), "ETag"), "\"4\"");
  const auto rename = [&](const std::string& tag) {
    return instance_.call(request("PUT", path).header("If-Match", tag).body(R"({"name":"y"})")).status;
  };
  EXPECT_EQ(rename("\"5\""), 412);
  EXPECT_EQ(rename(header_of(created, "ETag")), 200);
  EXPECT_EQ(rename(header_of(created, "ETag")), 412) << "the name has changed since";
}

TEST_F(ConditionsTest, AUsersVersionHoldsUntilSomethingOfTheirsThatIsSetChanges) {
  const auto user = instance_.add_user(account_, "bob@example.com", MEMBER);
  const auto path = "/public/v1/accounts/" + account_.text() + "/users/" + user.id.text();
  const auto seen = header_of(instance_.call(request("GET", path)), "ETag");
  EXPECT_EQ(seen, "\"2\"");
  ASSERT_TRUE(run(reset_password(*instance_.services, ApiInstance::caller(account_), user.id)));
  const auto put = [&](const std::string& tag, const std::string& body) {
    return instance_.call(request("PUT", path).header("If-Match", tag).body(body));
  };
  EXPECT_EQ(put("\"9\"", R"({"name":"Bob"})").status, 412);
  const auto changed = put(seen, R"({"name":"Bob"})");
  EXPECT_EQ(changed.status, 200) << changed.body;
  const auto now = header_of(changed, "ETag");
  EXPECT_EQ(now, header_of(instance_.call(request("GET", path)), "ETag"));
  EXPECT_EQ(put(seen, R"({"name":"Rob"})").status, 412);
  EXPECT_EQ(put(seen, R"({"name":"Bob"})").status, 412) << "not even where nothing would change";
  const auto unchanged = put(now, R"({"name":"Bob"})");
  EXPECT_EQ(unchanged.status, 200);
  EXPECT_EQ(header_of(unchanged, "ETag"), now) << "nothing changed";
  EXPECT_EQ(instance_.call(request("DELETE", path).header("If-Match", now)).status, 204);
}

TEST_F(ConditionsTest, WhatHasNoVersionsIsInAnyAndInNone) {
  const auto ann = instance_.add_user(account_, "ann@example.com");
  const auto cookie = instance_.sign_in("ann@example.com", ann.password);
  const auto path = "/public/v1/auth/sessions/" +
                    session_id(*instance_.services, instance_.sign_in("ann@example.com", ann.password));
  const auto end = [&](const std::string& target, const std::string& tag) {
    return instance_.call(RequestBuilder("DELETE", target)
                              .header("Cookie", "mintmark_session=" + cookie)
                              .header("X-CSRF-Token", csrf_token(*instance_.services, cookie))
                              .header("If-Match", tag));
  };
  EXPECT_EQ(end(path, "\"1\"").status, 412);
  EXPECT_EQ(end(path, "*").status, 204);
  EXPECT_EQ(end(path, "*").status, 404);
}

TEST_F(ConditionsTest, ARaceThatIsLostAfterTheCheckIsCaughtToo) {
  bool raced = false;
  instance_.log.before_append([&] {
    if (!raced) History(instance_.memory).add(id_, token_renamed("raced"));
    raced = true;
  });
  EXPECT_EQ(rename("mine", "\"1\"").status, 412);
  instance_.project();
  EXPECT_EQ(name(), "raced");
}

TEST_F(ConditionsTest, WhatIsUnknownStaysNotFound) {
  const auto other = instance_.create_token(instance_.open_account("Other")).row.token_id();
  for (const auto& id : {std::string("SU-999-999-999"), std::string("nonsense"), other}) {
    const auto answer = instance_.call(
        request("PUT", "/public/v1/auth/tokens/" + id).header("If-Match", "\"9\"").body(R"({"name":"x"})"));
    EXPECT_EQ(answer.status, 404) << id;
  }
}

TEST_F(ConditionsTest, AFieldThatIsNoneIsRefusedAndChangesNothing) {
  for (const auto* bad : {"", "1", "\"1", "\"1\" \"2\"", "\"1\",", "*, \"1\"", "w/\"1\"", "\"a b\""}) {
    const auto refused = rename("new", bad);
    EXPECT_EQ(refused.status, 400) << bad;
    EXPECT_NE(refused.body.find("If-Match: "), std::string::npos) << refused.body;
  }
  EXPECT_EQ(
      instance_.call(request("DELETE", path_).header("If-Match", "\"1\"").header("If-Match", "*")).status,
      400);
  EXPECT_EQ(tag(), "\"1\"");
}

TEST_F(ConditionsTest, WhereThePathNamesNoThingNoVersionFits) {
  const auto head = instance_.memory.head();
  const auto refused = instance_.call(request("POST", "/public/v1/auth/tokens")
                                          .header("If-Match", "*")
                                          .body(R"({"name":"x","extension":{"id":"EXT-000"}})"));
  EXPECT_EQ(refused.status, 412);
  EXPECT_EQ(instance_.memory.head(), head);
}

TEST_F(ConditionsTest, ARepeatUnderItsIdempotencyKeyIsAnsweredAsBefore) {
  const auto send = [&] {
    return instance_.call(request("PUT", path_)
                              .header("If-Match", "\"1\"")
                              .header("Idempotency-Key", "k")
                              .body(R"({"name":"new"})"));
  };
  const auto first = send();
  const auto again = send();
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(header_of(again, "ETag"), header_of(first, "ETag"));
  EXPECT_EQ(header_of(again, "Mintmark-Position"), header_of(first, "Mintmark-Position"));
}

TEST_F(ConditionsTest, EveryChangeTellsAPositionThatShowsItsOutcome) {
  const auto changed = rename("new", "*");
  EXPECT_EQ(header_of(changed, "Mintmark-Position"), std::to_string(instance_.memory.head()));
  EXPECT_EQ(header_of(rename("new", "*"), "Mintmark-Position"), std::to_string(instance_.memory.head()))
      << "nothing changed: what is there is shown from here on";
}

TEST_F(ConditionsTest, AReadWaitsForThePositionThatItNames) {
  History(instance_.memory).add(id_, token_renamed("late"));
  const auto position = std::to_string(instance_.memory.head());
  const auto by_query = instance_.call(request("GET", path_ + "?min_position=" + position));
  EXPECT_EQ(json_of(by_query).at("name").as_string(), "late");
  History(instance_.memory).add(id_, token_renamed("later"));
  const auto next = std::to_string(instance_.memory.head());
  const auto list =
      instance_.call(request("GET", "/public/v1/auth/tokens").header("Mintmark-Min-Position", next));
  EXPECT_NE(list.body.find("later"), std::string::npos) << list.body;
}

TEST_F(ConditionsTest, APositionIsNamedAsAnyOtherParameter) {
  const auto beyond = std::to_string(instance_.memory.head() + 1);
  for (const auto* form : {"min_position=", "min_position=eq=", "eq(min_position,"}) {
    const auto close = std::string(form).ends_with(',') ? ")" : "";
    const auto target = path_ + "?" + form;
    EXPECT_EQ(instance_.call(request("GET", target + beyond + close)).status, 503) << form;
    EXPECT_EQ(instance_.call(request("GET", target + "1" + close)).status, 200) << form;
    EXPECT_EQ(instance_.call(request("GET", target + "1" + close + "&min_position=1")).status, 400) << form;
  }
}

// As whatever a list's query holds: decoded, behind a comma, inside an and().
TEST_F(ConditionsTest, APositionIsFoundHoweverTheQueryIsWritten) {
  const auto beyond = std::to_string(instance_.memory.head() + 1);
  const std::string list = "/public/v1/auth/tokens";
  for (const std::string form :
       {"eq%28min_position%2C#%29=", "limit=5,min_position=#", "and(limit=5,min_position=#)",
        "and%28name%3Dx%2Ceq%28min_position%2C#%29%29=", "min%5Fposition=#", "min_position=%27#%27"}) {
    for (const auto& [position, status] : {std::pair(beyond, 503), std::pair(std::string("1"), 200)}) {
      auto query = form;
      query.replace(query.find('#'), 1, position);
      EXPECT_EQ(instance_.call(request("GET", list + "?" + query)).status, status) << query;
      EXPECT_EQ(instance_.call(request("GET", path_ + "?" + query)).status, status) << query;
    }
  }
  for (const auto* refused : {"or(name=x,min_position=1)", "not(min_position=1)", "(name=x|min_position=1)",
                              "min_position=1,min_position=1", "min_position=1&eq%28min_position%2C1%29="}) {
    EXPECT_EQ(instance_.call(request("GET", list + "?" + refused)).status, 400) << refused;
  }
}

TEST_F(ConditionsTest, APositionThatTheLogHasNotReachedIsToldAtOnce) {
  const auto next = std::to_string(instance_.memory.head() + 1);
  for (const auto& target :
       {path_, std::string("/public/v1/auth/tokens"), std::string("/public/v1/extensions")}) {
    const auto answer = instance_.call(request("GET", target + "?min_position=" + next));
    EXPECT_EQ(answer.status, 503) << target;
    EXPECT_EQ(header_of(answer, "Retry-After"), "1");
  }
}

TEST_F(ConditionsTest, APositionThatIsNoneIsRefused) {
  for (const auto* bad : {"", "x", "-1", "+1", "1.0", "1 ", "18446744073709551616"}) {
    EXPECT_EQ(instance_.call(request("GET", path_ + "?min_position=" + bad)).status, 400) << bad;
    EXPECT_EQ(instance_.call(request("GET", path_).header("Mintmark-Min-Position", bad)).status, 400) << bad;
  }
  EXPECT_EQ(instance_.call(request("GET", path_ + "?min_position=1&min_position=1")).status, 400);
  EXPECT_EQ(instance_.call(request("GET", path_ + "?min_position=0")).status, 200);
}

TEST_F(ConditionsTest, EveryAnswerCarriesARequestIdTheClientsOwnWhereItIsOne) {
  for (const auto& [method, target] :
       {std::pair("GET", path_), std::pair("GET", std::string("/nothing")), std::pair("PATCH", path_),
        std::pair("OPTIONS", path_), std::pair("PUT", path_), std::pair("GET", std::string("/docs"))}) {
    const auto answer = instance_.call(RequestBuilder(method, target).header("X-Request-Id", "mine"));
    EXPECT_EQ(header_of(answer, "X-Request-Id"), "mine") << method << ' ' << target;
  }
  for (const auto& bad :
       {std::string(), std::string(129, 'x'), std::string("a b"), std::string("caf\xC3\xA9")}) {
    const auto id =
        header_of(instance_.call(request("GET", path_).header("X-Request-Id", bad)), "X-Request-Id");
    EXPECT_EQ(id.size(), 36) << bad;
  }
  EXPECT_EQ(header_of(instance_.api->refusal(http::ProtocolError::kMalformed), "X-Request-Id").size(), 36);
}

TEST_F(ConditionsTest, AnIdempotencyKeyIsOneCallersOwn) {
  const auto other = instance_.create_token(account_).value.key->text();
  const auto create = [&](const std::string& key) {
    return instance_.call(RequestBuilder("POST", "/public/v1/auth/tokens")
                              .header("Authorization", "ApiKey " + key)
                              .header("Content-Type", "application/json")
                              .header("Idempotency-Key", "k")
                              .body(R"({"name":"x","extension":{"id":"EXT-000"}})"));
  };
  const auto first = create(key_);
  const auto second = create(other);
  ASSERT_EQ(second.status, 201);
  EXPECT_NE(json_of(first).at("id"), json_of(second).at("id"));
}

TEST_F(ConditionsTest, ADeletionAndAnActionAreRepeatedWithTheSameAnswer) {
  const auto token = instance_.create_token(account_).row.token_id();
  const auto path = "/public/v1/auth/tokens/" + token;
  for (const auto& [method, target] : {std::pair("POST", path + "/reveal"), std::pair("DELETE", path)}) {
    const auto send = [&] {
      return instance_.call(request(method, target).header("Idempotency-Key", std::string("k") + method));
    };
    const auto first = send();
    const auto head = instance_.memory.head();
    const auto again = send();
    EXPECT_EQ(again.status, first.status) << method;
    EXPECT_EQ(again.body, first.body) << method;
    EXPECT_EQ(header_of(again, "Mintmark-Position"), header_of(first, "Mintmark-Position")) << method;
    EXPECT_EQ(instance_.memory.head(), head) << method;
  }
}

}  // namespace
}  // namespace mintmark::conditions_test
