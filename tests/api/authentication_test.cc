#include "api/authentication.h"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "domain/limits.h"
#include "domain/user.h"
#include "tests/support/api_instance.h"

namespace mintmark::authentication_test {
namespace {

using http::RequestBuilder;
using namespace std::chrono_literals;
using namespace ::mintmark::testing;

const std::string tokens = "/public/v1/auth/tokens";
const std::string context = "/public/v1/auth/context";

class AuthenticationTest : public ::testing::Test {
 protected:
  std::string cookie_of(Role role) {
    const auto email = role_name(role) + "@example.com";
    const auto user = instance_.add_user(account_, email, role);
    return instance_.sign_in(email, user.password);
  }
  RequestBuilder with_cookie(std::string_view method, const std::string& target, const std::string& cookie) {
    return RequestBuilder(method, target).header("Cookie", "mintmark_session=" + cookie);
  }
  RequestBuilder with_csrf(std::string_view method, const std::string& target, const std::string& cookie) {
    return with_cookie(method, target, cookie)
        .header("X-CSRF-Token", csrf_token(*instance_.services, cookie))
        .header("Content-Type", "application/json");
  }
  int status(const RequestBuilder& request) { return instance_.call(request).status; }
  int status_of_key(const std::string& authorization) {
    return status(RequestBuilder("GET", tokens).header("Authorization", authorization));
  }

