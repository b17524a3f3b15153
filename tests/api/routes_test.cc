#include "api/routes.h"

#include <set>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "api/handlers.h"

namespace mintmark::routes_test {
namespace {

// Access of each, as the documentation promises it.
struct Expected {
  std::string_view method;
  std::string_view path;
  std::string_view pattern;
  Access access;
  Handler handler;
};

constexpr Expected expected_routes[] = {
    {"GET", "/healthz", "/healthz", Access::kPublic, health},
    {"GET", "/openapi.json", "/openapi.json", Access::kPublic, get_openapi},
    {"GET", "/docs", "/docs", Access::kPublic, get_docs},
    {"GET", "/docs.css", "/docs.css", Access::kPublic, get_docs_style},
    {"POST", "/public/v1/auth/login", "/public/v1/auth/login", Access::kPublic, login},
    {"POST", "/public/v1/auth/logout", "/public/v1/auth/logout", Access::kRead, logout},
    {"GET", "/public/v1/auth/context", "/public/v1/auth/context", Access::kRead, get_context},
    {"POST", "/public/v1/auth/password", "/public/v1/auth/password", Access::kRead, change_password},
    {"GET", "/public/v1/auth/sessions", "/public/v1/auth/sessions", Access::kRead, list_sessions},
    {"DELETE", "/public/v1/auth/sessions/ab", "/public/v1/auth/sessions/{id}", Access::kRead, delete_session},
    {"GET", "/public/v1/auth/tokens", "/public/v1/auth/tokens", Access::kRead, list_tokens},
    {"POST", "/public/v1/auth/tokens", "/public/v1/auth/tokens", Access::kWrite, create_token},
    {"GET", "/public/v1/auth/tokens/SU-1", "/public/v1/auth/tokens/{id}", Access::kRead, get_token},
    {"PUT", "/public/v1/auth/tokens/SU-1", "/public/v1/auth/tokens/{id}", Access::kWrite, update_token},
    {"DELETE", "/public/v1/auth/tokens/SU-1", "/public/v1/auth/tokens/{id}", Access::kWrite, delete_token},
    {"POST", "/public/v1/auth/tokens/SU-1/reveal", "/public/v1/auth/tokens/{id}/reveal", Access::kWrite,
     reveal_token},
    {"GET", "/public/v1/accounts", "/public/v1/accounts", Access::kRead, list_accounts},
    {"POST", "/public/v1/accounts", "/public/v1/accounts", Access::kOwner, create_account},
    {"GET", "/public/v1/accounts/VA-1", "/public/v1/accounts/{id}", Access::kRead, get_account},
    {"PUT", "/public/v1/accounts/VA-1", "/public/v1/accounts/{id}", Access::kOwner, update_account},
    {"DELETE", "/public/v1/accounts/VA-1", "/public/v1/accounts/{id}", Access::kOwner, delete_account},
    {"GET", "/public/v1/accounts/VA-1/users", "/public/v1/accounts/{id}/users", Access::kRead, list_users},
    {"GET", "/public/v1/accounts/VA-1/users/UR-2", "/public/v1/accounts/{id}/users/{user}", Access::kRead,
     get_user},
    {"POST", "/public/v1/accounts/VA-1/users", "/public/v1/accounts/{id}/users", Access::kOwner, create_user},
    {"PUT", "/public/v1/accounts/VA-1/users/UR-2", "/public/v1/accounts/{id}/users/{user}", Access::kOwner,
     update_user},
    {"DELETE", "/public/v1/accounts/VA-1/users/UR-2", "/public/v1/accounts/{id}/users/{user}", Access::kOwner,
     delete_user},
    {"POST", "/public/v1/accounts/VA-1/users/UR-2/activate", "/public/v1/accounts/{id}/users/{user}/activate",
     Access::kOwner, activate_user},
    {"POST", "/public/v1/accounts/VA-1/users/UR-2/deactivate",
     "/public/v1/accounts/{id}/users/{user}/deactivate", Access::kOwner, deactivate_user},
    {"POST", "/public/v1/accounts/VA-1/users/UR-2/password", "/public/v1/accounts/{id}/users/{user}/password",
     Access::kOwner, reset_password},
    {"GET", "/public/v1/notifications/webhooks", "/public/v1/notifications/webhooks", Access::kRead,
     list_webhooks},
    {"POST", "/public/v1/notifications/webhooks", "/public/v1/notifications/webhooks", Access::kWrite,
     create_webhook},
    {"GET", "/public/v1/notifications/webhooks/WH-1", "/public/v1/notifications/webhooks/{id}", Access::kRead,
     get_webhook},
    {"PUT", "/public/v1/notifications/webhooks/WH-1", "/public/v1/notifications/webhooks/{id}",
     Access::kWrite, update_webhook},
    {"DELETE", "/public/v1/notifications/webhooks/WH-1", "/public/v1/notifications/webhooks/{id}",
     Access::kWrite, delete_webhook},
    {"POST", "/public/v1/notifications/webhooks/WH-1/trigger",
     "/public/v1/notifications/webhooks/{id}/trigger", Access::kWrite, trigger_webhook},
    {"POST", "/public/v1/notifications/webhooks/WH-1/test", "/public/v1/notifications/webhooks/{id}/test",
     Access::kWrite, test_webhook},
    {"GET", "/public/v1/notifications/webhooks/WH-1/deliveries",
     "/public/v1/notifications/webhooks/{id}/deliveries", Access::kRead, list_deliveries},
    {"GET", "/public/v1/jobs", "/public/v1/jobs", Access::kRead, list_jobs},
    {"POST", "/public/v1/jobs/retry", "/public/v1/jobs/retry", Access::kWrite, retry_jobs},
    {"GET", "/public/v1/jobs/JB-1", "/public/v1/jobs/{id}", Access::kRead, get_job},
    {"POST", "/public/v1/jobs/JB-1/retry", "/public/v1/jobs/{id}/retry", Access::kWrite, retry_job},
    {"POST", "/public/v1/jobs/JB-1/cancel", "/public/v1/jobs/{id}/cancel", Access::kWrite, cancel_job},
    {"POST", "/public/v1/auth/tokens/SU-1/activate", "/public/v1/auth/tokens/{id}/activate", Access::kWrite,
     activate_token},
    {"POST", "/public/v1/auth/tokens/SU-1/deactivate", "/public/v1/auth/tokens/{id}/deactivate",
     Access::kWrite, deactivate_token},
    {"POST", "/public/v1/auth/tokens/SU-1/rotate", "/public/v1/auth/tokens/{id}/rotate", Access::kWrite,
     rotate_token},
    {"POST", "/public/v1/auth/tokens/SU-1/renew", "/public/v1/auth/tokens/{id}/renew", Access::kWrite,
     renew_token},
    {"GET", "/public/v1/auth/tokens/SU-1/permissions", "/public/v1/auth/tokens/{id}/permissions",
     Access::kRead, list_permissions},
    {"POST", "/public/v1/auth/tokens/SU-1/permissions", "/public/v1/auth/tokens/{id}/permissions",
     Access::kWrite, grant_permissions},
    {"DELETE", "/public/v1/auth/tokens/SU-1/permissions", "/public/v1/auth/tokens/{id}/permissions",
     Access::kWrite, revoke_permissions},
    {"GET", "/public/v1/modules", "/public/v1/modules", Access::kRead, list_modules},
    {"GET", "/public/v1/modules/MD-0001", "/public/v1/modules/{id}", Access::kRead, get_module},
    {"GET", "/public/v1/events", "/public/v1/events", Access::kRead, list_events},
    {"GET", "/public/v1/events/export", "/public/v1/events/export", Access::kRead, export_events},
    {"GET", "/public/v1/events/stream", "/public/v1/events/stream", Access::kRead, stream_events},
    {"GET", "/public/v1/extensions", "/public/v1/extensions", Access::kRead, list_extensions},
    {"POST", "/public/v1/extensions", "/public/v1/extensions", Access::kWrite, create_extension},
    {"GET", "/public/v1/extensions/EXT-000", "/public/v1/extensions/{id}", Access::kRead, get_extension},
    {"PUT", "/public/v1/extensions/EXT-000", "/public/v1/extensions/{id}", Access::kWrite, update_extension},
    {"DELETE", "/public/v1/extensions/EXT-000", "/public/v1/extensions/{id}", Access::kWrite,
     delete_extension},
};

TEST(Routes, EachMethodAndPathLeadsToItsHandlerUnderItsAccess) {
  for (const auto& expected : expected_routes) {
    const auto match = match_route(expected.method, expected.path);
    ASSERT_NE(match.route, nullptr) << expected.method << ' ' << expected.path;
    EXPECT_EQ(match.route->method, expected.method);
    EXPECT_EQ(match.route->path, expected.pattern);
    EXPECT_EQ(match.route->access, expected.access) << expected.path;
    EXPECT_EQ(match.route->handler, expected.handler) << expected.path;
  }
}

TEST(Routes, NoRouteIsThereThatNoTestNames) {
  std::set<std::pair<std::string_view, std::string_view>> named;
  for (const auto& expected : expected_routes) named.emplace(expected.method, expected.pattern);
  std::set<std::pair<std::string_view, std::string_view>> present;
  for (const auto& route : routes()) {
    EXPECT_TRUE(present.emplace(route.method, route.path).second) << "twice: " << route.path;
  }
  EXPECT_EQ(present, named);
}

TEST(Routes, HeadGoesWhereGetGoes) {
  const auto match = match_route("HEAD", "/public/v1/accounts/VA-1");
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.route->handler, Handler{get_account});
  EXPECT_EQ(match_route("HEAD", "/public/v1/auth/login").route, nullptr);
}

TEST(Routes, ParametersAreThePathsOwnSegmentsInOrder) {
  const auto match = match_route("GET", "/public/v1/accounts/VA-000-001/users/UR-000-000-002");
  EXPECT_EQ(match.parameters[0], "VA-000-001");
  EXPECT_EQ(match.parameters[1], "UR-000-000-002");
  EXPECT_EQ(match_route("GET", "/public/v1/extensions/a%2Fb").parameters[0], "a%2Fb");
}

TEST(Routes, AllowListsEveryMethodOfThePath) {
  EXPECT_EQ(match_route("PATCH", "/public/v1/auth/tokens").allow, "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(match_route("PATCH", "/public/v1/auth/tokens/x").allow, "GET, HEAD, PUT, DELETE, OPTIONS");
  EXPECT_EQ(match_route("GET", "/public/v1/auth/login").allow, "POST, OPTIONS");
  EXPECT_EQ(match_route("GET", "/healthz").allow, "GET, HEAD, OPTIONS");
}

TEST(Routes, AMethodThatThePathDoesNotTakeHasNoRoute) {
  for (const auto method : {"PATCH", "DELETE", "OPTIONS", "get", "", "GETT", "TRACE", "CONNECT"}) {
    const auto match = match_route(method, "/public/v1/auth/tokens");
    EXPECT_EQ(match.route, nullptr) << method;
    EXPECT_FALSE(match.allow.empty()) << method;
  }
}

TEST(Routes, AnUnknownPathHasNeitherRouteNorAllow) {
  for (const auto path :
       {"", "/", "*", "healthz", "/healthz/", "/health", "//healthz", "/public/v1", "/public/v1/auth/tokens/",
        "/public/v1/auth/tokens//reveal", "/public/v1/auth/tokens/a/b", "/public/v1/auth/tokens/a/reveal/",
        "/PUBLIC/v1/accounts", "/public/v1/accounts/a/users/b/c", "/public/v1/accounts//users",
        "/public/v2/accounts", "/public/v1/auth%2Ftokens", "example.com:80", "/authorize"}) {
    const auto match = match_route("GET", path);
    EXPECT_EQ(match.route, nullptr) << path;
    EXPECT_EQ(match.allow, "") << path;
  }
}

}  // namespace
}  // namespace mintmark::routes_test
