#include <string>
#include <utility>
#include <vector>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/authentication.h"
#include "tests/support/api_instance.h"

// Users and sessions over REST.
namespace mintmark::users_test {
namespace {

namespace json = boost::json;
using http::RequestBuilder;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace ::mintmark::testing;

class UsersTest : public ::testing::Test {
 protected:
  UsersTest() {
    owner_ = instance_.add_user(account_, "ann@example.com");
    cookie_ = instance_.sign_in("ann@example.com", owner_.password);
  }

  http::Response call_as(const std::string& cookie, std::string_view method, const std::string& target,
                         const std::string& body = "") {
    return instance_.call(RequestBuilder(method, "/public/v1" + target)
                              .header("Cookie", "mintmark_session=" + cookie)
                              .header("X-CSRF-Token", csrf_token(*instance_.services, cookie))
                              .header("Content-Type", "application/json")
                              .body(body));
  }
  http::Response call(std::string_view method, const std::string& target, const std::string& body = "") {
    return call_as(cookie_, method, target, body);
  }

  int log_in(const std::string& email, const std::string& password) {
    const json::object body{{"email", email}, {"password", password}};
    return call("POST", "/auth/login", json::serialize(body)).status;
  }

  json::object invite(const std::string& email, const std::string& group = "UG-000-002") {
    const json::object body{{"email", email}, {"groups", {{{"id", group}}}}};
    const auto response = call("POST", users_, json::serialize(body));
    EXPECT_EQ(response.status, 201) << response.body;
    return json_of(response);
  }

  static std::string text(const json::object& object, std::string_view name) {
    return std::string(object.at(name).as_string());
  }

