#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/caller.h"
#include "api/http/message.h"
#include "api/services.h"
#include "api/throttle.h"

namespace mintmark {

// Who may call a route, by their role; a token acts in its creator's. Each level takes in the ones behind it.
enum class Access : std::uint8_t {
  kPublic,  // anybody
  kRead,    // anybody known: owners, members, auditors
  kWrite,   // owners and members: not auditors
  kOwner,   // owners alone, and no restricted token of theirs
};

inline constexpr std::size_t path_parameters_max = 2;

// One request on its way through a handler.
struct Context {
  Services& services;
  const http::Request& request;
  Caller caller;                      // of a public route: only its request id and ip
  std::optional<std::string> cookie;  // the session's, where one authenticated the caller
  std::array<std::string_view, path_parameters_max> parameters;  // of the path, in order
  Throttle& throttle;
  std::size_t thread = 0;  // the io thread's number, which is its slot in the authorization index
};

using Handler = awaitable<http::Response> (*)(Context& context);

struct Route {
  std::string_view method;
  std::string_view path;  // segments, those in braces are parameters
  Access access;
  Handler handler;
};

// All routes but /authorize, which takes any method and is answered before routing.
std::span<const Route> routes();

// The route for a method and a path; `parameters` get what stands for the segments in braces.
struct RouteMatch {
  const Route* route = nullptr;  // null where the path, or its method, is unknown
  std::array<std::string_view, path_parameters_max> parameters;
  std::string allow;  // the path's methods, for a 405 and for OPTIONS; empty where the path is unknown
};
RouteMatch match_route(std::string_view method, std::string_view path);

}  // namespace mintmark