  ApiInstance instance_;
  const AccountId account_ = instance_.open_account("Acme");
};

TEST_F(AuthenticationTest, NobodyIsUnauthenticated) {
  const auto response = instance_.call(RequestBuilder("GET", tokens));
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(header_of(response, "WWW-Authenticate"), "ApiKey realm=\"mintmark\"");
  EXPECT_EQ(json_of(response).at("error_code").as_string(), "AUTH_001");
}

TEST_F(AuthenticationTest, AKeyActsForItsTokenInItsAccount) {
  const auto key = instance_.create_token(account_).value.key->text();
  const auto response =
      instance_.call(RequestBuilder("GET", context).header("Authorization", "ApiKey " + key));
  ASSERT_EQ(response.status, 200);
  EXPECT_EQ(json_of(response).at("token").at("id").as_string(), key.substr(0, 14));
  EXPECT_EQ(json_of(response).at("account").at("id").as_string(), account_.text());
  EXPECT_TRUE(json_of(response).at("user").is_null());
  EXPECT_EQ(header_of(response, "Cache-Control"), "no-store");
}

TEST_F(AuthenticationTest, AKeyThatIsMalformedUnknownOrDeletedIsUnauthenticated) {
  const auto key = instance_.create_token(account_).value.key.value();
  const auto text = "ApiKey " + key.text();
  EXPECT_EQ(status_of_key(text), 200);
  auto edited = text;
  edited.back() = edited.back() == '0' ? '1' : '0';
  for (const auto& authorization :
       {edited, std::string("ApiKey"), std::string(), "Bearer " + key.text(), text + "0",
        std::string("ApiKey SU-000-000-000:") + std::string(40, '0')}) {
    EXPECT_EQ(status_of_key(authorization), 401) << authorization;
  }
  EXPECT_EQ(status(RequestBuilder("GET", tokens).header("Authorization", text).header("Authorization", text)),
            401);
  const auto caller = ApiInstance::caller(account_);
  ASSERT_TRUE(run(delete_token(*instance_.services, caller, key.id)));
  EXPECT_EQ(status_of_key(text), 401);
}

TEST_F(AuthenticationTest, AKeyOfATokenThatIsPendingOrExpiredIsForbidden) {
  const auto caller = ApiInstance::caller(account_);
  NewToken wanted;
  wanted.name = "expiring";
  wanted.expires_at = instance_.clock.now() + 1h;
  const auto created = run(create_token(*instance_.services, caller, wanted)).value();
  instance_.clock.advance(1h);
  EXPECT_EQ(status_of_key("ApiKey " + created.value.key->text()), 403);

  const auto secret = instance_.random.secret();
  auto pending = token_created(token_id(1), account_, ZAPIER);
  *pending.mutable_token_created()->mutable_secret_digest() = instance_.peppers.digest(secret);
  History(instance_.memory).add(token_id(1), pending);
  instance_.project();
  EXPECT_EQ(status_of_key("ApiKey " + ApiKey{token_id(1), secret}.text()), 403);
}

TEST_F(AuthenticationTest, ACookieActsForItsUser) {
  const auto cookie = cookie_of(OWNER);
  const auto response = instance_.call(with_cookie("GET", context, cookie));
  ASSERT_EQ(response.status, 200);
  EXPECT_EQ(json_of(response).at("user").at("email").as_string(), "owner@example.com");
  EXPECT_EQ(json_of(response).at("csrf_token").as_string(), csrf_token(*instance_.services, cookie));
}

TEST_F(AuthenticationTest, WhereProgramsReachTheServerIsToldOnceItsOperatorHasSaidSo) {
  const auto cookie = cookie_of(OWNER);
  EXPECT_TRUE(json_of(instance_.call(with_cookie("GET", context, cookie))).at("api_url").is_null());
  instance_.services->told_url = "https://tokens.example.com";
  EXPECT_EQ(json_of(instance_.call(with_cookie("GET", context, cookie))).at("api_url").as_string(),
            "https://tokens.example.com/public/v1");
}

TEST_F(AuthenticationTest, TheCookieIsFoundAmongOthers) {
  const auto cookie = "mintmark_session=" + cookie_of(OWNER);
  for (const auto& field : {cookie, "a=b; " + cookie, cookie + "; a=b", "x; ;mintmark=1;  " + cookie + ";",
                            "mintmark_session_x=1; " + cookie}) {
    EXPECT_EQ(status(RequestBuilder("GET", context).header("Cookie", field)), 200) << field;
  }
}

TEST_F(AuthenticationTest, ACookieThatIsMalformedOrUnknownIsUnauthenticated) {
  const auto cookie = cookie_of(OWNER);
  for (const auto& field : {std::string(), std::string("mintmark_session"), std::string("mintmark_session="),
                            "mintmark_session=" + cookie.substr(1), "mintmark_session=" + cookie + "0",
                            "x" + cookie, "mintmark_session=\"" + cookie + "\"", "MINTMARK_SESSION=" + cookie,
                            "mintmark_session=" + std::string(40, '0')}) {
    EXPECT_EQ(status(RequestBuilder("GET", context).header("Cookie", field)), 401) << field;
  }
}

TEST_F(AuthenticationTest, ASessionEndsAfterItsTimeAndNotBefore) {
  const auto cookie = cookie_of(OWNER);
  instance_.clock.advance(limits::session_time_max - 1s);
  EXPECT_EQ(status(with_cookie("GET", context, cookie)), 200);
  instance_.clock.advance(1s);
  EXPECT_EQ(status(with_cookie("GET", context, cookie)), 401);
}

TEST_F(AuthenticationTest, ASessionEndsWithItsLogout) {
  const auto cookie = cookie_of(OWNER);
  const auto response = instance_.call(with_csrf("POST", "/public/v1/auth/logout", cookie));
  EXPECT_EQ(response.status, 204);
  EXPECT_TRUE(header_of(response, "Set-Cookie").starts_with("mintmark_session=; "));
  EXPECT_EQ(status(with_cookie("GET", context, cookie)), 401);
}

TEST_F(AuthenticationTest, AnAuthorizationFieldCountsBeforeTheCookie) {
  const auto cookie = cookie_of(OWNER);
  EXPECT_EQ(status(with_cookie("GET", context, cookie).header("Authorization", "ApiKey nonsense")), 401);
}

TEST_F(AuthenticationTest, ACookieChangesNothingWithoutItsCsrfToken) {
  const auto owner = instance_.add_user(account_, "owner@example.com");
  const auto earlier = instance_.sign_in("owner@example.com", owner.password);
  const auto caller = ApiInstance::caller(account_);
  const auto password = run(reset_password(*instance_.services, caller, owner.id)).value().password;
  EXPECT_EQ(status(with_cookie("GET", context, earlier)), 401) << "a new password ends the sessions";
  const auto cookie = instance_.sign_in("owner@example.com", password);
  const auto other = instance_.sign_in("owner@example.com", password);
  const auto head = instance_.memory.head();
  for (const auto method : {"POST", "PUT", "DELETE"}) {
    const auto target = std::string_view(method) == "POST" ? tokens : tokens + "/SU-000-000-001";
    EXPECT_EQ(status(with_cookie(method, target, cookie)), 403) << method;
    EXPECT_EQ(status(with_cookie(method, target, cookie).header("X-CSRF-Token", "")), 403) << method;
    EXPECT_EQ(status(with_cookie(method, target, cookie)
                         .header("X-CSRF-Token", csrf_token(*instance_.services, other))),
              403)
        << method;
  }
  EXPECT_EQ(instance_.memory.head(), head);
  const auto body = R"({"name":"x","extension":{"id":"EXT-000"}})";
  EXPECT_EQ(status(with_csrf("POST", tokens, cookie).body(body)), 201);
}

TEST_F(AuthenticationTest, ReadingTakesNoCsrfToken) {
  const auto cookie = cookie_of(OWNER);
  EXPECT_EQ(status(with_cookie("GET", tokens, cookie)), 200);
  EXPECT_EQ(status(with_cookie("HEAD", tokens, cookie)), 200);
}

TEST_F(AuthenticationTest, EachRoleMayDoWhatItsRouteAllows) {
  const auto own_account = "/public/v1/accounts/" + account_.text();
  struct Case {
    Role role;
    int read;
    int write;
    int own;
  };
  for (const auto& [role, read, write, own] :
       {Case{OWNER, 200, 201, 200}, Case{MEMBER, 200, 201, 403}, Case{AUDITOR, 200, 403, 403}}) {
    const auto cookie = cookie_of(role);
    EXPECT_EQ(status(with_cookie("GET", tokens, cookie)), read) << role;
    const auto create =
        with_csrf("POST", tokens, cookie).body(R"({"name":"x","extension":{"id":"EXT-000"}})");
    EXPECT_EQ(status(create), write) << role;
    EXPECT_EQ(status(with_csrf("PUT", own_account, cookie).body(R"({"brand":"ACME"})")), own) << role;
  }
  const auto key = instance_.create_token(account_).value.key->text();
  EXPECT_EQ(status(RequestBuilder("PUT", own_account)
                       .header("Authorization", "ApiKey " + key)
                       .header("Content-Type", "application/json")
                       .body(R"({"brand":"B"})")),
            200)
      << "an operator's token acts as an owner";
}

// The system's matrix has every other kind of caller; the clock can be set here alone.
TEST_F(AuthenticationTest, ASessionThatHasExpiredIsNobodysOnEveryRoute) {
  const auto cookie = cookie_of(OWNER);
  ASSERT_EQ(status(with_cookie("GET", context, cookie)), 200);
  instance_.clock.advance(limits::session_time_max);
  const auto head = instance_.memory.head();
  for (const auto& route : routes()) {
    if (route.access == Access::kPublic) continue;
    EXPECT_EQ(status(with_csrf(route.method, std::string(route.path), cookie)), 401)
        << route.method << route.path;
  }
  EXPECT_EQ(instance_.memory.head(), head);
}

TEST(CheckAccess, EachLevelTakesInTheOnesBehindIt) {
  const auto allowed = [](Role role, Access access) {
    Caller caller = ApiInstance::caller(vendor(1));
    caller.role = role;
    return check_access(caller, access).has_value();
  };
  for (const auto role : {OWNER, MEMBER, AUDITOR, ROLE_UNSPECIFIED}) {
    EXPECT_TRUE(allowed(role, Access::kPublic));
    EXPECT_TRUE(allowed(role, Access::kRead));
    EXPECT_EQ(allowed(role, Access::kWrite), role == OWNER || role == MEMBER);
    EXPECT_EQ(allowed(role, Access::kOwner), role == OWNER);
  }
}

TEST_F(AuthenticationTest, AnExpiredSessionIsRefusedByEveryRoute) {
  const auto cookie = cookie_of(OWNER);
  EXPECT_EQ(status(with_csrf("GET", context, cookie)), 200);
  instance_.clock.advance(limits::session_time_max);
  const auto head = instance_.memory.head();
  for (const auto& route : routes()) {
    if (route.access == Access::kPublic) continue;
    EXPECT_EQ(status(with_csrf(route.method, std::string(route.path), cookie)), 401)
        << route.method << ' ' << route.path;
  }
  EXPECT_EQ(instance_.memory.head(), head);
}

}  // namespace
}  // namespace mintmark::authentication_test
