#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "api/list_filter.h"
#include "domain/limits.h"
#include "tests/fuzz/require.h"

// A query of any bytes is read or refused; what is read compiles against a table or is refused, and can be
// asked of rows. What a pattern's candidates leave out does not match.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mintmark;
  static constexpr std::array fields = std::to_array<Field>({
      {"name", FieldType::kText, true, true},
      {"id", FieldType::kText, true, true},
      {"active", FieldType::kBool, true},
      {"priority", FieldType::kNumber, true},
      {"expiration_date", FieldType::kDate, true},
  });
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto query = parse_list_query(text);
  if (!query) {
    testing::require(query.error().kind == ErrorKind::kInvalidQuery, "what is no query is invalid");
    testing::require(query.error().messages.size() == 1, "with one message");
    return 0;
  }
  testing::require(query->limit <= limits::page_max, "a page holds its limit");
  testing::require(query->ordering.size() <= limits::ordering_fields_max, "an order holds its limit");
  static_cast<void>(compile_ordering(*query, fields));
  const auto filter = compile_filter(*query, fields);
  if (!filter) return 0;
  for (const std::string_view row : {std::string_view(), std::string_view("a n1"), text.substr(0, 64)}) {
    passes(*filter, [row](const Condition& condition) {
      if (fields[condition.field].type != FieldType::kText) {
        return condition.matches(std::optional(static_cast<std::int64_t>(row.size())));
      }
      const bool matches = condition.matches(row);
      if (condition.kind != Condition::Kind::kLike || condition.pattern.piece().empty()) return matches;
      bool candidate = false;
      condition.pattern.for_each_candidate(row, [&](std::size_t) {
        candidate = true;
        return row.size();
      });
      testing::require(candidate || !matches, "what matches is a candidate");
      testing::require(!candidate || matches || !condition.pattern.is_contains(),
                       "what holds the piece matches");
      return matches;
    });
  }
  return 0;
}
