#pragma once

#include <optional>
#include <string_view>

#include "api/http/message.h"

namespace mintmark {

// The value of the first cookie of that name (RFC 6265, 4.2.1); nothing where there is none. Valid as long as
// the request.
std::optional<std::string_view> find_cookie(const http::Request& request, std::string_view name);

// Whether two secrets are the same, told in a time that depends on their lengths alone.
bool is_same_secret(std::string_view a, std::string_view b);

}  // namespace mintmark
