#pragma once

#include <optional>

#include "api/http/message.h"

namespace mintmark {

// The web console's answer to a request that no other route takes: its page at / and at the addresses of its
// views, its files under /assets/. Nothing for every other path, among them unknown files. Does not block,
// from any thread.
std::optional<http::Response> answer_console(const http::Request& request);

}  // namespace mintmark
