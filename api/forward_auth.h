#pragma once

#include <cstddef>
#include <string>

#include "api/http/message.h"
#include "api/services.h"

namespace mintmark {

// Whether the request is a gateway's question: the path /authorize, or one below it, since Envoy appends the
// path that its client asked for.
bool is_forward_auth(const http::Request& request);

// Appends the complete answer and returns its status. The hot path: no lock, no allocation but for `out`'s
// growth, no I/O.
//
//   204  the key may; X-Mintmark-Account, -Token, -Name and -Type tell whose it is
//   401  no key, a malformed one, an unknown one or a deleted one: all alike
//   403  a known key that may not: its token is pending, inactive or expired, its permissions do not cover
//        the original request (module_table.h), or that request makes no sense
//
// The original request is in X-Original-Method and X-Original-URI (nginx, HAProxy) or X-Forwarded-Method and
// X-Forwarded-Uri (Caddy, Traefik), or is the request itself below /authorize (Envoy). Where it is told in
// several ways they must agree, and each field may come once: gateways that set one pair pass on what their
// clients send as the other. `reader` is the authorization index's slot of this thread.
int answer_forward_auth(const Services& services, const http::Request& request, std::size_t reader,
                        bool keep_alive, std::string& out);

}  // namespace mintmark
