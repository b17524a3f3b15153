#include <string>
#include <utility>
#include <vector>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/api_instance.h"

// An account's own extensions over REST, and their tokens.
namespace mintmark::extensions_test {
namespace {

namespace json = boost::json;
using http::RequestBuilder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace ::mintmark::testing;

const std::string extensions = "/public/v1/extensions";
const std::string tokens = "/public/v1/auth/tokens";
const std::string good = R"({"name":"ledger","description":"Our ledger"})";

class ExtensionsTest : public ::testing::Test {
 protected:
  http::Response call_as(const std::string& key, std::string_view method, const std::string& target,
                         const std::string& body = "") {
    return instance_.call(RequestBuilder(method, target)
                              .header("Authorization", "ApiKey " + key)
                              .header("Content-Type", "application/json")
                              .body(body));
  }
  http::Response call(std::string_view method, const std::string& target, const std::string& body = "") {
    return call_as(key_, method, target, body);
  }
  json::object create(const std::string& body = good) {
    const auto response = call("POST", extensions, body);
    EXPECT_EQ(response.status, 201) << response.body;
    return json_of(response);
  }
  static std::string id_of(const json::object& object) { return std::string(object.at("id").as_string()); }
  static std::string target_of(const json::object& extension) { return extensions + "/" + id_of(extension); }
  http::Response create_token(const std::string& reference) {
    return call("POST", tokens, R"({"name":"t","extension":)" + reference + "}");
  }
  std::vector<std::string> listed(const std::string& query, const std::string& list = extensions,
                                  const char* member = "name") {
    std::vector<std::string> names;
    const auto response = call("GET", list + "?" + query);
    EXPECT_EQ(response.status, 200) << response.body;
    for (const auto& item : json::parse(response.body).as_array())
      names.emplace_back(item.at(member).as_string());
    return names;
  }

  ApiInstance instance_;
  const AccountId account_ = instance_.open_account("Acme");
  const std::string key_ = instance_.create_token(account_).value.key->text();
  const std::string stranger_ = instance_.create_token(instance_.open_account("Other")).value.key->text();
};

TEST_F(ExtensionsTest, AnExtensionIsReadAsItWasMade) {
  const auto made = create(
      R"({"name":"ledger","description":"Our ledger","portal":"vendor","status":"draft","featured":true,)"
      R"("priority":-3,"external_id":"e","subtitle":"s","overview":"o","websites":["https://a.example"],)"
      R"("categories":[{"id":"CAT-1"}],"industries":[{"id":"IN-1"}],"constraints":{"account":{"tokens":2}},)"
      R"("owner":{"id":")" +
      account_.text() + R"("},"system":true,"id":"EXT-1"})");
  EXPECT_THAT(id_of(made), ::testing::MatchesRegex("EXT-[0-9]{3}-[0-9]{3}"));
  EXPECT_EQ(json_of(call("GET", target_of(made))), made);
  EXPECT_EQ(made.at("system"), false);
  EXPECT_EQ(made.at("featured"), true);
  EXPECT_EQ(made.at("priority"), -3);
  EXPECT_EQ(made.at("revision"), 1);
  EXPECT_TRUE(made.at("icon").is_null());
  EXPECT_EQ(json::serialize(made.at("constraints")), R"({"account":{"tokens":2}})");
  EXPECT_EQ(json::serialize(made.at("categories")), R"([{"id":"CAT-1","name":"CAT-1"}])");
  EXPECT_EQ(made.at("owner").at("id").as_string(), account_.text());
  EXPECT_EQ(header_of(call("GET", target_of(made)), "ETag"), "\"1\"");
}

TEST_F(ExtensionsTest, AChangeMayBePartialAndSendsBackWhatItRead) {
  const auto target = target_of(create());
  const auto changed = json_of(call("PUT", target, R"({"description":"Books","external_id":null})"));
  EXPECT_EQ(changed.at("description").as_string(), "Books");
  EXPECT_EQ(changed.at("name").as_string(), "ledger");
  EXPECT_TRUE(changed.at("events").as_object().contains("updated"));
  const auto head = instance_.memory.head();
  EXPECT_EQ(call("PUT", target, json::serialize(changed)).status, 200);
  EXPECT_EQ(instance_.memory.head(), head) << "what changes nothing is not written";
}

TEST_F(ExtensionsTest, BuiltInExtensionsDoNotChange) {
  const auto head = instance_.memory.head();
  for (const auto* id : {"/EXT-000", "/EXT-001"}) {
    EXPECT_EQ(call("GET", extensions + id).status, 200);
    EXPECT_EQ(call("PUT", extensions + id, good).status, 403);
    EXPECT_EQ(call("DELETE", extensions + id).status, 403);
  }
  EXPECT_EQ(instance_.memory.head(), head);
}

