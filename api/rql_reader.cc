#include "api/rql_reader.h"

#include <utility>

#include <fmt/format.h>

namespace mintmark {
namespace {

using rql::Value;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

}  // namespace

bool is_rql_word(char c) {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

bool RqlReader::take(char c) {
  if (peek() != c) return false;
  ++at_;
  return true;
}

void RqlReader::skip_spaces() {
  while (!at_end() && is_space(text_[at_])) ++at_;
}

void RqlReader::skip_separators() {
  while (!at_end() && (peek() == '&' || peek() == ',' || is_space(text_[at_]))) ++at_;
}

bool RqlReader::expected(std::string_view what) {
  if (error_) return false;
  const auto place =
      at_end() ? std::string("the end of the query") : fmt::format("character {}", text_.position(at_));
  error_ = Error{ErrorKind::kInvalidQuery, {fmt::format("query: Expected {} at {}.", what, place)}};
  return false;
}

bool RqlReader::refuse_at(std::size_t position, std::string_view why) {
  if (!error_)
    error_ = Error{ErrorKind::kInvalidQuery, {fmt::format("query: At character {}: {}.", position, why)}};
  return false;
}

bool RqlReader::close() {
  skip_spaces();
  return take(')') || expected("')'");
}

bool RqlReader::property(std::string& into, std::string_view what) {
  if (at_end() || !is_letter(peek())) return expected(what);
  const auto begin = at_;
  while (!at_end() && is_rql_word(peek())) ++at_;
  into = text_.substr(begin, at_);
  return true;
}

bool RqlReader::value(Value& into) {
  skip_spaces();
  const char quote = peek();
  if (quote == '"' || quote == '\'') return quoted(into, quote);
  for (const auto& [text, kind] : {std::pair{std::string_view("null()"), Value::Kind::kNull},
                                   std::pair{std::string_view("empty()"), Value::Kind::kEmpty}}) {
    if (text_.substr(at_, at_ + text.size()) != text) continue;
    at_ += text.size();
    into.kind = kind;
    return true;
  }
  const auto begin = at_;
  while (!at_end() && !text_.ends_value(at_)) ++at_;
  into.text = text_.substr(begin, at_);
  if (!at_end() && (peek() == '(' || peek() == '='))
    return expected("the end of the value (or quotes around it)");
  return true;
}

bool RqlReader::quoted(Value& into, char quote) {
  const auto begin = at_++;
  const auto end = text_.find(quote, at_);
  if (end == std::string_view::npos) return refuse(begin, "this quote is not closed");
  into.text = text_.substr(at_, end);
  at_ = end + 1;
  return true;
}

}  // namespace mintmark
