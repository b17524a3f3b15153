#include "api/list_filter.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "domain/limits.h"
#include "domain/time.h"

namespace mintmark {
namespace {

using rql::Expression;
using rql::Operator;
using rql::Value;

std::optional<std::size_t> find_field(FieldTable fields, std::string_view name) {
  const auto found = std::ranges::find(fields, name, &Field::name);
  if (found == fields.end()) return std::nullopt;
  return static_cast<std::size_t>(found - fields.begin());
}

std::unexpected<Error> wrong(const Expression& comparison, std::string_view what) {
  return fail(ErrorKind::kInvalidQuery, fmt::format("{}: {} (at character {} of the query)", comparison.field,
                                                    what, comparison.position));
}

std::string_view what_it_takes(FieldType type) {
  switch (type) {
    case FieldType::kText:
      return "A text takes eq, ne, like, ilike, in and out.";
    case FieldType::kDate:
      return "Must be a date in ISO 8601, such as 2030-01-31T12:00:00+00:00.";
    case FieldType::kBool:
      return "Must be true or false.";
    case FieldType::kNumber:
      return "Must be a whole number.";
  }
  return "";
}

std::optional<std::int64_t> read_number(FieldType type, const std::string& text) {
  if (type == FieldType::kDate) {
    const auto time = parse_time(text);
    if (!time) return std::nullopt;
    return time->time_since_epoch().count();
  }
  if (type == FieldType::kBool) {
    if (text != "true" && text != "false") return std::nullopt;
    return text == "true" ? 1 : 0;
  }
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<Condition::Kind> kind_of(Operator op) {
  switch (op) {
    case Operator::kEq:
    case Operator::kNe:
    case Operator::kIn:
    case Operator::kOut:
      return Condition::Kind::kOneOf;
    case Operator::kGt:
      return Condition::Kind::kGreater;
    case Operator::kGe:
      return Condition::Kind::kGreaterOrEqual;
    case Operator::kLt:
      return Condition::Kind::kLess;
    case Operator::kLe:
      return Condition::Kind::kLessOrEqual;
    case Operator::kLike:
    case Operator::kIlike:
      return Condition::Kind::kLike;
  }
  return std::nullopt;
}

bool operator_fits(FieldType type, Condition::Kind kind) {
  if (kind == Condition::Kind::kOneOf) return true;
  if (kind == Condition::Kind::kLike) return type == FieldType::kText;
  return type == FieldType::kDate || type == FieldType::kNumber;
}

Filter condition(Condition condition) {
  Filter filter;
  filter.kind = Filter::Kind::kCondition;
  filter.condition = std::move(condition);
  return filter;
}

Filter inverse(Filter part) {
  Filter filter;
  filter.kind = Filter::Kind::kNot;
  filter.parts.push_back(std::move(part));
  return filter;
}

Result<Condition> compile_condition(const Expression& comparison, std::size_t field, FieldType type) {
  Condition made;
  made.kind = kind_of(comparison.op).value_or(Condition::Kind::kOneOf);
  made.field = field;
  if (!operator_fits(type, made.kind)) {
    return wrong(comparison, type == FieldType::kText   ? what_it_takes(type)
                             : type == FieldType::kDate ? "A date takes no like and no ilike."
                                                        : "It takes eq, ne, in and out.");
  }
  for (const auto& value : comparison.values) {
    const bool is_null = value.kind != Value::Kind::kText || (value.text.empty() && type == FieldType::kText);
    if (is_null) {
      if (made.kind != Condition::Kind::kOneOf && value.kind != Value::Kind::kText) {
        return wrong(comparison, "null() and empty() take eq, ne, in and out.");
      }
      made.or_null = true;
    } else if (type != FieldType::kText) {
      const auto number = read_number(type, value.text);
      if (!number) return wrong(comparison, what_it_takes(type));
      made.numbers.push_back(*number);
      continue;
    }
    if (made.kind == Condition::Kind::kLike) {
      made.pattern = Pattern::parse(value.text, comparison.op == Operator::kIlike).value_or(Pattern());
    } else if (!is_null) {
      made.texts.insert(value.text);
    }
  }
  std::ranges::sort(made.numbers);
  return made;
}

// Nothing where it says nothing about the table's fields.
Result<std::optional<Filter>> compile(const Expression& expression, FieldTable fields) {
  if (expression.kind == Expression::Kind::kComparison) {
    const auto field = find_field(fields, expression.field);
    if (!field) return std::nullopt;
    auto made = compile_condition(expression, *field, fields[*field].type);
    if (!made) return std::unexpected(std::move(made.error()));
    auto filter = condition(std::move(*made));
    const bool inverted = expression.op == Operator::kNe || expression.op == Operator::kOut;
    return inverted ? inverse(std::move(filter)) : std::move(filter);
  }
  Filter group;
  group.kind = expression.kind == Expression::Kind::kOr ? Filter::Kind::kAny : Filter::Kind::kAll;
  for (const auto& part : expression.parts) {
    auto made = compile(part, fields);
    if (!made) return std::unexpected(std::move(made.error()));
    if (*made) group.parts.push_back(std::move(**made));
  }
  if (group.parts.empty()) return std::nullopt;
  if (expression.kind == Expression::Kind::kNot) return inverse(std::move(group));
  return group;
}

std::size_t count_conditions(const Filter& filter) {
  if (filter.kind == Filter::Kind::kCondition) return 1;
  std::size_t count = 0;
  for (const auto& part : filter.parts) count += count_conditions(part);
  return count;
}

}  // namespace

std::optional<std::string_view> TextSet::only() const {
  if (texts_.size() != 1) return std::nullopt;
  return *texts_.begin();
}

bool Condition::matches(std::string_view text) const {
  if (kind == Kind::kLike) return pattern.matches(text);
  return text.empty() ? or_null : texts.contains(text);
}

bool Condition::matches(std::optional<std::int64_t> number) const {
  if (!number) return kind == Kind::kOneOf && or_null;
  switch (kind) {
    case Kind::kOneOf:
      return std::ranges::binary_search(numbers, *number);
    case Kind::kLess:
      return *number < numbers.front();
    case Kind::kLessOrEqual:
      return *number <= numbers.front();
    case Kind::kGreater:
      return *number > numbers.front();
    case Kind::kGreaterOrEqual:
      return *number >= numbers.front();
    case Kind::kLike:
      return false;
  }
  return false;
}

Result<Filter> compile_filter(const ListQuery& query, FieldTable fields) {
  Filter all;
  auto filter = compile(query.filter, fields);
  if (!filter) return std::unexpected(std::move(filter.error()));
  if (*filter) all.parts.push_back(std::move(**filter));
  if (query.search.empty()) return all;
  Filter any;
  any.kind = Filter::Kind::kAny;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (!fields[i].searchable) continue;
    Condition like;
    like.kind = Condition::Kind::kLike;
    like.field = i;
    like.pattern = Pattern::search(query.search);
    any.parts.push_back(condition(std::move(like)));
  }
  // A list without a searchable field leaves search out, as it does filters that it does not know.
  if (!any.parts.empty()) all.parts.push_back(std::move(any));
  return all;
}

Result<void> check_work(const Filter& filter, std::size_t rows, std::size_t checks_max) {
  const auto conditions = count_conditions(filter);
  const auto allowed = std::max(limits::query_conditions_min, checks_max / std::max<std::size_t>(rows, 1));
  if (conditions <= allowed) return {};
  return fail(
      ErrorKind::kInvalidQuery,
      fmt::format("query: A list of {} takes {} conditions at once, not {}. An in() of many values is one; "
                  "a search is one for each field that it looks in.",
                  rows, allowed, conditions));
}

Result<std::vector<OrderBy>> compile_ordering(const ListQuery& query, FieldTable fields) {
  std::vector<OrderBy> order;
  for (const auto& by : query.ordering) {
    const auto field = find_field(fields, by.field);
    if (!field || !fields[*field].orderable) {
      return fail(ErrorKind::kInvalidQuery,
                  fmt::format("ordering: This list cannot be ordered by {} (at character {} of the query).",
                              by.field, by.position));
    }
    order.push_back({*field, by.descending});
  }
  return order;
}

}  // namespace mintmark
