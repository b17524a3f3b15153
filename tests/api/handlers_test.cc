#include <array>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/api_instance.h"

// What the handlers make of bodies: every documented field with values that it cannot take.
namespace mintmark::handlers_test {
namespace {

namespace json = boost::json;
using http::RequestBuilder;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace ::mintmark::testing;

const std::string tokens = "/public/v1/auth/tokens";

struct Field {
  std::string name;
  std::string value;     // as JSON
  std::string expected;  // in one of the messages
};

class HandlersTest : public ::testing::Test {
 protected:
  HandlersTest() {
    const auto user = instance_.add_user(account_, "ann@example.com");
    password_ = user.password;
    cookie_ = instance_.sign_in("ann@example.com", user.password);
  }

  RequestBuilder request(std::string_view method, const std::string& target) {
    return RequestBuilder(method, target)
        .header("Cookie", "mintmark_session=" + cookie_)
        .header("X-CSRF-Token", csrf_token(*instance_.services, cookie_))
        .header("Content-Type", "application/json");
  }

  // Sends a body that is good but for the field; it must be refused with 400, and nothing be written.
  void expect_refused(std::string_view method, const std::string& target, const std::string& good,
                      const Field& field) {
    auto body = json::parse(good).as_object();
    auto text = json::serialize(body);
    if (field.value.empty()) {
      body.erase(field.name);
      text = json::serialize(body);
    } else {
      body.erase(field.name);
      const auto rest = json::serialize(body).substr(1);
      text = "{\"" + field.name + "\":" + field.value + (rest == "}" ? rest : "," + rest);
    }
    const auto head = instance_.memory.head();
    const auto response = instance_.call(request(method, target).body(text));
    EXPECT_EQ(response.status, 400) << text << "\n" << response.body;
    EXPECT_THAT(response.body, HasSubstr(field.expected)) << text;
    EXPECT_THAT(response.body, HasSubstr("VAL_001")) << text;
    EXPECT_EQ(instance_.memory.head(), head) << text;
  }

