#include <string>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/api_instance.h"

// Owners give whoever forgot theirs a new password.
namespace mintmark::password_reset_test {
namespace {

namespace json = boost::json;
using http::RequestBuilder;
using ::testing::HasSubstr;
using namespace ::mintmark::testing;

class PasswordResetTest : public ::testing::Test {
 protected:
  http::Response call(const std::string& cookie, std::string_view method, const std::string& target,
                      const std::string& idempotency_key = "") {
    auto request = RequestBuilder(method, "/public/v1" + target);
    request.header("Cookie", "mintmark_session=" + cookie)
        .header("X-CSRF-Token", csrf_token(*instance_.services, cookie));
    if (!idempotency_key.empty()) request.header("Idempotency-Key", idempotency_key);
    return instance_.call(request);
  }
  int log_in(const std::string& email, const std::string& password) {
    const json::object body{{"email", email}, {"password", password}};
    return instance_
        .call(RequestBuilder("POST", "/public/v1/auth/login")
                  .header("Content-Type", "application/json")
                  .body(json::serialize(body)))
        .status;
  }
  std::string path_of(UserId user) const { return "/accounts/" + account_.text() + "/users/" + user.text(); }
  std::string password_of(UserId user) const { return path_of(user) + "/password"; }

  ApiInstance instance_;
  const AccountId account_ = instance_.open_account("Acme");
  const AddedUser ann_ = instance_.add_user(account_, "ann@example.com", OWNER);
  const AddedUser bob_ = instance_.add_user(account_, "bob@example.com", MEMBER);
  const std::string anns_ = instance_.sign_in("ann@example.com", ann_.password);
  const std::string bobs_ = instance_.sign_in("bob@example.com", bob_.password);
};

TEST_F(PasswordResetTest, TheNewOneIsShownOnceAndEndsTheUsersSessions) {
  const auto reset = call(anns_, "POST", password_of(bob_.id), "once");
  ASSERT_EQ(reset.status, 200) << reset.body;
  EXPECT_EQ(header_of(reset, "Cache-Control"), "no-store");
  const auto head = instance_.memory.head();
  EXPECT_EQ(header_of(reset, "Mintmark-Position"), std::to_string(head));
  EXPECT_EQ(instance_.memory.read(head - 1, 1).front().recorded.actor().id(), ann_.id.text());
  auto user = json_of(reset);
  const std::string password(user.at("password").as_string());
  user["password"] = nullptr;
  EXPECT_EQ(json_of(call(anns_, "POST", password_of(bob_.id), "once")), user) << "it is not shown again";
  EXPECT_EQ(instance_.memory.head(), head);
  user.erase("password");
  EXPECT_EQ(json_of(call(anns_, "GET", path_of(bob_.id))), user);
  EXPECT_EQ(call(bobs_, "GET", "/auth/context").status, 401);
  EXPECT_EQ(call(anns_, "GET", "/auth/context").status, 200);
  EXPECT_EQ(log_in("bob@example.com", bob_.password), 401);
  EXPECT_EQ(log_in("bob@example.com", password), 200);
}

TEST_F(PasswordResetTest, NobodyElseGivesOneNorAnOwnerThemselves) {
  const auto head = instance_.memory.head();
  EXPECT_EQ(call(bobs_, "POST", password_of(ann_.id)).status, 403);
  const auto own = call(anns_, "POST", password_of(ann_.id));
  EXPECT_EQ(own.status, 400) << "whoever has got hold of a session would need no password any more";
  EXPECT_THAT(own.body, HasSubstr("user: Change your own password with /auth/password."));
  EXPECT_EQ(instance_.memory.head(), head);
}

TEST_F(PasswordResetTest, OnlyAUserOfTheAccountWhoIsThereGetsOne) {
  const auto other = instance_.open_account("Other");
  const auto eve = instance_.add_user(other, "eve@example.com");
  const auto head = instance_.memory.head();
  const auto foreign = call(anns_, "POST", password_of(eve.id));
  EXPECT_EQ(foreign.status, 404);
  EXPECT_EQ(foreign.body, call(anns_, "POST", password_of(UserId::from_value(999))).body);
  EXPECT_EQ(run(reset_password(*instance_.services, ApiInstance::caller(account_), eve.id)).error().kind,
            ErrorKind::kNotFound);
  EXPECT_EQ(instance_.memory.head(), head);
  EXPECT_EQ(call(anns_, "DELETE", path_of(bob_.id)).status, 204);
  EXPECT_EQ(call(anns_, "POST", password_of(bob_.id)).status, 404);
}

}  // namespace
}  // namespace mintmark::password_reset_test
