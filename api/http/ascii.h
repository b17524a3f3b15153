#pragma once

#include <algorithm>
#include <string_view>

namespace mintmark::http {

constexpr char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

constexpr bool is_ascii_digit(char c) {
  return c >= '0' && c <= '9';
}

// Whether both are equal but for the case of ASCII letters, as names of fields compare (RFC 9110, 5.1).
constexpr bool ascii_iequals(std::string_view left, std::string_view right) {
  return left == right || std::ranges::equal(left, right, {}, ascii_lower, ascii_lower);
}

// Whether it is a token of RFC 9110, 5.6.2.
constexpr bool is_token(std::string_view text) {
  static constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    const char lower = ascii_lower(c);
    return (lower >= 'a' && lower <= 'z') || is_ascii_digit(c) || marks.find(c) != marks.npos;
  });
}

}  // namespace mintmark::http
