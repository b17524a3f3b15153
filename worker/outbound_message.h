#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "worker/outbound_client.h"

namespace mintmark {

// What is wrong with a method, or with headers, naming no value; nothing where they can be sent.
std::optional<std::string> refuse_method(std::string_view method);
std::optional<std::string> refuse_headers(const OutboundHeaders& headers);

// The lines of a request's head in HTTP/1.1 (RFC 9112), each with the line end in front of it.
void append_headers(const OutboundHeaders& headers, std::string& out);
bool names_agent(const OutboundHeaders& headers);

// The bytes of the request. Its target's parsed() must hold, and refuse_headers() let its own headers pass.
std::string serialize_message(const OutboundRequest& request);

}  // namespace mintmark
