#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "api/caller.h"
#include "api/http/message.h"
#include "api/routes.h"
#include "api/services.h"
#include "domain/time.h"

namespace mintmark {

// Who asks, and in which role: by Authorization: ApiKey …, or else by the session cookie. `caller` comes with
// its request id and ip.
struct Authenticated {
  Caller caller;
  std::optional<std::string> cookie;  // where the session's cookie did it
  std::optional<Time> ends_at = {};   // the session's end
};

// kUnauthenticated where nobody we know asks; kForbidden where the key's token may not act, or where a cookie
// comes with an unsafe method but without its X-CSRF-Token. `reader` is the authorization index's slot.
awaitable<Result<Authenticated>> authenticate(Services& services, const http::Request& request,
                                              std::size_t reader, Caller caller);

// kForbidden where the caller's role is less than the route wants, and where the caller is a restricted token
// and the route is for owners alone.
Result<void> check_access(const Caller& caller, Access access);

// kForbidden where the caller is a token whose permissions do not cover the request: the rules that guard the
// API behind a gateway guard ours as well. Who it is, every token may ask.
// Nor does an exchange need any: creating a token and exchanging a handle are one route, which
// calls check_modules() itself.
Result<void> check_permissions(const Services& services, const Caller& caller, const Route& route,
                               const http::Request& request);
Result<void> check_modules(const Services& services, const Caller& caller, const http::Request& request);

}  // namespace mintmark
