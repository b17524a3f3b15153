#include "api/api.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <openssl/sha.h>
#include <spdlog/spdlog.h>

#include "api/authentication.h"
#include "api/client_address.h"
#include "api/commands.h"
#include "api/conditions.h"
#include "api/console.h"
#include "api/errors.h"
#include "api/forward_auth.h"
#include "api/handlers.h"
#include "api/ownership.h"
#include "api/request_id.h"

namespace mintmark {
namespace {

// The client's own X-Request-Id where it is one, else a fresh one.
std::string request_id(Services& services, const http::Request& request) {
  const auto given = given_request_id(request);
  return given ? std::string(*given) : services.random.event_id(services.clock.now()).text();
}

std::string sha256(std::string_view text) {
  std::string hash(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(hash.data()));
  return hash;
}

bool is_read(const http::Request& request) {
  return request.method() == "GET" || request.method() == "HEAD";
}

// Gives the caller the request's Idempotency-Key, where it has one; kInvalid where that is none.
Result<void> read_idempotency_key(const Services& services, const http::Request& request, Caller& caller) {
  const auto key = request.header("Idempotency-Key");
  if (!key || is_read(request)) return {};
  if (request.header_count("Idempotency-Key") > 1) {
    return fail(ErrorKind::kInvalid, "Idempotency-Key: Given more than once.");
  }
  if (key->empty() || key->size() > limits::idempotency_key_bytes_max || !is_visible_ascii(*key)) {
    return fail(ErrorKind::kInvalid, fmt::format("Idempotency-Key: Must be 1 to {} visible ASCII characters.",
                                                 limits::idempotency_key_bytes_max));
  }
  const auto text = fmt::format("{}\n{}\n{}", request.method(), request.target(), request.body());
  caller.idempotency_key =
      IdempotencyKey{sha256(fmt::format("{}:{}:{}", caller.account.code(), caller.actor.id(), *key)),
                     services.peppers.name_hash("request", text)};
  caller.unkeyed_request_hash = sha256(text);
  return {};
}

// Waits until a read shows what was written up to the position that it asks for.
awaitable<Result<void>> reach(Services& services, Position position) {
  if (position > services.log.head()) {
    co_return fail(ErrorKind::kUnavailable,
                   fmt::format("min_position: The log has not come to {} yet.", position));
  }
  const auto reached = co_await projected(services, position);
  if (!reached) co_return fail(ErrorKind::kUnavailable, "The views lag behind; try again.");
  co_return Result<void>();
}

// The version of the thing that a read is about to show: the version first, then the views up to it, so that
// what is shown is that version or a newer one, and a change that names it cannot overwrite what nobody saw.
awaitable<Result<std::uint64_t>> version_before(Services& services, std::string stream) {
  struct Seen {
    std::uint64_t version;
    Position head;
  };
  auto read = [&services, &stream]() -> Result<Seen> {
    const auto version = services.log.version_of(stream);
    return Seen{version, services.log.head()};
  };
  const auto seen = co_await services.blocking.run(std::move(read));
  if (!seen) co_return std::unexpected(seen.error());
  const auto reached = co_await reach(services, seen->head);
  if (!reached) co_return std::unexpected(reached.error());
  co_return seen->version;
}

// Under which requests without credentials are counted: their address and path, so that a flood of one does
// not keep others behind the same gateway from another, such as from signing in.
std::string public_name(const http::Request& request, std::string_view address) {
  return fmt::format("{} {}", address, request.path());
}

// Signing in counts by e-mail address as well, which is in the body: its handler sees to that.
bool counts_by_itself(const Route& route) {
  const Handler signs_in = login;
  return route.handler == signs_in;
}

bool has_json_body(const http::Request& request) {
  auto type = request.header("Content-Type").value_or("");
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  constexpr std::string_view json = "application/json";
  return std::ranges::equal(type, json,
                            [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

}  // namespace

bool Api::answer_now(const http::Request& request, std::size_t thread, bool keep_alive, std::string& out) {
  if (!is_forward_auth(request)) return false;
  const int status = answer_forward_auth(services_, request, thread, keep_alive, out);
  counters_.count_check(thread, status);
  return true;
}

awaitable<http::Response> Api::answer(const http::Request& request, std::size_t thread) {
  Caller caller{.actor = {},
                .account = AccountId::from_code(0),
                .role = ROLE_UNSPECIFIED,
                .request_id = request_id(services_, request),
                .client_ip = client_address(request, trusted_proxies_),
                .idempotency_key = {}};
  const auto id = caller.request_id;
  http::Response response;
  try {
    response = co_await route(request, thread, std::move(caller));
  } catch (const std::exception& error) {
    spdlog::error("request {} failed: {}", id, error.what());
    response = internal_error_response();
  }
  response.headers.emplace_back("X-Request-Id", id);
  counters_.count(thread, response.status);
  co_return response;
}

awaitable<http::Response> Api::route(const http::Request& request, std::size_t thread, Caller caller) {
  const auto match = match_route(request.method(), request.path());
  if (match.allow.empty()) {
    auto page = answer_console(request);
    if (page) co_return std::move(*page);
    co_return error_response(Error{ErrorKind::kNotFound, {"There is nothing here."}});
  }
  if (request.method() == "OPTIONS") {
    http::Response response;
    response.headers.emplace_back("Allow", match.allow);
    co_return response;
  }
  if (!match.route) co_return method_not_allowed(match.allow);

  const auto address = caller.client_ip;
  Context context{services_, request, std::move(caller), {}, match.parameters, throttle_, thread};
  if (match.route->access != Access::kPublic) {
    auto authenticated = co_await authenticate(services_, request, thread, std::move(context.caller));
    if (!authenticated) co_return refuse(request, address, authenticated.error());
    context.caller = std::move(authenticated->caller);
    context.cookie = std::move(authenticated->cookie);
    if (const auto wait = throttle_.requests.take(context.caller.actor.id())) {
      co_return too_many_requests(*wait);
    }
    const auto access = check_access(context.caller, match.route->access);
    if (!access) co_return error_response(access.error());
    const auto permitted = check_permissions(services_, context.caller, *match.route, request);
    if (!permitted) co_return error_response(permitted.error());
    const auto key = read_idempotency_key(services_, request, context.caller);
    if (!key) co_return error_response(key.error());
  } else if (!counts_by_itself(*match.route)) {
    const auto wait = throttle_.requests.take(public_name(request, address));
    if (wait) co_return too_many_requests(*wait);
  }
  if (!request.body().empty() && !has_json_body(request)) co_return unsupported_media_type();
  if (is_read(request)) co_return co_await answer_read(context, match, thread);
  co_return co_await answer_change(context, match, thread);
}

awaitable<http::Response> Api::answer_read(Context& context, const RouteMatch& match, std::size_t thread) {
  if (match.route->access == Access::kPublic) co_return co_await match.route->handler(context);
  const auto position = read_min_position(context.request);
  if (!position) co_return error_response(position.error());
  const auto reached = co_await reach(services_, *position);
  if (!reached) co_return error_response(reached.error());
  const auto own = co_await check_ownership(services_, context, match, thread);
  if (!own) co_return error_response(own.error());
  auto stream = is_single_resource(match) ? resource_stream(match) : std::nullopt;
  if (!stream) co_return co_await match.route->handler(context);
  const auto version = co_await version_before(services_, std::move(*stream));
  if (!version) co_return error_response(version.error());
  auto response = co_await match.route->handler(context);
  const bool versioned = response.status == 200 && *version > 0;
  if (versioned) response.headers.emplace_back("ETag", entity_tag(*version));
  co_return response;
}

awaitable<http::Response> Api::answer_change(Context& context, const RouteMatch& match, std::size_t thread) {
  const auto stream = resource_stream(match);
  auto precondition = read_precondition(context.request, stream.value_or(""));
  if (!precondition) co_return error_response(precondition.error());
  const auto own = co_await check_ownership(services_, context, match, thread);
  if (!own) co_return error_response(own.error());
  const auto outcome = std::make_shared<WriteOutcome>();
  // What has no versions, such as a session, is at least there: else it were not the caller's own.
  const bool is_there = *precondition && (*precondition)->any && !stream && names_one_thing(match);
  if (!is_there) context.caller.precondition = std::move(*precondition);
  context.caller.outcome = outcome;
  auto response = co_await match.route->handler(context);
  add_outcome(response, *outcome, stream);
  co_return response;
}

http::Response Api::refuse(const http::Request& request, const std::string& address, const Error& error) {
  if (error.kind != ErrorKind::kUnauthenticated) return error_response(error);
  RateLimiter::Wait wait;
  if (request.header("Authorization")) {
    wait = throttle_.failed(AuthenticationFailure::kKey, address);
  } else if (request.header("Cookie")) {
    // Nobody guesses 160 bits, and a browser whose session has ended must hear it, whatever its neighbours
    // do.
    throttle_.failures.note(AuthenticationFailure::kSession);
  } else {
    wait = throttle_.requests.take(public_name(request, address));
  }
  return wait ? too_many_requests(*wait) : error_response(error);
}

// What was asked is not understood, so an id of the client's is not known.
http::Response Api::refusal(http::ProtocolError error) {
  auto response = error_response(error);
  response.headers.emplace_back("X-Request-Id", services_.random.event_id(services_.clock.now()).text());
  counters_.count(response.status);
  return response;
}

http::Response Api::internal_error(std::string_view what) {
  spdlog::error("a request failed: {}", what);
  auto response = internal_error_response();
  counters_.count(response.status);
  return response;
}

}  // namespace mintmark
