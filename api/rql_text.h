#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "domain/error.h"

namespace mintmark {

// A query, percent-decoded once (api/rql.h says by what rule), that knows where each character came from.
class RqlText {
 public:
  // kInvalidQuery where it is too long, an escape is none, or the result is not UTF-8 or holds a NUL.
  static Result<RqlText> decode(std::string_view query);

  std::size_t size() const { return text_.size(); }
  char operator[](std::size_t at) const { return text_[at]; }
  // Whether it is an encoded ampersand, which is never syntax.
  bool is_data(std::size_t at) const { return text_[at] == '&' && origins_[at + 1] - origins_[at] == 3; }
  bool is(std::size_t at, char c) const { return text_[at] == c && !is_data(at); }
  // Whether an unquoted value ends before it.
  bool ends_value(std::size_t at) const {
    return !is_data(at) && std::string_view("&|;,()=").find(text_[at]) != std::string_view::npos;
  }
  // The quote's place from `from` on, or npos.
  std::size_t find(char quote, std::size_t from) const { return text_.find(quote, from); }
  // From begin up to end, or as much as there is.
  std::string_view substr(std::size_t begin, std::size_t end) const {
    return std::string_view(text_).substr(begin, end - begin);
  }
  // The same as it was sent.
  std::string_view source(std::size_t begin, std::size_t end) const {
    return std::string_view(source_).substr(origins_[begin], origins_[end] - origins_[begin]);
  }
  // Where it was in the query as sent, from 1.
  std::size_t position(std::size_t at) const { return origins_[at] + 1; }

 private:
  std::string source_;
  std::string text_;
  std::vector<std::uint32_t> origins_;  // one a character, and one for the end
};

}  // namespace mintmark