TEST_F(ExtensionsTest, WhatCannotBeTakenIsRefusedAndNotWritten) {
  const auto target = target_of(create());
  const auto head = instance_.memory.head();
  for (const auto& [field, value] : std::vector<std::pair<std::string, std::string>>{
           {"name", R"("Ledger")"},
           {"name", R"("custom")"},
           {"name", "1"},
           {"name", "null"},
           {"description", R"("")"},
           {"portal", R"("moon")"},
           {"status", R"("new")"},
           {"featured", R"("yes")"},
           {"priority", "1.5"},
           {"priority", "2147483648"},
           {"priority", R"("1")"},
           {"websites", R"("x")"},
           {"websites", "[1]"},
           {"categories", R"(["x"])"},
           {"industries", R"([{"name":"x"}])"},
           {"constraints", "1"},
           {"tokens", R"({"account":{"tokens":33}})"},
           {"owner", R"({"id":"VA-000-000"})"},
       }) {
    auto body = json::parse(R"({"name":"other","description":"d"})").as_object();
    body[field == "tokens" ? "constraints" : field] = json::parse(value);
    for (const auto& response :
         {call("POST", extensions, json::serialize(body)), call("PUT", target, json::serialize(body))}) {
      EXPECT_EQ(response.status, 400) << field << value;
      EXPECT_THAT(response.body, HasSubstr("\"" + field + ": ")) << value;
    }
  }
  EXPECT_THAT(call("POST", extensions, R"({"description":"d"})").body, HasSubstr("name: This field is req"));
  EXPECT_EQ(instance_.memory.head(), head);
}

TEST_F(ExtensionsTest, ANameIsOneExtensionsOfItsAccountAtATime) {
  const auto first = create();
  const auto taken = call("POST", extensions, good);
  EXPECT_EQ(taken.status, 400);
  EXPECT_THAT(taken.body, HasSubstr("name: An extension has this name already."));
  EXPECT_EQ(call_as(stranger_, "POST", extensions, good).status, 201) << "names are each account's own";
  const auto second = create(R"({"name":"books","description":"d"})");
  EXPECT_EQ(call("PUT", target_of(second), R"({"name":"ledger"})").status, 400);

  EXPECT_EQ(call("PUT", target_of(first), R"({"name":"paper"})").status, 200);
  EXPECT_EQ(call("PUT", target_of(second), R"({"name":"ledger"})").status, 200);
  EXPECT_EQ(call("DELETE", target_of(second)).status, 204);
  create();
}

TEST_F(ExtensionsTest, ATokenOfAnOwnExtensionIsACustomOneThatShowsItsType) {
  const auto extension = create();
  const auto id = id_of(extension);
  const auto by_id = json_of(create_token(R"({"id":")" + id + R"("})"));
  const auto by_name = json_of(create_token(R"({"name":"ledger"})"));
  for (const auto& token : {by_id, by_name}) {
    EXPECT_EQ(json::serialize(token.at("extension")), R"({"id":")" + id + R"(","name":"ledger"})");
    EXPECT_EQ(token.at("status").as_string(), "active");
    const std::string key(token.at("token").as_string());
    EXPECT_EQ(call_as(key, "GET", "/public/v1/auth/context").status, 200) << "its key works";
  }
  const auto path = tokens + "/" + id_of(by_id);
  EXPECT_FALSE(json_of(call("POST", path + "/rotate")).at("token").is_null());
  EXPECT_THAT(listed("extension.name=ledger", tokens, "id"), ElementsAre(id_of(by_name), id_of(by_id)));
  EXPECT_THAT(listed("like(extension.id,EXT-*-*)", tokens, "id"), ElementsAre(id_of(by_name), id_of(by_id)));
  EXPECT_EQ(listed("extension.name=custom", tokens, "id").size(), 1);
  EXPECT_THAT(listed("ordering(-extension.id)&limit=2", tokens, "id"),
              ElementsAre(id_of(by_name), id_of(by_id)));
  EXPECT_EQ(call("PUT", target_of(extension), R"({"name":"books"})").status, 200);
  EXPECT_EQ(json_of(call("GET", path)).at("extension").at("name").as_string(), "books");
  EXPECT_EQ(listed("extension.name=books", tokens, "id").size(), 2);
}

TEST_F(ExtensionsTest, NoTokenIsMadeOfAnExtensionThatIsNotTheAccounts) {
  const auto extension = create();
  const auto reference = R"({"id":")" + id_of(extension) + R"("})";
  const auto foreign = call_as(stranger_, "POST", tokens, R"({"name":"t","extension":)" + reference + "}");
  const auto absent = call_as(stranger_, "POST", tokens, R"({"name":"t","extension":{"id":"EXT-999-999"}})");
  EXPECT_EQ(foreign.status, 400);
  EXPECT_EQ(foreign.body, absent.body);
  EXPECT_EQ(create_token(R"({"id":")" + id_of(extension) + R"(","name":"other"})").status, 400);
  EXPECT_EQ(call("DELETE", target_of(extension)).status, 204);
  EXPECT_EQ(create_token(reference).body, absent.body);
}

