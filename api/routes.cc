#include "api/routes.h"

#include "api/handlers.h"
#include "api/path_segment.h"

namespace mintmark {
namespace {

constexpr std::array route_table = std::to_array<Route>({
    {"GET", "/healthz", Access::kPublic, health},
    {"GET", "/openapi.json", Access::kPublic, get_openapi},
    {"GET", "/docs", Access::kPublic, get_docs},
    {"GET", "/docs.css", Access::kPublic, get_docs_style},
    {"POST", "/public/v1/auth/login", Access::kPublic, login},
    {"POST", "/public/v1/auth/logout", Access::kRead, logout},
    {"GET", "/public/v1/auth/context", Access::kRead, get_context},
    {"POST", "/public/v1/auth/password", Access::kRead, change_password},
    {"GET", "/public/v1/auth/sessions", Access::kRead, list_sessions},
    {"DELETE", "/public/v1/auth/sessions/{id}", Access::kRead, delete_session},
    {"GET", "/public/v1/auth/tokens", Access::kRead, list_tokens},
    {"POST", "/public/v1/auth/tokens", Access::kWrite, create_token},
    {"GET", "/public/v1/auth/tokens/{id}", Access::kRead, get_token},
    {"PUT", "/public/v1/auth/tokens/{id}", Access::kWrite, update_token},
    {"DELETE", "/public/v1/auth/tokens/{id}", Access::kWrite, delete_token},
    {"POST", "/public/v1/auth/tokens/{id}/reveal", Access::kWrite, reveal_token},
    {"POST", "/public/v1/auth/tokens/{id}/activate", Access::kWrite, activate_token},
    {"POST", "/public/v1/auth/tokens/{id}/deactivate", Access::kWrite, deactivate_token},
    {"POST", "/public/v1/auth/tokens/{id}/rotate", Access::kWrite, rotate_token},
    {"POST", "/public/v1/auth/tokens/{id}/renew", Access::kWrite, renew_token},
    {"GET", "/public/v1/auth/tokens/{id}/permissions", Access::kRead, list_permissions},
    {"POST", "/public/v1/auth/tokens/{id}/permissions", Access::kWrite, grant_permissions},
    {"DELETE", "/public/v1/auth/tokens/{id}/permissions", Access::kWrite, revoke_permissions},
    {"GET", "/public/v1/modules", Access::kRead, list_modules},
    {"GET", "/public/v1/modules/{id}", Access::kRead, get_module},
    {"GET", "/public/v1/accounts", Access::kRead, list_accounts},
    {"POST", "/public/v1/accounts", Access::kOwner, create_account},
    {"GET", "/public/v1/accounts/{id}", Access::kRead, get_account},
    {"PUT", "/public/v1/accounts/{id}", Access::kOwner, update_account},
    {"DELETE", "/public/v1/accounts/{id}", Access::kOwner, delete_account},
    {"GET", "/public/v1/accounts/{id}/users", Access::kRead, list_users},
    {"POST", "/public/v1/accounts/{id}/users", Access::kOwner, create_user},
    {"GET", "/public/v1/accounts/{id}/users/{user}", Access::kRead, get_user},
    {"PUT", "/public/v1/accounts/{id}/users/{user}", Access::kOwner, update_user},
    {"DELETE", "/public/v1/accounts/{id}/users/{user}", Access::kOwner, delete_user},
    {"POST", "/public/v1/accounts/{id}/users/{user}/activate", Access::kOwner, activate_user},
    {"POST", "/public/v1/accounts/{id}/users/{user}/deactivate", Access::kOwner, deactivate_user},
    {"POST", "/public/v1/accounts/{id}/users/{user}/password", Access::kOwner, reset_password},
    {"GET", "/public/v1/notifications/webhooks", Access::kRead, list_webhooks},
    {"POST", "/public/v1/notifications/webhooks", Access::kWrite, create_webhook},
    {"GET", "/public/v1/notifications/webhooks/{id}", Access::kRead, get_webhook},
    {"PUT", "/public/v1/notifications/webhooks/{id}", Access::kWrite, update_webhook},
    {"DELETE", "/public/v1/notifications/webhooks/{id}", Access::kWrite, delete_webhook},
    {"POST", "/public/v1/notifications/webhooks/{id}/trigger", Access::kWrite, trigger_webhook},
    {"POST", "/public/v1/notifications/webhooks/{id}/test", Access::kWrite, test_webhook},
    {"GET", "/public/v1/notifications/webhooks/{id}/deliveries", Access::kRead, list_deliveries},
    {"GET", "/public/v1/jobs", Access::kRead, list_jobs},
    {"POST", "/public/v1/jobs/retry", Access::kWrite, retry_jobs},
    {"GET", "/public/v1/jobs/{id}", Access::kRead, get_job},
    {"POST", "/public/v1/jobs/{id}/retry", Access::kWrite, retry_job},
    {"POST", "/public/v1/jobs/{id}/cancel", Access::kWrite, cancel_job},
    {"GET", "/public/v1/events", Access::kRead, list_events},
    {"GET", "/public/v1/events/export", Access::kRead, export_events},
    {"GET", "/public/v1/events/stream", Access::kRead, stream_events},
    {"GET", "/public/v1/extensions", Access::kRead, list_extensions},
    {"POST", "/public/v1/extensions", Access::kWrite, create_extension},
    {"GET", "/public/v1/extensions/{id}", Access::kRead, get_extension},
    {"PUT", "/public/v1/extensions/{id}", Access::kWrite, update_extension},
    {"DELETE", "/public/v1/extensions/{id}", Access::kWrite, delete_extension},
});

bool matches(std::string_view pattern, std::string_view path,
             std::array<std::string_view, path_parameters_max>& parameters) {
  std::size_t count = 0;
  while (!pattern.empty() && !path.empty()) {
    const auto wanted = take_segment(pattern);
    const auto segment = take_segment(path);
    if (wanted.starts_with('{')) {
      if (segment.empty()) return false;
      parameters[count++] = segment;
    } else if (wanted != segment) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

}  // namespace

std::span<const Route> routes() {
  return route_table;
}

RouteMatch match_route(std::string_view method, std::string_view path) {
  RouteMatch match;
  if (!path.starts_with('/')) return match;
  const auto wanted = method == "HEAD" ? "GET" : method;
  for (const auto& route : route_table) {
    std::array<std::string_view, path_parameters_max> parameters;
    if (!matches(route.path, path, parameters)) continue;
    if (!match.allow.empty()) match.allow += ", ";
    match.allow += route.method == "GET" ? "GET, HEAD" : route.method;
    if (route.method == wanted) {
      match.route = &route;
      match.parameters = parameters;
    }
  }
  if (!match.allow.empty()) match.allow += ", OPTIONS";
  return match;
}

}  // namespace mintmark