  ApiInstance instance_;
  const AccountId account_ = instance_.open_account("Acme");
  std::string cookie_;
  std::string password_;
};

std::string quoted(std::size_t size) {
  return '"' + std::string(size, 'x') + '"';
}

TEST_F(HandlersTest, CreatingATokenRefusesEveryFieldThatItCannotTake) {
  const std::string good = R"({"name":"Billing","extension":{"id":"EXT-000"}})";
  ASSERT_EQ(instance_.call(request("POST", tokens).body(good)).status, 201);
  for (const auto& field : std::vector<Field>{
           {"name", "", "name: This field is required."},
           {"name", "null", "name: "},
           {"name", "1", "name: Must be a string."},
           {"name", "[]", "name: Must be a string."},
           {"name", R"("")", "name: This field may not be blank."},
           {"name", R"("   ")", "name: This field may not be blank."},
           {"name", quoted(129), "name: Ensure this field has no more than 128 characters."},
           {"name", R"("a\u0000b")", "name: Control characters are not allowed."},
           {"name", R"("a\nb")", "name: Control characters are not allowed."},
           {"description", "true", "description: Must be a string."},
           {"description", quoted(256), "description: Ensure this field has no more than 255 characters."},
           {"external_id", "{}", "external_id: Must be a string."},
           {"external_id", quoted(129), "external_id: Ensure this field has no more than 128 characters."},
           {"expiration_date", "1900000000", "expiration_date: Must be a date"},
           {"expiration_date", R"("tomorrow")", "expiration_date: Must be a date"},
           {"expiration_date", R"("2001-01-01T00:00:00Z")", "expiration_date: Must be in the future."},
           {"expiration_date", R"("99999-01-01")", "expiration_date: Must be a date"},
           {"extension", "", "extension: This field is required."},
           {"extension", "null", "extension: This field may not be null."},
           {"extension", R"("EXT-000")", "extension: Must be an object."},
           {"extension", "{}", "extension: There is no such extension."},
           {"extension", R"({"id":"EXT-999"})", "extension: There is no such extension."},
           {"extension", R"({"id":0})", "Must be a string."},
           {"extension", R"({"id":"EXT-000","name":"zapier"})", "extension: There is no such extension."},
           {"owner", "1", "owner: Must be an object."},
           {"owner", R"({"id":"VA-999-999"})", "owner: There is no such account."},
           {"owner", R"({"id":null})", "Must be a string."},
       }) {
    expect_refused("POST", tokens, good, field);
  }
}

TEST_F(HandlersTest, UpdatingATokenRefusesEveryFieldThatItCannotTake) {
  const auto target = tokens + "/" + instance_.create_token(account_).row.token_id();
  for (const auto& field : std::vector<Field>{
           {"name", "null", "name: Must be a string."},
           {"name", R"("")", "name: This field may not be blank."},
           {"name", quoted(129), "name: Ensure"},
           {"description", "[1]", "description: Must be a string."},
           {"description", quoted(256), "description: Ensure"},
           {"external_id", "1.5", "external_id: Must be a string."},
           {"external_id", quoted(129), "external_id: Ensure"},
       }) {
    expect_refused("PUT", target, R"({"name":"new"})", field);
  }
  EXPECT_EQ(json_of(instance_.call(request("GET", target))).at("name").as_string(), "Billing");
}

TEST_F(HandlersTest, UpdatingAnAccountRefusesEveryFieldThatItCannotTake) {
  for (const auto& field : std::vector<Field>{
           {"name", "null", "name: Must be a string."},
           {"name", R"(" ")", "name: This field may not be blank."},
           {"name", quoted(65), "name: Ensure"},
           {"description", "{}", "description: Must be a string."},
           {"description", quoted(513), "description: Ensure"},
           {"external_id", "null", "external_id: Must be a string."},
           {"external_id", quoted(101), "external_id: Ensure"},
           {"brand", "false", "brand: Must be a string."},
           {"brand", quoted(101), "brand: Ensure"},
       }) {
    expect_refused("PUT", "/public/v1/accounts/" + account_.text(), R"({"name":"new"})", field);
  }
}

TEST_F(HandlersTest, SigningInRefusesEveryFieldThatItCannotTake) {
  const std::string good = R"({"email":"ann@example.com","password":"wrong password"})";
  for (const auto& field : std::vector<Field>{
           {"email", "", "email: This field is required."},
           {"email", "null", "email: Must be a string."},
           {"email", quoted(255), "email: This is too long."},
           {"password", "", "password: This field is required."},
           {"password", "12345678901234", "password: Must be a string."},
           {"password", quoted(1025), "password: This is too long."},
       }) {
    expect_refused("POST", "/public/v1/auth/login", good, field);
  }
}

TEST_F(HandlersTest, AWrongPasswordAndAnUnknownAddressAreRefusedAlike) {
  const auto login = [&](const std::string& email, const std::string& password) {
    const json::object body{{"email", email}, {"password", password}};
    return instance_.call(RequestBuilder("POST", "/public/v1/auth/login")
                              .header("Content-Type", "application/json")
                              .body(json::serialize(body)));
  };
  const auto wrong = login("ann@example.com", "wrong password");
  const auto unknown = login("bob@example.com", password_);
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(unknown.status, 401);
  EXPECT_EQ(wrong.body, unknown.body);
  EXPECT_EQ(header_of(wrong, "Set-Cookie"), "");

  const auto right = login("ANN@example.com", password_);
  ASSERT_EQ(right.status, 200);
  EXPECT_THAT(header_of(right, "Set-Cookie"),
              ::testing::MatchesRegex("mintmark_session=[0-9a-f]{40}; Path=/; HttpOnly; SameSite=Strict; "
                                      "Max-Age=43200"));
}

TEST_F(HandlersTest, EveryBodyIsCheckedToBeAnObjectOfJson) {
  const auto token = tokens + "/" + instance_.create_token(account_).row.token_id();
  for (const auto& [method, target] : {std::pair("POST", tokens), std::pair("PUT", token),
                                       std::pair("POST", std::string("/public/v1/auth/login")),
                                       std::pair("PUT", "/public/v1/accounts/" + account_.text())}) {
    for (const auto body : {"", "{", "[]", "null", "\"x\"", "{\"name\":\"\xFF\"}"}) {
      const auto response = instance_.call(request(method, target).body(body));
      EXPECT_EQ(response.status, 400) << method << ' ' << target << ' ' << body;
      EXPECT_THAT(response.body, HasSubstr("body: ")) << response.body;
    }
  }
}

TEST_F(HandlersTest, ABodyOfAnotherMediaTypeIsRefused) {
  for (const auto type : {"text/plain", "application/jsonx", "application/xml; charset=utf-8", ""}) {
    const auto response = instance_.call(RequestBuilder("POST", "/public/v1/auth/login")
                                             .header("Content-Type", type)
                                             .body(R"({"email":"a@b.c","password":"x"})"));
    EXPECT_EQ(response.status, 415) << type;
  }
  for (const auto type : {"application/json", "Application/JSON; charset=utf-8", "application/json ;x"}) {
    const auto response = instance_.call(
        RequestBuilder("POST", "/public/v1/auth/login").header("Content-Type", type).body("{}"));
    EXPECT_EQ(response.status, 400) << type;
  }
}

TEST_F(HandlersTest, WhatDoesNotExistAndWhatIsNotOursAreAlike) {
  const auto other = instance_.open_account("Other");
  const auto foreign = instance_.create_token(other).row.token_id();
  const auto foreign_user = instance_.add_user(other, "eve@example.com").id.text();
  const auto accounts = std::string("/public/v1/accounts/");
  const auto own_users = accounts + account_.text() + "/users/";
  const auto foreign_token = tokens + "/" + foreign;
  for (const auto& [method, known, unknown] : std::vector<std::array<std::string, 3>>{
           {"GET", foreign_token, tokens + "/SU-999-999-999"},
           {"GET", foreign_token, tokens + "/nonsense"},
           {"PUT", foreign_token, tokens + "/SU-999-999-999"},
           {"DELETE", foreign_token, tokens + "/%00"},
           {"POST", foreign_token + "/reveal", tokens + "/SU-999-999-999/reveal"},
           {"GET", accounts + other.text(), "/public/v1/accounts/x"},
           {"PUT", accounts + other.text(), "/public/v1/accounts/VA-999-999"},
           {"GET", accounts + other.text() + "/users", "/public/v1/accounts/x/users"},
           {"GET", own_users + foreign_user, own_users + "UR-999-999-999"},
       }) {
    const auto head = instance_.memory.head();
    const auto body = method == "PUT" ? R"({"name":"stolen"})" : "";
    const auto one = instance_.call(request(method, known).body(body));
    const auto none = instance_.call(request(method, unknown).body(body));
    EXPECT_EQ(one.status, 404) << method << ' ' << known;
    EXPECT_EQ(none.status, 404) << method << ' ' << unknown;
    EXPECT_EQ(one.body, none.body) << method << ' ' << known;
    EXPECT_EQ(instance_.memory.head(), head);
  }
}

TEST_F(HandlersTest, UnknownPathsAndMethodsAreToldBeforeAnybodyIsAsked) {
  EXPECT_EQ(instance_.call(RequestBuilder("GET", "/public/v1/nothing")).status, 404);
  const auto refused = instance_.call(RequestBuilder("PATCH", tokens));
  EXPECT_EQ(refused.status, 405);
  EXPECT_EQ(header_of(refused, "Allow"), "GET, HEAD, POST, OPTIONS");
  const auto options = instance_.call(RequestBuilder("OPTIONS", tokens));
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(header_of(options, "Allow"), "GET, HEAD, POST, OPTIONS");
}

TEST_F(HandlersTest, ListsRefuseADuplicateAndTellTheirRange) {
  for (const auto& list : {tokens, std::string("/public/v1/accounts"), std::string("/public/v1/extensions"),
                           "/public/v1/accounts/" + account_.text() + "/users"}) {
    EXPECT_EQ(instance_.call(request("GET", list + "?limit=1&limit=eq=1")).status, 400) << list;
    const auto response = instance_.call(request("GET", list + "?limit=0"));
    EXPECT_EQ(response.status, 200) << list;
    EXPECT_EQ(response.body, "[]") << list;
    EXPECT_THAT(header_of(response, "Content-Range"), HasSubstr("items 0-0/")) << list;
  }
}

TEST_F(HandlersTest, AValueIsShownOnCreationAndOnDemandAlone) {
  const auto created = json_of(instance_.call(
      request("POST", tokens).body(R"({"name":"x","extension":{"name":"zapier"},"owner":{}})")));
  const auto handle = std::string(created.at("handle").as_string());
  EXPECT_EQ(handle.size(), 40);
  EXPECT_TRUE(created.at("token").is_null());
  const auto target = tokens + "/" + std::string(created.at("id").as_string());
  EXPECT_THAT(instance_.call(request("GET", target)).body, Not(HasSubstr(handle)));
  EXPECT_THAT(instance_.call(request("GET", tokens)).body, Not(HasSubstr(handle)));
  const auto revealed = instance_.call(request("POST", target + "/reveal"));
  EXPECT_EQ(json_of(revealed).at("handle").as_string(), handle);
  EXPECT_EQ(header_of(revealed, "Cache-Control"), "no-store");
}

}  // namespace
}  // namespace mintmark::handlers_test
