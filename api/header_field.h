#pragma once

#include <string_view>

namespace mintmark {

// Without the spaces and tabs around it (OWS of RFC 9110, 5.6.3).
constexpr std::string_view trim_field(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

}  // namespace mintmark