  ApiInstance instance_;
  const AccountId account_ = instance_.open_account("Acme");
  const std::string users_ = "/accounts/" + account_.text() + "/users";
  AddedUser owner_{UserId::from_value(0), ""};
  std::string cookie_;
};

TEST_F(UsersTest, AnInvitedUserSignsInWithThePasswordThatIsShownOnce) {
  const auto user = invite("bob@example.com", "UG-000-003");
  EXPECT_EQ(text(user, "role"), "auditor");
  EXPECT_EQ(json::serialize(user.at("groups")), R"([{"id":"UG-000-003","name":"auditor"}])");
  EXPECT_EQ(user.at("events").at("invited").at("by").at("id").as_string(), owner_.id.text());
  EXPECT_EQ(log_in("bob@example.com", text(user, "password")), 200);
  const auto read = json_of(call("GET", users_ + "/" + text(user, "id")));
  EXPECT_FALSE(read.contains("password"));
  EXPECT_TRUE(read.at("events").as_object().contains("signed"));
}

TEST_F(UsersTest, AnInvitationUnderTheSameKeyIsOneAndShowsNoPasswordAgain) {
  const auto send = [&] {
    return instance_.call(RequestBuilder("POST", "/public/v1" + users_)
                              .header("Cookie", "mintmark_session=" + cookie_)
                              .header("X-CSRF-Token", csrf_token(*instance_.services, cookie_))
                              .header("Idempotency-Key", "once")
                              .header("Content-Type", "application/json")
                              .body(R"({"email":"bob@example.com","role":"member"})"));
  };
  const auto first = json_of(send());
  const auto head = instance_.memory.head();
  const auto second = json_of(send());
  EXPECT_EQ(first.at("id"), second.at("id"));
  EXPECT_EQ(text(first, "password").size(), 20);
  EXPECT_TRUE(second.at("password").is_null());
  EXPECT_EQ(instance_.memory.head(), head);
}

TEST_F(UsersTest, AnInvitationRefusesWhatItCannotTake) {
  invite("bob@example.com");
  EXPECT_EQ(call("POST", users_, R"({"email":"Bob@example.com","role":"member"})").status, 409);
  const auto head = instance_.memory.head();
  for (const auto& [body, expected] : std::vector<std::pair<std::string, std::string>>{
           {R"({"groups":[{"id":"UG-000-001"}]})", "email: This field is required."},
           {R"({"email":"x","role":"member"})", "email: Enter a valid e-mail address."},
           {R"({"email":"c@example.com"})", "groups: This field is required."},
           {R"({"email":"c@example.com","groups":null})", "groups: This field may not be null."},
           {R"({"email":"c@example.com","groups":{}})", "groups: Must be an array."},
           {R"({"email":"c@example.com","groups":[]})", "groups: Must hold one group"},
           {R"({"email":"c@example.com","groups":["UG-000-001"]})", "groups: Must hold one group"},
           {R"({"email":"c@example.com","groups":[{"id":"UG-000-009"}]})", "groups: There is no such group."},
           {R"({"email":"c@example.com","groups":[{"id":"UG-000-001"}],"role":"member"})", "agree"},
           {R"({"email":"c@example.com","role":"admin"})", "role: Must be owner, member or auditor."},
           {R"({"email":"c@example.com","role":"member","name":" "})", "name: This field may not be blank."},
       }) {
    const auto response = call("POST", users_, body);
    EXPECT_EQ(response.status, 400) << body;
    EXPECT_THAT(response.body, HasSubstr(expected)) << body;
  }
  EXPECT_EQ(instance_.memory.head(), head);
}

TEST_F(UsersTest, AUsersNameAndRoleChange) {
  const auto user = invite("bob@example.com");
  const auto target = users_ + "/" + text(user, "id");
  const auto changed = json_of(call("PUT", target, R"({"name":"Bob B.","groups":[{"id":"UG-000-001"}]})"));
  EXPECT_EQ(text(changed, "name"), "Bob B.");
  EXPECT_EQ(text(changed, "role"), "owner");
  EXPECT_EQ(text(changed, "email"), "bob@example.com");
  const auto head = instance_.memory.head();
  EXPECT_EQ(call("PUT", target, R"({"name":"Bob B.","role":"owner"})").status, 200);
  EXPECT_EQ(instance_.memory.head(), head);
  EXPECT_EQ(call("PUT", target, R"({"name":""})").status, 400);
}

TEST_F(UsersTest, AUserWhoIsReadAndSentBackWithAnotherGroupChangesIt) {
  const auto user = invite("bob@example.com");
  const auto target = users_ + "/" + text(user, "id");
  auto sent = json_of(call("GET", target));
  sent["groups"] = json::array{{{"id", "UG-000-003"}}};
  const auto changed = call("PUT", target, json::serialize(sent));
  EXPECT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(text(json_of(changed), "role"), "auditor");
  const auto head = instance_.memory.head();
  EXPECT_EQ(call("PUT", target, json::serialize(sent)).status, 400)
      << "its role is not the present one any more";
  EXPECT_EQ(call("PUT", target, R"({"role":"owner","groups":[{"id":"UG-000-002"}]})").status, 400);
  EXPECT_EQ(instance_.memory.head(), head);
}

TEST_F(UsersTest, ADeactivatedUserIsOutAtOnceAndTheirTokensSaySo) {
  const auto user = invite("bob@example.com");
  const auto password = text(user, "password");
  const auto session = instance_.sign_in("bob@example.com", password);
  const auto token =
      json_of(call_as(session, "POST", "/auth/tokens", R"({"name":"x","extension":{"id":"EXT-000"}})"));
  const auto target = users_ + "/" + text(user, "id");
  const auto deactivated = json_of(call("POST", target + "/deactivate"));
  EXPECT_EQ(deactivated.at("active"), false);
  EXPECT_EQ(text(deactivated, "status"), "inactive");
  EXPECT_EQ(call_as(session, "GET", "/auth/context").status, 401);
  EXPECT_EQ(log_in("bob@example.com", password), 401);
  const auto shown = json_of(call("GET", "/auth/tokens/" + text(token, "id")));
  EXPECT_EQ(text(shown, "status"), "active");
  EXPECT_EQ(shown.at("events").at("created").at("by").at("status").as_string(), "inactive");

  EXPECT_EQ(text(json_of(call("POST", target + "/activate")), "status"), "active");
  EXPECT_EQ(call_as(session, "GET", "/auth/context").status, 401) << "an ended session does not come back";
  EXPECT_EQ(log_in("bob@example.com", password), 200);
}

TEST_F(UsersTest, WhatTakesAccessAwayGoesIntoTheReserveOfAFullDisk) {
  const auto target = users_ + "/" + text(invite("bob@example.com"), "id");
  const auto token = "/auth/tokens/" + instance_.create_token(account_).row.token_id();
  bool frees_space = false;
  instance_.log.before_append_of([&](const AppendRequest& request) { frees_space = request.frees_space; });
  const std::vector<std::pair<std::string, bool>> actions = {{token + "/deactivate", true},
                                                             {token + "/activate", false},
                                                             {target + "/deactivate", true},
                                                             {target + "/activate", false}};
  for (const auto& [action, takes_away] : actions) {
    EXPECT_EQ(call("POST", action).status, 200) << action;
    EXPECT_EQ(frees_space, takes_away) << action;
  }
}

TEST_F(UsersTest, AnErasedUserIsForgottenAndTheirAddressIsFree) {
  const auto user = invite("bob@example.com");
  const auto id = text(user, "id");
  const auto session = instance_.sign_in("bob@example.com", text(user, "password"));
  const auto token =
      json_of(call_as(session, "POST", "/auth/tokens", R"({"name":"x","extension":{"id":"EXT-000"}})"));
  EXPECT_EQ(call("DELETE", users_ + "/" + id).status, 204);
  EXPECT_EQ(call("GET", users_ + "/" + id).status, 404);
  EXPECT_EQ(call("DELETE", users_ + "/" + id).status, 404);
  EXPECT_EQ(call("PUT", users_ + "/" + id, R"({"name":"x"})").status, 404);
  EXPECT_THAT(call("GET", users_).body, Not(HasSubstr("bob")));
  EXPECT_EQ(call_as(session, "GET", "/auth/context").status, 401);
  EXPECT_EQ(log_in("bob@example.com", text(user, "password")), 401);
  EXPECT_FALSE(instance_.vault.get("user-" + id).value().has_value());
  const auto by =
      json_of(call("GET", "/auth/tokens/" + text(token, "id"))).at("events").at("created").at("by");
  EXPECT_EQ(json::serialize(by), R"({"id":")" + id + R"(","name":"","email":null,"status":"deleted"})");
  EXPECT_NE(text(invite("bob@example.com"), "id"), id);
}

TEST_F(UsersTest, TheLastActiveOwnerStays) {
  const auto bob = invite("bob@example.com", "UG-000-001");
  EXPECT_EQ(call("POST", users_ + "/" + text(bob, "id") + "/deactivate").status, 200);
  const auto own = users_ + "/" + owner_.id.text();
  const auto head = instance_.memory.head();
  EXPECT_EQ(call("POST", own + "/deactivate").status, 409);
  EXPECT_EQ(call("DELETE", own).status, 409);
  EXPECT_EQ(call("PUT", own, R"({"role":"member"})").status, 409);
  EXPECT_EQ(instance_.memory.head(), head);
  EXPECT_EQ(call("POST", users_ + "/" + text(bob, "id") + "/activate").status, 200);
  EXPECT_EQ(call("PUT", own, R"({"role":"member"})").status, 200);
  EXPECT_EQ(call("POST", own + "/deactivate").status, 403) << "a role counts from the next request on";
}

TEST_F(UsersTest, AnotherAccountsUsersAreLikeAbsentOnes) {
  const auto other = instance_.open_account("Other");
  const auto foreign = instance_.add_user(other, "eve@example.com", MEMBER).id.text();
  const auto head = instance_.memory.head();
  for (const auto& [method, suffix] :
       std::vector<std::pair<std::string, std::string>>{{"GET", ""},
                                                        {"PUT", ""},
                                                        {"DELETE", ""},
                                                        {"POST", "/activate"},
                                                        {"POST", "/deactivate"},
                                                        {"POST", "/password"}}) {
    const auto body = method == "PUT" ? R"({"name":"stolen"})" : "";
    const auto one = call(method, users_ + "/" + foreign + suffix, body);
    const auto none = call(method, users_ + "/UR-999-999-999" + suffix, body);
    EXPECT_EQ(one.status, 404) << method << suffix;
    EXPECT_EQ(one.body, none.body) << method << suffix;
    EXPECT_EQ(call(method, "/accounts/" + other.text() + "/users/" + foreign + suffix, body).status, 404);
  }
  EXPECT_EQ(
      call("POST", "/accounts/" + other.text() + "/users", R"({"email":"c@d.e","role":"owner"})").status,
      404);
  EXPECT_EQ(instance_.memory.head(), head);
}

TEST_F(UsersTest, ANewPasswordEndsTheOtherSessions) {
  const auto other = instance_.sign_in("ann@example.com", owner_.password);
  const auto change = [&](const std::string& current, const std::string& wanted) {
    const json::object body{{"current_password", current}, {"password", wanted}};
    return call("POST", "/auth/password", json::serialize(body));
  };
  const auto head = instance_.memory.head();
  EXPECT_THAT(change("wrong password", "a new password").body, HasSubstr("current_password: "));
  EXPECT_THAT(change(owner_.password, "short").body, HasSubstr("password: Use at least 12 characters."));
  EXPECT_EQ(call("POST", "/auth/password", "{}").status, 400);
  EXPECT_EQ(instance_.memory.head(), head);
  EXPECT_EQ(change(owner_.password, "a new password").status, 204);
  EXPECT_EQ(call_as(other, "GET", "/auth/context").status, 401);
  EXPECT_EQ(call("GET", "/auth/context").status, 200);
  EXPECT_EQ(log_in("ann@example.com", owner_.password), 401);
  EXPECT_EQ(log_in("ann@example.com", "a new password"), 200);
}

// Somebody who knows the old password, and is checked a moment before it changes.
TEST_F(UsersTest, ASignInWithAPasswordThatIsChangedMeanwhileOpensNothing) {
  bool raced = false;
  instance_.log.before_append_of([&](const AppendRequest& request) {
    if (raced || !request.streams.front().events.front().event.has_session_opened()) return;
    raced = true;
    ASSERT_TRUE(run(reset_password(*instance_.services, ApiInstance::caller(account_), owner_.id)));
  });
  EXPECT_EQ(log_in("ann@example.com", owner_.password), 401);
  EXPECT_TRUE(raced);
  EXPECT_TRUE(instance_.directory->sessions(owner_.id).empty());
}

TEST_F(UsersTest, ANewPasswordUnderTheSameKeyIsOneAndLeavesNoHashOfItInTheLog) {
  const auto change = [&](const std::string& wanted) {
    const json::object body{{"current_password", owner_.password}, {"password", wanted}};
    return instance_.call(RequestBuilder("POST", "/public/v1/auth/password")
                              .header("Cookie", "mintmark_session=" + cookie_)
                              .header("X-CSRF-Token", csrf_token(*instance_.services, cookie_))
                              .header("Idempotency-Key", "once")
                              .header("Content-Type", "application/json")
                              .body(json::serialize(body)));
  };
  const auto first = change("a new password");
  EXPECT_EQ(first.status, 204);
  const auto head = instance_.memory.head();
  const auto again = change("a new password");
  EXPECT_EQ(again.status, 204);
  EXPECT_EQ(header_of(again, "Mintmark-Position"), header_of(first, "Mintmark-Position"));
  EXPECT_EQ(change("another password").status, 409);
  EXPECT_EQ(instance_.memory.head(), head);
  EXPECT_EQ(log_in("ann@example.com", "a new password"), 200);
  // A hash that is the same whatever the password.
  EXPECT_EQ(instance_.memory.read(head - 1, 1).front().recorded.request_hash(),
            instance_.peppers.name_hash("request", "/public/v1/auth/password"));
}

TEST_F(UsersTest, APersonSeesAndEndsTheirOwnSessions) {
  const auto bob = invite("bob@example.com");
  const auto bobs = instance_.sign_in("bob@example.com", text(bob, "password"));
  const auto other = instance_.sign_in("ann@example.com", owner_.password);
  const auto listed = json::parse(call("GET", "/auth/sessions").body).as_array();
  ASSERT_EQ(listed.size(), 2);
  EXPECT_EQ(listed[0].at("current"), true);
  EXPECT_EQ(listed[1].at("current"), false);
  EXPECT_THAT(json::serialize(listed), Not(HasSubstr(cookie_)));
  const auto id = std::string(listed[1].at("id").as_string());
  EXPECT_EQ(call_as(bobs, "DELETE", "/auth/sessions/" + id).status, 404);
  EXPECT_EQ(call("DELETE", "/auth/sessions/nonsense").status, 404);
  EXPECT_EQ(call("DELETE", "/auth/sessions/" + id).status, 204);
  EXPECT_EQ(call_as(other, "GET", "/auth/context").status, 401);
  EXPECT_EQ(call("DELETE", "/auth/sessions/" + id).status, 404);
  instance_.clock.advance(limits::session_time_max);
  EXPECT_EQ(call("GET", "/auth/sessions").status, 401);
}

TEST_F(UsersTest, AnAccountsDetailsAreStoredAndAnswered) {
  const auto target = "/accounts/" + account_.text();
  const auto changed = json_of(call("PUT", target,
                                    R"({"overview":"We make things","headquarters":"Irvine","public":true,)"
                                    R"("countries":["GB","RU"],"languages":["en"],)"
                                    R"("websites":["https://example.com"],"industries":[{"id":"IN-001"}]})"));
  EXPECT_EQ(text(changed, "overview"), "We make things");
  EXPECT_EQ(text(changed, "headquarters"), "Irvine");
  EXPECT_EQ(json::serialize(changed.at("countries")), R"(["GB","RU"])");
  EXPECT_EQ(json::serialize(changed.at("industries")), R"([{"id":"IN-001","name":"IN-001"}])");
  EXPECT_EQ(changed.at("public"), true);
  EXPECT_EQ(text(changed, "role"), "vendor");
  const auto head = instance_.memory.head();
  EXPECT_EQ(call("PUT", target, json::serialize(changed)).status, 200);
  EXPECT_EQ(instance_.memory.head(), head) << "what is sent back as it came changes nothing";
  for (const auto* body : {R"({"public":"yes"})", R"({"countries":"GB"})", R"({"countries":[1]})",
                           R"({"industries":["IN-001"]})", R"({"websites":[""]})", R"({"overview":1})"}) {
    EXPECT_EQ(call("PUT", target, body).status, 400) << body;
  }
  EXPECT_EQ(instance_.memory.head(), head);
}

TEST_F(UsersTest, AnAccountIsClosedOnceNothingOfItIsLeft) {
  const auto target = "/accounts/" + account_.text();
  const auto token = instance_.create_token(account_);
  const auto bob = invite("bob@example.com");
  const auto refused = call("DELETE", target);
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.body, HasSubstr("1 tokens"));
  EXPECT_THAT(refused.body, HasSubstr("1 other users"));
  EXPECT_EQ(call("DELETE", "/accounts/VA-999-999").status, 404);
  EXPECT_EQ(call("DELETE", "/auth/tokens/" + token.row.token_id()).status, 204);
  EXPECT_EQ(call("DELETE", users_ + "/" + text(bob, "id")).status, 204);
  EXPECT_EQ(call("DELETE", target).status, 204);
  EXPECT_EQ(call("GET", "/auth/context").status, 401);
  EXPECT_EQ(log_in("ann@example.com", owner_.password), 401);
  EXPECT_FALSE(instance_.vault.get(stream_of(owner_.id)).value().has_value());
  const auto again = instance_.add_user(instance_.open_account("Acme 2"), "ann@example.com");
  EXPECT_EQ(log_in("ann@example.com", again.password), 200);
}

TEST_F(UsersTest, AProvidersOwnerOpensAVendorsAccountWithItsFirstOwner) {
  const std::string body = R"({"name":"Vendor","owner":{"email":"vic@example.com"}})";
  EXPECT_EQ(call("POST", "/accounts", body).status, 403) << "a vendor opens none";
  const auto provider = instance_.open_account("Provider", AccountType::kProvider);
  const auto password = instance_.add_user(provider, "pat@example.com").password;
  const auto pats = instance_.sign_in("pat@example.com", password);
  const auto opened = json_of(call_as(pats, "POST", "/accounts", body));
  EXPECT_EQ(text(opened, "type"), "vendor");
  const auto& owner = opened.at("owner").as_object();
  EXPECT_EQ(text(owner, "role"), "owner");
  EXPECT_EQ(log_in("vic@example.com", text(owner, "password")), 200);
  EXPECT_EQ(call_as(pats, "GET", "/accounts/" + text(opened, "id")).status, 404) << "it is the vendor's own";

  const auto head = instance_.memory.head();
  EXPECT_EQ(call_as(pats, "POST", "/accounts", body).status, 409) << "the address is taken";
  for (const auto* bad :
       {R"({"owner":{"email":"a@b.c"}})", R"({"name":"x","owner":{}})",
        R"({"name":"x","owner":{"email":"nobody"}})", R"({"name":"","owner":{"email":"a@b.c"}})"}) {
    EXPECT_EQ(call_as(pats, "POST", "/accounts", bad).status, 400) << bad;
  }
  EXPECT_EQ(instance_.memory.head(), head);

  const auto ownerless = call_as(pats, "POST", "/accounts", R"({"name":"x"})");
  EXPECT_EQ(ownerless.status, 201) << "the operator adds its first owner";
  EXPECT_FALSE(json_of(ownerless).contains("owner"));
}

}  // namespace
}  // namespace mintmark::users_test
