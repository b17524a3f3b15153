#include "api/rql.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "api/pattern.h"
#include "api/rql_reader.h"

namespace mintmark {
namespace {

using rql::Expression;
using rql::Operator;
using rql::Value;

struct NamedOperator {
  std::string_view name;
  Operator op;
};
constexpr auto operators = std::to_array<NamedOperator>({
    {"eq", Operator::kEq},
    {"ne", Operator::kNe},
    {"gt", Operator::kGt},
    {"ge", Operator::kGe},
    {"gte", Operator::kGe},
    {"lt", Operator::kLt},
    {"le", Operator::kLe},
    {"lte", Operator::kLe},
    {"like", Operator::kLike},
    {"ilike", Operator::kIlike},
    {"in", Operator::kIn},
    {"out", Operator::kOut},
});

std::optional<Operator> find_operator(std::string_view name) {
  const auto* const found = std::ranges::find(operators, name, &NamedOperator::name);
  if (found == operators.end()) return std::nullopt;
  return found->op;
}

// A number too large for any list is as good as the largest there is.
std::size_t number_or(std::string_view text, std::size_t fallback) {
  std::size_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end != text.data() + text.size()) return fallback;
  if (code == std::errc::result_out_of_range) return std::numeric_limits<std::size_t>::max();
  return code == std::errc() ? number : fallback;
}

// Recursive descent. Every function reads at at_, and returns false once error_ is set.
class Parser : RqlReader {
 public:
  explicit Parser(const RqlText& text) : RqlReader(text) {}

  Result<ListQuery> parse() {
    query_.filter.kind = Expression::Kind::kAnd;
    for (;;) {
      skip_separators();
      if (at_end()) break;
      const auto begin = at_;
      page_parameter_ = false;
      const bool called = at_call();
      if (!term(query_.filter, true)) break;
      if (!page_parameter_) {
        query_.identity.append(text_.source(begin, at_)).push_back('&');
      }
      // Behind a call, form encoders (the URL Standard's URLSearchParams) write the '=' of a missing value.
      const bool encoded = called && take('=');
      if (at_end()) break;
      if (peek() != '&' && (encoded || peek() != ',')) {
        expected(peek() == '|' || peek() == ';' ? "'&' or the end (or stands in parentheses)"
                                                : "'&' or the end");
        break;
      }
    }
    if (error_) return std::unexpected(std::move(*error_));
    return std::move(query_);
  }

 private:
  // Whether a call or a group begins here, rather than prop "=".
  bool at_call() const {
    auto at = at_;
    while (at < text_.size() && is_rql_word(text_[at])) ++at;
    return at < text_.size() && text_.is(at, '(');
  }

  // Control parameters are not conditions; `control` tells where they may stand.
  bool term(Expression& into, bool control) {
    if (++terms_ > limits::query_terms_max) {
      return refuse(at_, fmt::format("no more than {} terms are read", limits::query_terms_max));
    }
    skip_spaces();
    const auto begin = at_;
    if (peek() == '(') {
      Expression inner;
      if (!group(inner, control)) return false;
      if (!inner.parts.empty() || inner.kind != Expression::Kind::kAnd)
        into.parts.push_back(std::move(inner));
      return true;
    }
    std::string name;
    if (!property(name, "a filter")) return false;
    if (peek() == '(') return function(into, name, begin, control);
    if (!take('=')) return expected("'=' or '('");
    return assignment(into, std::move(name), begin, control);
  }

  // "(" group ")"
  bool group(Expression& into, bool control) {
    const auto begin = at_;
    if (!enter() || !take('(')) return false;
    auto any = make(Expression::Kind::kOr, begin);
    auto all = make(Expression::Kind::kAnd, begin);
    // Whether a control parameter stands under an or is known only behind it.
    const auto controls_before = controls_;
    for (;;) {
      if (!term(all, control)) return false;
      if (peek() == '&' || peek() == ',') {
        ++at_;
      } else if (peek() == '|' || peek() == ';') {
        ++at_;
        any.parts.push_back(std::exchange(all, make(Expression::Kind::kAnd, at_)));
      } else {
        break;
      }
    }
    if (!take(')')) return expected("')', '&' or '|'");
    --depth_;
    if (any.parts.empty()) {
      into = std::move(all);
      return true;
    }
    if (controls_ != controls_before) return refuse(begin, "only filters may stand under an or");
    any.parts.push_back(std::move(all));
    into = std::move(any);
    return true;
  }

