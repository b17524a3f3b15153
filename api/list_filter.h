#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_set.hpp>

#include "api/pattern.h"
#include "api/rql.h"

// A query's conditions, checked against what a list has and ready to be asked of its rows. A row that shows
// null and one that shows an empty text are alike: null() and empty() find both.
namespace mintmark {

enum class FieldType : std::uint8_t { kText, kDate, kBool, kNumber };

// A field of a list that can be filtered by, named by its path in the object shown: "owner.id". Where the
// path leads through an array, any of its elements counts.
struct Field {
  std::string_view name;
  FieldType type = FieldType::kText;
  bool orderable = false;
  bool searchable = false;
};
using FieldTable = std::span<const Field>;

// Texts that may be many.
class TextSet {
 public:
  void insert(std::string_view text) { texts_.emplace(text); }
  bool contains(std::string_view text) const { return !texts_.empty() && texts_.find(text) != texts_.end(); }
  bool empty() const { return texts_.empty(); }
  // The one text in it; nothing where there are more or none.
  std::optional<std::string_view> only() const;
  // Calls visit(text) for each, in no order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const auto& text : texts_) visit(std::string_view(text));
  }

 private:
  struct Hash {
    using is_transparent = void;  // NOLINT(readability-identifier-naming): the standard's name
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  boost::unordered_flat_set<std::string, Hash, std::equal_to<>> texts_;
};

// A question about one field. Numbers are dates in microseconds, booleans as 0 and 1, and numbers.
struct Condition {
  enum class Kind : std::uint8_t { kOneOf, kLess, kLessOrEqual, kGreater, kGreaterOrEqual, kLike };

  Kind kind = Kind::kOneOf;
  std::size_t field = 0;              // its place in the table
  bool or_null = false;               // kOneOf: a row without a value fits
  TextSet texts;                      // kOneOf, of a text
  std::vector<std::int64_t> numbers;  // kOneOf, sorted; else the one to compare with
  Pattern pattern;                    // kLike

  // An empty text is no value.
  bool matches(std::string_view text) const;
  bool matches(std::optional<std::int64_t> number) const;
};

struct Filter {
  enum class Kind : std::uint8_t { kAll, kAny, kNot, kCondition };

  Kind kind = Kind::kAll;
  std::vector<Filter> parts;
  Condition condition;

  // Whether every row passes.
  bool passes_all() const { return kind == Kind::kAll && parts.empty(); }
};

// The query's filter and search. Filters with a name that the table does not have are left out. kInvalidQuery
// where a value or an operator does not fit its field's type.
Result<Filter> compile_filter(const ListQuery& query, FieldTable fields);

// kInvalidQuery where the filter has more conditions than can be asked of so many rows:
// limits::query_conditions_min, or more as long as all of them, asked of all rows, are `checks_max` at most.
Result<void> check_work(const Filter& filter, std::size_t rows, std::size_t checks_max);

// A field to order by: its place in the table.
struct OrderBy {
  std::size_t field = 0;
  bool descending = false;
};
// kInvalidQuery where the table does not have the field or it cannot be ordered by.
Result<std::vector<OrderBy>> compile_ordering(const ListQuery& query, FieldTable fields);

// Asks the filter of one row; `matches(condition)` answers for it.
template <class Matches>
bool passes(const Filter& filter, Matches&& matches) {
  switch (filter.kind) {
    case Filter::Kind::kAll:
      for (const auto& part : filter.parts) {
        if (!passes(part, matches)) return false;
      }
      return true;
    case Filter::Kind::kAny:
      for (const auto& part : filter.parts) {
        if (passes(part, matches)) return true;
      }
      return false;
    case Filter::Kind::kNot:
      return !passes(filter.parts.front(), matches);
    case Filter::Kind::kCondition:
      return matches(filter.condition);
  }
  return false;
}

}  // namespace mintmark
