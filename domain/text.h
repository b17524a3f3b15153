#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace mintmark {

// The number of Unicode code points of valid UTF-8 (RFC 3629: no surrogates, no overlong forms); nothing
// where the bytes are not valid UTF-8.
std::optional<std::size_t> count_code_points(std::string_view text);

// Whether the text holds a control character: U+0000 to U+001F, U+007F or, in UTF-8, U+0080 to U+009F.
bool has_control_character(std::string_view text);

// Whether the text has the form local@domain that mail systems accept: one '@' between non-empty parts, no
// space or control character, a dot-separated domain of letters, digits and hyphens, at most
// limits::email_max bytes.
bool is_email(std::string_view text);

}  // namespace mintmark