  bool function(Expression& into, const std::string& name, std::size_t begin, bool control) {
    if (name == "and") return arguments(into, Expression::Kind::kAnd, begin, control);
    if (name == "or") return arguments(into, Expression::Kind::kOr, begin, false);
    if (name == "not") {
      auto inverse = make(Expression::Kind::kNot, begin);
      inverse.parts.emplace_back();
      if (!group(inverse.parts.front(), false)) return false;
      into.parts.push_back(std::move(inverse));
      return true;
    }
    if (name == "ordering") return ordering(begin, control);
    if (name == "select") return selection(begin, control);
    const auto op = find_operator(name);
    const bool is_null = name == "null" || name == "empty";
    if (!op && !is_null && name != "range") {
      at_ = begin;
      return expected("an operator of RQL");
    }
    ++at_;
    auto comparison = make(Expression::Kind::kComparison, begin);
    if (op) comparison.op = *op;
    skip_spaces();
    if (!property(comparison.field, "the name of a field")) return false;
    skip_spaces();
    if (is_null) {
      if (peek() == ',' && ++at_ != 0) return null_test(into, std::move(comparison)) && close();
      comparison.values.push_back({Value::Kind::kNull, ""});
      into.parts.push_back(std::move(comparison));
      return close();
    }
    if (!take(',')) return expected("','");
    if (!op) return range(into, std::move(comparison));
    if (!operand(comparison)) return false;
    return close() && keep(into, std::move(comparison), control);
  }

  // and(…), or(…): terms behind one another.
  bool arguments(Expression& into, Expression::Kind kind, std::size_t begin, bool control) {
    if (!enter() || !take('(')) return false;
    auto group = make(kind, begin);
    for (;;) {
      auto one = make(Expression::Kind::kAnd, at_);
      if (!term(one, control)) return false;
      if (!one.parts.empty()) group.parts.push_back(std::move(one.parts.front()));
      if (peek() != ',') break;
      ++at_;
    }
    --depth_;
    if (!close()) return false;
    if (!group.parts.empty()) into.parts.push_back(std::move(group));
    return true;
  }

  // prop "=" has been read.
  bool assignment(Expression& into, std::string name, std::size_t begin, bool control) {
    auto comparison = make(Expression::Kind::kComparison, begin);
    comparison.field = std::move(name);
    auto end = at_;
    while (end < text_.size() && is_rql_word(text_[end])) ++end;
    if (end < text_.size() && text_.is(end, '=')) {
      const auto word = text_.substr(at_, end);
      const auto op = find_operator(word);
      const bool is_null = word == "null" || word == "empty";
      if (!op && !is_null) return expected("an operator of RQL, or a value in quotes");
      at_ = end + 1;
      if (is_null) return null_test(into, std::move(comparison));
      comparison.op = *op;
    }
    return operand(comparison) && keep(into, std::move(comparison), control);
  }

  // The boolean of null(prop,…).
  bool null_test(Expression& into, Expression comparison) {
    Value wanted;
    const auto begin = at_;
    if (!value(wanted)) return false;
    if (wanted.text != "true" && wanted.text != "false") {
      at_ = begin;
      return expected("true or false");
    }
    comparison.op = wanted.text == "true" ? Operator::kEq : Operator::kNe;
    comparison.values.push_back({Value::Kind::kNull, ""});
    into.parts.push_back(std::move(comparison));
    return true;
  }

  bool range(Expression& into, Expression lower) {
    auto upper = lower;
    lower.op = Operator::kGe;
    upper.op = Operator::kLe;
    if (!value(lower.values.emplace_back())) return false;
    if (!take(',')) return expected("','");
    if (!value(upper.values.emplace_back()) || !close()) return false;
    Expression both;
    both.position = lower.position;
    both.parts.push_back(std::move(lower));
    both.parts.push_back(std::move(upper));
    into.parts.push_back(std::move(both));
    return true;
  }

  bool operand(Expression& comparison) {
    if (comparison.op == Operator::kIn || comparison.op == Operator::kOut) return list(comparison);
    const auto begin = at_;
    if (!value(comparison.values.emplace_back())) return false;
    const bool is_pattern = comparison.op == Operator::kLike || comparison.op == Operator::kIlike;
    if (is_pattern && !Pattern::parse(comparison.values.front().text, false)) {
      return refuse(begin, "a pattern may not hold '**'");
    }
    return true;
  }

