#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "api/rql.h"
#include "api/rql_text.h"

namespace mintmark {

// Whether a name may hold it.
bool is_rql_word(char c);

// A place in a query, the smallest things that stand there and what is wrong with it: the first fault counts.
// The functions that return bool return false at a fault. The text must outlive the reader.
class RqlReader {
 protected:
  explicit RqlReader(const RqlText& text) : text_(text) {}

  // '\0' at the end; an encoded ampersand is no syntax.
  char peek() const { return at_end() || text_.is_data(at_) ? '\0' : text_[at_]; }
  bool at_end() const { return at_ >= text_.size(); }
  // Whether it stood there; then it is read.
  bool take(char c);
  void skip_spaces();
  // '&' and ',' between terms.
  void skip_separators();

  // A closing parenthesis.
  bool close();
  // The name of a field or an operator; `what` says which.
  bool property(std::string& into, std::string_view what);
  bool value(rql::Value& into);

  // They return false.
  bool expected(std::string_view what);
  bool refuse(std::size_t at, std::string_view why) { return refuse_at(text_.position(at), why); }
  bool refuse_at(std::size_t position, std::string_view why);

  const RqlText& text_;
  std::size_t at_ = 0;
  std::optional<Error> error_;

 private:
  bool quoted(rql::Value& into, char quote);
};

}  // namespace mintmark
