#pragma once

#include <optional>
#include <string>

#include "worker/outbound_url.h"

namespace mintmark {

// What is wrong with the request's method or headers, naming no value; nothing where they can be sent.
std::optional<std::string> refuse_message(const OutboundRequest& request);

// The bytes of the request in HTTP/1.1 (RFC 9112), of one that refuse_message() lets pass.
std::string serialize_message(const OutboundRequest& request, const OutboundUrl& url);

}  // namespace mintmark
