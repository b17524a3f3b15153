#include "api/rql_text.h"

#include <charconv>

#include <fmt/format.h>

#include "domain/limits.h"
#include "domain/text.h"

namespace mintmark {

Result<RqlText> RqlText::decode(std::string_view query) {
  if (query.size() > limits::query_bytes_max) {
    return fail(ErrorKind::kInvalidQuery,
                fmt::format("query: No more than {} bytes are read.", limits::query_bytes_max));
  }
  RqlText text;
  text.source_ = query;
  for (std::size_t at = 0; at < query.size();) {
    text.origins_.push_back(static_cast<std::uint32_t>(at));
    if (query[at] != '%') {
      text.text_.push_back(query[at++]);
      continue;
    }
    unsigned octet = 0;
    const auto* const digits = query.data() + at + 1;
    const auto* const end = query.data() + query.size();
    if (end - digits < 2 || std::from_chars(digits, digits + 2, octet, 16).ptr != digits + 2) {
      return fail(ErrorKind::kInvalidQuery,
                  fmt::format("query: Expected two hexadecimal digits behind '%' at character {}.", at + 1));
    }
    text.text_.push_back(static_cast<char>(octet));
    at += 3;
  }
  text.origins_.push_back(static_cast<std::uint32_t>(query.size()));
  // No text that is kept holds one.
  if (text.text_.contains('\0')) return fail(ErrorKind::kInvalidQuery, "query: It holds a NUL character.");
  if (!count_code_points(text.text_)) {
    return fail(ErrorKind::kInvalidQuery, "query: It is not valid UTF-8.");
  }
  return text;
}

}  // namespace mintmark