  bool list(Expression& comparison) {
    skip_spaces();
    if (!take('(')) return expected("'(' before the values");
    skip_spaces();
    if (take(')')) return true;
    for (;;) {
      if (comparison.values.size() == limits::query_values_max) {
        return refuse(at_, fmt::format("no more than {} values are read", limits::query_values_max));
      }
      if (!value(comparison.values.emplace_back())) return false;
      if (peek() != ',') break;
      ++at_;
    }
    return take(')') || expected("',' or ')'");
  }

  // A comparison, or a control parameter in its form.
  bool keep(Expression& into, Expression comparison, bool control) {
    const auto& name = comparison.field;
    const bool is_search = name == "search";
    const bool is_page = name == "limit" || name == "offset" || name == "min_position";
    if (comparison.op != Operator::kEq || (!is_search && !is_page)) {
      into.parts.push_back(std::move(comparison));
      return true;
    }
    if (!control_may_stand(comparison.position, control)) return false;
    if (std::ranges::find(seen_, name) != seen_.end()) {
      error_ = Error{ErrorKind::kInvalidQuery, {fmt::format("{}: Given more than once.", name)}};
      return false;
    }
    seen_.push_back(name);
    page_parameter_ = page_parameter_ || is_page;
    const auto& text = comparison.values.front().text;
    if (name == "limit") query_.limit = std::min(number_or(text, limits::page_default), limits::page_max);
    if (name == "offset") query_.offset = number_or(text, 0);
    if (name == "min_position") query_.min_position = text;
    if (!is_search) return true;
    query_.search = text;
    if (Pattern::parse(text, false)) return true;
    return refuse_at(comparison.position, "a pattern may not hold '**'");
  }

  bool ordering(std::size_t begin, bool control) {
    if (!control_may_stand(text_.position(begin), control)) return false;
    if (std::exchange(ordered_, true)) return refuse(begin, "ordering() may come once");
    return names([this](std::string field, bool minus, std::size_t position) {
      query_.ordering.push_back({std::move(field), minus, position});
      return query_.ordering.size() <= limits::ordering_fields_max ||
             refuse_at(position,
                       fmt::format("no more than {} fields to order by", limits::ordering_fields_max));
    });
  }

  bool selection(std::size_t begin, bool control) {
    if (!control_may_stand(text_.position(begin), control)) return false;
    return names([this](std::string field, bool minus, std::size_t) {
      query_.selection.push_back({std::move(field), minus});
      return query_.selection.size() <= limits::query_values_max || refuse(at_, "too many fields");
    });
  }

  // "(" [±prop, …] ")"
  template <class Take>
  bool names(Take&& take_name) {
    ++at_;
    skip_spaces();
    if (take(')')) return true;
    for (;;) {
      skip_spaces();
      const auto begin = at_;
      const bool minus = peek() == '-';
      if (minus || peek() == '+') ++at_;
      std::string field;
      if (!property(field, "the name of a field")) return false;
      if (!take_name(std::move(field), minus, text_.position(begin))) return false;
      skip_spaces();
      if (peek() != ',') break;
      ++at_;
    }
    return take(')') || expected("',' or ')'");
  }

  bool control_may_stand(std::size_t position, bool control) {
    ++controls_;
    return control || refuse_at(position, "only filters may stand under an or and a not");
  }

  Expression make(Expression::Kind kind, std::size_t begin) const {
    Expression expression;
    expression.kind = kind;
    expression.position = text_.position(begin);
    return expression;
  }

  bool enter() {
    return ++depth_ <= limits::query_depth_max ||
           refuse(at_, fmt::format("no more than {} parentheses deep", limits::query_depth_max));
  }

  ListQuery query_;
  std::vector<std::string> seen_;
  std::size_t depth_ = 0;
  std::size_t terms_ = 0;
  std::size_t controls_ = 0;
  bool ordered_ = false;
  bool page_parameter_ = false;
};

}  // namespace

Result<ListQuery> parse_list_query(std::string_view query) {
  const auto text = RqlText::decode(query);
  if (!text) return std::unexpected(text.error());
  return Parser(*text).parse();
}

}  // namespace mintmark
