#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "api/device_cookie.h"
#include "api/errors.h"
#include "api/handlers.h"
#include "api/json.h"
#include "api/list_response.h"
#include "api/representation.h"
#include "api/session_service.h"
#include "api/user_service.h"
#include "domain/user.h"

namespace mintmark {
namespace {

namespace json = boost::json;

// By when passwords that are checked now are done.
constexpr std::chrono::seconds checks_retry_after{1};

// A cookie that scripts cannot read and that no other site's page can make a browser send.
std::string set_cookie(const Services& services, std::string_view value, std::int64_t seconds) {
  return fmt::format("mintmark_session={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}", value, seconds,
                     services.secure_cookies ? "; Secure" : "");
}

// Where API clients reach this server, where its operator has said so.
json::value told_api_url(const Services& services) {
  if (services.told_url.empty()) return nullptr;
  return json::value(services.told_url + "/public/v1");
}

// Who is signed in, as login and context show it. Blocks on disk.
json::object represent_session(const Services& services, const UserRow& user, const std::string& cookie,
                               Time expires_at) {
  const auto account_id = AccountId::parse(user.account_id()).value();
  const auto account = services.directory.account(account_id);
  return {
      {"user", represent_user(services, user, account_id)},
      {"token", nullptr},
      {"account", account ? represent_account(services, *account, account_id) : json::object()},
      {"csrf_token", csrf_token(services, cookie)},
      {"session", {{"expires_at", format_time(expires_at)}}},
      {"api_url", told_api_url(services)},
  };
}

Result<json::object> represent_session_of(Services& services, const std::string& cookie) {
  const auto session = find_session(services, cookie);
  if (!session) return std::unexpected(session.error());
  return represent_session(services, session->user, cookie, session->expires_at);
}

Result<json::object> represent_token_context(const Context& context) {
  const auto& services = context.services;
  const auto id = TokenId::parse(context.caller.actor.id());
  const auto row = id ? services.token_list.find(*id) : std::nullopt;
  const auto account = services.directory.account(context.caller.account);
  if (!row || !account) return fail(ErrorKind::kUnauthenticated, "The key is not valid.");
  return json::object{
      {"user", nullptr},
      {"token", represent_token(services, *row, services.clock.now())},
      {"account", represent_account(services, *account, context.caller.account)},
      {"csrf_token", nullptr},
      {"session", nullptr},
      {"api_url", told_api_url(services)},
  };
}

}  // namespace

awaitable<http::Response> login(Context& context) {
  const auto body = parse_json_object(context.request.body());
  if (!body) co_return error_response(body.error());
  FieldErrors errors;
  JsonFields fields(*body, errors);
  auto email = fields.required_text("email");
  auto password = fields.required_text("password");
  if (email && email->size() > limits::email_max) errors.add("email", "This is too long.");
  if (password && password->size() > limits::password_max) errors.add("password", "This is too long.");
  if (errors.any()) co_return error_response(std::move(errors).error().error());

  auto& services = context.services;
  // As sign_in() takes it: in whatever case it is written, it is one address.
  const auto name = lower_case(*email);
  auto& throttle = context.throttle;
  const auto device = known_device(services, context.request, name);
  const auto source = device ? "device " + *device : context.caller.client_ip;
  if (const auto wait = throttle.requests.take(fmt::format("{} signs in as {}", source, name))) {
    co_return too_many_requests(*wait);
  }
  const auto kind = device ? AttemptSource::kProven : AttemptSource::kAddress;
  const auto place = throttle.enter_check(source, kind);
  if (!place) co_return too_many_requests(checks_retry_after);
  if (const auto wait = throttle.sign_ins.begin(source, name, kind)) co_return too_many_requests(*wait);
  const auto signed_in = co_await sign_in(services, context.caller, std::move(*email), std::move(*password));
  if (!signed_in && signed_in.error().kind == ErrorKind::kUnauthenticated) {
    throttle.failures.note(AuthenticationFailure::kPassword);
  }
  if (!signed_in) co_return error_response(signed_in.error());
  throttle.sign_ins.succeeded(source, name);
  const auto position = services.projector.position();
  auto represent = [&services, &signed_in]() -> Result<json::object> {
    return represent_session_of(services, signed_in->cookie);
  };
  const auto session = co_await services.blocking.run(std::move(represent));
  if (!session) co_return error_response(session.error());
  auto response = json_response(200, *session);
  constexpr auto lifetime = std::chrono::duration_cast<std::chrono::seconds>(limits::session_time_max);
  response.headers.emplace_back("Set-Cookie", set_cookie(services, signed_in->cookie, lifetime.count()));
  response.headers.emplace_back("Set-Cookie",
                                set_device_cookie(services, device ? *device : new_device(services), name));
  response.headers.emplace_back("Cache-Control", "no-store");
  add_position(response, position);
  co_return response;
}

awaitable<http::Response> logout(Context& context) {
  if (!context.cookie) {
    co_return error_response(Error{ErrorKind::kInvalid, {"session: A token has no session to end."}});
  }
  const auto closed = co_await sign_out(context.services, context.caller, *context.cookie);
  if (!closed) co_return error_response(closed.error());
  http::Response response;
  response.headers.emplace_back("Set-Cookie", set_cookie(context.services, "", 0));
  co_return response;
}

awaitable<http::Response> get_context(Context& context) {
  const auto position = context.services.projector.position();
  auto represent = [&context]() -> Result<json::object> {
    if (context.cookie) return represent_session_of(context.services, *context.cookie);
    return represent_token_context(context);
  };
  const auto body = co_await context.services.blocking.run(std::move(represent));
  if (!body) co_return error_response(body.error());
  auto response = json_response(200, *body);
  response.headers.emplace_back("Cache-Control", "no-store");
  add_position(response, position);
  co_return response;
}

awaitable<http::Response> change_password(Context& context) {
  if (!context.cookie) {
    co_return error_response(Error{ErrorKind::kInvalid, {"session: A token has no password to change."}});
  }
  const auto body = parse_json_object(context.request.body());
  if (!body) co_return error_response(body.error());
  FieldErrors errors;
  JsonFields fields(*body, errors);
  auto current = fields.required_text("current_password");
  auto wanted = fields.required_text("password");
  if (current && current->size() > limits::password_max) errors.add("current_password", "This is too long.");
  if (errors.any()) co_return error_response(std::move(errors).error().error());
  const auto acceptable = check_password(*wanted);
  if (!acceptable) co_return error_response(acceptable.error());
  auto& services = context.services;
  // Whoever has got hold of a session is slowed down like anybody who guesses, and nobody else with them.
  auto& throttle = context.throttle;
  const auto source = "session " + session_id(services, *context.cookie);
  const auto& user = context.caller.actor.id();
  const auto place = throttle.enter_check(source, AttemptSource::kProven);
  if (!place) co_return too_many_requests(checks_retry_after);
  const auto wait = throttle.sign_ins.begin(source, user, AttemptSource::kProven);
  if (wait) co_return too_many_requests(*wait);
  // The log gets no hash of the body: of passwords it keeps none that is quick to compute.
  auto& key = context.caller.idempotency_key;
  if (key) key->request_hash = services.peppers.name_hash("request", context.request.target());
  const auto position = co_await change_password(services, context.caller, *context.cookie,
                                                 std::move(*current), std::move(*wanted));
  const bool is_wrong = !position && position.error().kind == ErrorKind::kInvalid;
  if (is_wrong) throttle.failures.note(AuthenticationFailure::kPassword);
  if (!position) co_return error_response(position.error());
  throttle.sign_ins.succeeded(source, user);
  http::Response response;
  add_position(response, *position);
  co_return response;
}

awaitable<http::Response> list_sessions(Context& context) {
  const auto query = parse_list_query(context.request.query());
  if (!query) co_return error_response(query.error());
  auto read = [&context]() -> Result<json::array> {
    const auto& services = context.services;
    json::array sessions;
    const auto user = context.cookie ? UserId::parse(context.caller.actor.id()) : std::nullopt;
    if (!user) return sessions;
    const auto current = session_id(services, *context.cookie);
    for (const auto& row : services.directory.sessions(*user)) {
      const Time expires_at{std::chrono::microseconds(row.expires_at_us())};
      if (services.clock.now() >= expires_at) continue;
      const Time created_at{std::chrono::microseconds(row.created_at_us())};
      sessions.push_back(json::object{
          {"id", row.session_id()},
          {"client_ip", row.client_ip()},
          {"current", row.session_id() == current},
          {"events", {{"created", {{"at", format_time(created_at)}}}}},
          {"expires_at", format_time(expires_at)},
      });
    }
    return sessions;
  };
  auto sessions = co_await context.services.blocking.run(std::move(read));
  if (!sessions) co_return error_response(sessions.error());
  co_return respond_with_list(std::move(*sessions), session_fields, *query);
}

awaitable<http::Response> delete_session(Context& context) {
  const auto position =
      co_await end_session(context.services, context.caller, std::string(context.parameters[0]));
  if (!position) co_return error_response(position.error());
  http::Response response;
  add_position(response, *position);
  co_return response;
}

}  // namespace mintmark
