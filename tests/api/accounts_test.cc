#include <string>
#include <vector>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/api_instance.h"

// Opening accounts over REST.
namespace mintmark::accounts_test {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using namespace ::mintmark::testing;

const std::string fields =
    R"("description":"Of things","overview":"We make things","headquarters":"Irvine",)"
    R"("external_id":"V-17","brand":"Things","public":true,"countries":["GB","RU"],"languages":["en"],)"
    R"("websites":["https://example.com"],"industries":[{"id":"IN-001"}])";

class AccountsTest : public ::testing::Test {
 protected:
  http::Response open(const std::string& body, const std::string& idempotency_key = "") {
    auto request = http::RequestBuilder("POST", "/public/v1/accounts");
    request.header("Authorization", "ApiKey " + key_).header("Content-Type", "application/json");
    if (!idempotency_key.empty()) request.header("Idempotency-Key", idempotency_key);
    return instance_.call(request.body(body));
  }

  // That the account is as `fields` has it.
  static void expect_fields(const json::object& account) {
    const auto sent = json::parse("{" + fields + "}").as_object();
    for (const auto& [name, value] : sent) {
      if (name == "industries") continue;
      EXPECT_EQ(account.at(name), value) << name;
    }
    EXPECT_EQ(account.at("industries").at(0).at("id").as_string(), "IN-001");
  }

  ApiInstance instance_;
  const AccountId provider_ = instance_.open_account("Provider", AccountType::kProvider);
  const std::string key_ = instance_.create_token(provider_).value.key->text();
};

TEST_F(AccountsTest, ANewAccountIsAnsweredAsItWasSent) {
  const auto before = instance_.memory.head();
  const auto opened = open(R"({"name":"Vendor",)" + fields + "}");
  ASSERT_EQ(opened.status, 201) << opened.body;
  const auto account = json_of(opened);
  EXPECT_EQ(account.at("name").as_string(), "Vendor");
  expect_fields(account);
  EXPECT_EQ(header_of(opened, "ETag"), "\"3\"") << "opened, and its fields, in one append";
  EXPECT_EQ(instance_.memory.head(), before + 3);
  EXPECT_EQ(header_of(opened, "Mintmark-Position"), std::to_string(before + 3));
}

TEST_F(AccountsTest, ANewAccountWithItsOwnerHasItsFieldsToo) {
  const auto body = R"({"name":"Vendor","owner":{"email":"vic@example.com","name":"Vic"},)" + fields + "}";
  const auto opened = open(body, "once");
  ASSERT_EQ(opened.status, 201) << opened.body;
  const auto account = json_of(opened);
  expect_fields(account);
  EXPECT_EQ(account.at("owner").at("name").as_string(), "Vic");
  EXPECT_EQ(header_of(opened, "ETag"), "\"3\"");
  const auto head = instance_.memory.head();
  const auto again = json_of(open(body, "once"));
  EXPECT_EQ(again.at("id"), account.at("id"));
  EXPECT_TRUE(again.at("owner").at("password").is_null());
  EXPECT_EQ(instance_.memory.head(), head);
}

// Who is {id, name, email, status}: of another account's person the id alone.
TEST_F(AccountsTest, WhoeverOpenedAnAccountShowsToTheirOwnAlone) {
  const auto pat = instance_.add_user(provider_, "pat@example.com");
  const auto call_as = [this](const std::string& cookie, std::string_view method, const std::string& target,
                              const std::string& body = "") {
    return json_of(instance_.call(http::RequestBuilder(method, "/public/v1" + target)
                                      .header("Cookie", "mintmark_session=" + cookie)
                                      .header("X-CSRF-Token", csrf_token(*instance_.services, cookie))
                                      .header("Content-Type", "application/json")
                                      .body(body)));
  };
  const auto opened = call_as(instance_.sign_in("pat@example.com", pat.password), "POST", "/accounts",
                              R"({"name":"Vendor","owner":{"email":"vic@example.com"}})");
  const auto& by = opened.at("events").at("created").at("by");
  EXPECT_EQ(by.at("email").as_string(), "pat@example.com");
  const auto& owner = opened.at("owner");
  EXPECT_EQ(owner.at("events").at("created").at("by"), by);

  const std::string account(opened.at("id").as_string());
  const auto vics = instance_.sign_in("vic@example.com", std::string(owner.at("password").as_string()));
  const json::value hidden{{"id", pat.id.text()}, {"name", ""}, {"email", nullptr}};
  const auto user = "/accounts/" + account + "/users/" + std::string(owner.at("id").as_string());
  const auto shown = call_as(vics, "GET", user).at("events");
  EXPECT_EQ(shown.at("created").at("by"), hidden);
  EXPECT_EQ(shown.at("invited").at("by"), hidden);
  EXPECT_EQ(call_as(vics, "GET", "/accounts/" + account).at("events").at("created").at("by"), hidden);
  const auto context = call_as(vics, "GET", "/auth/context");
  EXPECT_EQ(context.at("user").at("events").at("created").at("by"), hidden);
  EXPECT_EQ(context.at("account").at("events").at("created").at("by"), hidden);

  const auto by_token = json_of(open(R"({"name":"Second","owner":{"email":"val@example.com"}})"));
  EXPECT_EQ(by_token.at("events").at("created").at("by").at("name").as_string(), "Billing");
  const auto vals =
      instance_.sign_in("val@example.com", std::string(by_token.at("owner").at("password").as_string()));
  const auto own = call_as(vals, "GET", "/accounts/" + std::string(by_token.at("id").as_string()));
  EXPECT_EQ(own.at("events").at("created").at("by").at("name").as_string(), "");
}

TEST_F(AccountsTest, AFieldThatIsNoneRefusesTheWholeAccount) {
  const auto head = instance_.memory.head();
  const std::string owner = R"("owner":{"email":"vic@example.com"},)";
  for (const auto& [bad, message] : std::vector<std::pair<std::string, std::string>>{
           {R"("countries":"GB")", "countries: "},
           {R"("industries":["IN-001"])", "industries: "},
           {R"("websites":[""])", "websites: This field may not be blank."},
           {R"("public":"yes")", "public: "},
           {R"("description":")" + std::string(513, 'x') + "\"", "description: "},
           {R"("headquarters":")" + std::string(257, 'x') + "\"", "headquarters: "}}) {
    for (const auto& with : {std::string(), owner}) {
      const auto refused = open(R"({"name":"Vendor",)" + with + bad + "}");
      EXPECT_EQ(refused.status, 400) << bad;
      EXPECT_THAT(refused.body, HasSubstr(message)) << bad;
    }
  }
  const auto nameless = open("{" + fields + "}");
  EXPECT_EQ(nameless.status, 400);
  EXPECT_THAT(nameless.body, HasSubstr(R"(["name: This field is required."])"));
  EXPECT_EQ(instance_.memory.head(), head);
}

}  // namespace
}  // namespace mintmark::accounts_test