TEST_F(ExtensionsTest, AnExtensionWithTokensIsNotDeleted) {
  const auto extension = create();
  const auto token = json_of(create_token(R"({"name":"ledger"})"));
  const auto refused = call("DELETE", target_of(extension));
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.body, HasSubstr("The extension has 1 tokens; delete them first."));
  EXPECT_EQ(call("DELETE", tokens + "/" + id_of(token)).status, 204);
  EXPECT_EQ(call("DELETE", target_of(extension)).status, 204);
  EXPECT_EQ(call("GET", target_of(extension)).status, 404);
  EXPECT_EQ(call("PUT", target_of(extension), good).status, 404);
  EXPECT_THAT(listed(""), ElementsAre("custom", "zapier"));
}

TEST_F(ExtensionsTest, AnExtensionHasNoMoreTokensThanItsConstraintSays) {
  const auto target =
      target_of(create(R"({"name":"ledger","description":"d","constraints":{"account":{"tokens":1}}})"));
  EXPECT_EQ(create_token(R"({"name":"ledger"})").status, 201);
  EXPECT_EQ(create_token(R"({"name":"ledger"})").status, 409);
  EXPECT_EQ(call("PUT", target, R"({"constraints":{}})").status, 200);
  EXPECT_EQ(create_token(R"({"name":"ledger"})").status, 201);
}

TEST_F(ExtensionsTest, AnAccountHasNoMoreThanItsLimit) {
  for (std::size_t i = 0; i < limits::extensions_per_account_max; ++i)
    create(R"({"name":"n)" + std::to_string(i) + R"(","description":"d"})");
  EXPECT_EQ(call("POST", extensions, good).status, 409);
}

TEST_F(ExtensionsTest, ListsAreFilteredAndOrdered) {
  create(R"({"name":"b","description":"d","priority":5,"featured":true,"portal":"vendor"})");
  create(R"({"name":"a","description":"d","priority":7,"status":"draft","categories":[{"id":"C"}]})");
  EXPECT_THAT(listed(""), ElementsAre("custom", "zapier", "a", "b"));
  EXPECT_THAT(listed("system=false&ordering(name)"), ElementsAre("a", "b"));
  EXPECT_THAT(listed("ordering(-priority)&limit=2"), ElementsAre("a", "b"));
  EXPECT_THAT(listed("featured=true"), ElementsAre("b"));
  EXPECT_THAT(listed("gt(priority,5)"), ElementsAre("a"));
  EXPECT_THAT(listed("in(status,(draft))"), ElementsAre("a"));
  EXPECT_THAT(listed("portal=vendor"), ElementsAre("b"));
  EXPECT_THAT(listed("categories.id=C"), ElementsAre("a"));
  EXPECT_THAT(listed("like(name,*pie*)"), ElementsAre("zapier"));
}

TEST_F(ExtensionsTest, AnotherAccountsExtensionIsLikeAnAbsentOne) {
  const auto foreign = target_of(create());
  const auto head = instance_.memory.head();
  for (const auto& [method, body] : std::vector<std::pair<std::string, std::string>>{
           {"GET", ""}, {"PUT", good}, {"PUT", R"({"name":"BAD"})"}, {"DELETE", ""}}) {
    const auto one = call_as(stranger_, method, foreign, body);
    const auto none = call_as(stranger_, method, extensions + "/EXT-999-999", body);
    EXPECT_EQ(one.status, none.status) << method;
    EXPECT_EQ(one.body, none.body) << method;
    EXPECT_GE(one.status, 400) << method;
  }
  EXPECT_EQ(instance_.memory.head(), head);
}

TEST_F(ExtensionsTest, TheSameKeyMakesOneExtension) {
  const auto send = [&] {
    return instance_.call(RequestBuilder("POST", extensions)
                              .header("Authorization", "ApiKey " + key_)
                              .header("Idempotency-Key", "once")
                              .header("Content-Type", "application/json")
                              .body(good));
  };
  EXPECT_EQ(json_of(send()), json_of(send()));
}

TEST_F(ExtensionsTest, ALostRaceIsToldByItsVersion) {
  const auto target = target_of(create());
  const auto change = [&](const std::string& version, const std::string& body) {
    return instance_.call(RequestBuilder("PUT", target)
                              .header("Authorization", "ApiKey " + key_)
                              .header("If-Match", version)
                              .header("Content-Type", "application/json")
                              .body(body));
  };
  EXPECT_EQ(header_of(change("\"1\"", R"({"description":"a"})"), "ETag"), "\"2\"");
  EXPECT_EQ(change("\"1\"", R"({"description":"b"})").status, 412);
}

}  // namespace
}  // namespace mintmark::extensions_test
