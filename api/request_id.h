#pragma once

#include <algorithm>
#include <optional>
#include <string_view>

#include "api/http/message.h"
#include "domain/limits.h"

namespace mintmark {

inline bool is_visible_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
}

// The client's own X-Request-Id, where it sent one that can be taken over.
inline std::optional<std::string_view> given_request_id(const http::Request& request) {
  const auto given = request.header("X-Request-Id");
  const bool usable =
      given && !given->empty() && given->size() <= limits::request_id_bytes_max && is_visible_ascii(*given);
  return usable ? given : std::nullopt;
}

}  // namespace mintmark
