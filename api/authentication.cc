#include "api/authentication.h"

#include <string_view>

#include "api/cookies.h"
#include "api/handlers.h"
#include "api/session_service.h"
#include "api/token_role.h"

namespace mintmark {
namespace {

constexpr std::string_view cookie_name = "mintmark_session";

// The session cookie's value; nothing where it is not there or malformed.
std::optional<std::string> find_session_cookie(const http::Request& request) {
  const auto value = find_cookie(request, cookie_name);
  return value && Secret::parse(*value) ? std::optional(std::string(*value)) : std::nullopt;
}

bool is_safe(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

// As what it acts remains to be found out: role_of_token() blocks, the index does not.
Result<Authenticated> authenticate_token(Services& services, const http::Request& request, std::size_t reader,
                                         Caller caller) {
  const auto key = request.header_count("Authorization") == 1
                       ? parse_authorization(*request.header("Authorization"))
                       : std::nullopt;
  if (!key) return fail(ErrorKind::kUnauthenticated, "The Authorization field must be ApiKey and a key.");
  const auto now = services.clock.now();
  return services.authorization_index.check(
      reader, key->id, key->secret, now,
      [&](AuthorizationIndex::Verdict verdict,
          const AuthorizationIndex::Identity* identity) -> Result<Authenticated> {
        if (verdict == AuthorizationIndex::Verdict::kUnknown) {
          return fail(ErrorKind::kUnauthenticated, "The key is not valid.");
        }
        if (verdict == AuthorizationIndex::Verdict::kRefused) {
          return fail(ErrorKind::kForbidden, "The key's token is not active.");
        }
        identity->last_use.note(now);
        caller.actor.set_kind(Actor::TOKEN);
        caller.actor.set_id(identity->token.text());
        caller.account = identity->account;
        caller.permissions = identity->permissions;
        return Authenticated{std::move(caller), std::nullopt};
      });
}

Result<Authenticated> authenticate_session(Services& services, const http::Request& request,
                                           std::string cookie, Caller caller) {
  const auto session = find_session(services, cookie);
  if (!session) return std::unexpected(session.error());
  const auto account = AccountId::parse(session->user.account_id());
  if (!account) return fail(ErrorKind::kUnauthenticated, "Sign in first.");
  if (!is_safe(request.method()) &&
      !is_same_secret(request.header("X-CSRF-Token").value_or(""), csrf_token(services, cookie))) {
    return fail(ErrorKind::kForbidden, "X-CSRF-Token is missing or not the session's.");
  }
  caller.actor.set_kind(Actor::USER);
  caller.actor.set_id(session->user.user_id());
  caller.account = *account;
  caller.role = session->user.role();
  return Authenticated{std::move(caller), std::move(cookie), session->expires_at};
}

}  // namespace

awaitable<Result<Authenticated>> authenticate(Services& services, const http::Request& request,
                                              std::size_t reader, Caller caller) {
  if (request.header("Authorization")) {
    auto authenticated = authenticate_token(services, request, reader, std::move(caller));
    if (!authenticated) co_return authenticated;
    auto find_role = [&services, &by = authenticated->caller]() -> Result<Role> {
      const auto token = TokenId::parse(by.actor.id());
      return token ? role_of_token(services, by.account, *token) : MEMBER;
    };
    const auto role = co_await services.blocking.run(std::move(find_role));
    if (!role) co_return std::unexpected(role.error());
    authenticated->caller.role = *role;
    co_return authenticated;
  }
  auto cookie = find_session_cookie(request);
  if (!cookie) co_return fail(ErrorKind::kUnauthenticated, "Send an API key, or sign in.");
  auto read = [&services, &request, &cookie, &caller] {
    return authenticate_session(services, request, std::move(*cookie), std::move(caller));
  };
  co_return co_await services.blocking.run(std::move(read));
}

Result<void> check_access(const Caller& caller, Access access) {
  const bool allowed = access == Access::kOwner   ? caller.role == OWNER
                       : access == Access::kWrite ? caller.role == OWNER || caller.role == MEMBER
                                                  : true;
  if (!allowed) return fail(ErrorKind::kForbidden, "Your role does not allow this.");
  // People have no permissions: a token that lets somebody in as an owner would pass on more than it holds.
  if (access == Access::kOwner && caller.permissions) {
    return fail(ErrorKind::kForbidden, "A restricted token cannot do this, whoever made it.");
  }
  return {};
}

Result<void> check_permissions(const Services& services, const Caller& caller, const Route& route,
                               const http::Request& request) {
  const Handler asks_who_it_is = get_context;
  const Handler checks_itself = create_token;
  if (route.handler == asks_who_it_is || route.handler == checks_itself) return {};
  return check_modules(services, caller, request);
}

Result<void> check_modules(const Services& services, const Caller& caller, const http::Request& request) {
  if (!caller.permissions) return {};
  if (services.modules.allows(caller.permissions, request.method(), request.path())) return {};
  return fail(ErrorKind::kForbidden, "The token's permissions do not cover this.");
}

}  // namespace mintmark
