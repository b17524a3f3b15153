#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/error.h"
#include "domain/limits.h"

// RQL: the filters, order and page that a list's query asks for (CONTRACT.md, RQL).
//
//   query    := [ term ( ("&" | ",") term )* ]        empty terms are left out
//   group    := all ( ("|" | ";") all )*              only inside parentheses
//   all      := term ( ("&" | ",") term )*
//   term     := "(" group ")"  |  ("and" | "or") "(" term ("," term)* ")"  |  "not" "(" group ")"
//             | op "(" prop "," value ")"  |  prop "=" [ op "=" ] value
//             | ("in" | "out") "(" prop "," list ")"  |  prop "=" ("in" | "out") "=" list
//             | "range" "(" prop "," value "," value ")"
//             | ("null" | "empty") "(" prop [ "," ("true" | "false") ] ")"
//             | ("ordering" | "select") "(" [ ["+" | "-"] prop ("," ["+" | "-"] prop)* ] ")"
//   op       := eq ne gt ge gte lt le lte like ilike
//   prop     := [A-Za-z][A-Za-z0-9_.-]*
//   list     := "(" [ value ("," value)* ] ")"
//   value    := '"' … '"'  |  "'" … "'"  |  "null()"  |  "empty()"  |  anything without & | ; , ( ) =
//
// Percent-encoding. The query is decoded once, before it is read: an encoded character means what it means
// unencoded, syntax outside quotes and data inside them, because clients send quotes, pipes, commas and
// parentheses either way. One exception: an encoded ampersand (%26) is always data. '+' is a plus, encoded or
// not. A quoted value ends at the next quote of its kind, encoded or not; it knows no escapes, so a value
// with one kind of quote goes into the other. White space before a value or a term is skipped.
namespace mintmark::rql {

enum class Operator : std::uint8_t { kEq, kNe, kGt, kGe, kLt, kLe, kLike, kIlike, kIn, kOut };

struct Value {
  enum class Kind : std::uint8_t { kText, kNull, kEmpty };
  Kind kind = Kind::kText;
  std::string text;
};

struct Expression {
  enum class Kind : std::uint8_t { kAnd, kOr, kNot, kComparison };
  Kind kind = Kind::kAnd;
  std::vector<Expression> parts;  // of and, or; the one of not
  // Of a comparison:
  Operator op = Operator::kEq;
  std::string field;
  std::vector<Value> values;  // one, but for in and out
  std::size_t position = 0;   // of its first character in the query as it was sent, from 1
};

struct Ordering {
  std::string field;
  bool descending = false;
  std::size_t position = 0;
};

struct Selection {
  std::string field;
  bool left_out = false;
};

}  // namespace mintmark::rql

namespace mintmark {

// What a list is asked for. limit, offset and search may each come once, as name=v, name=eq=v or eq(name,v);
// they, ordering() and select() stand at the top or inside an and() there, since they are no conditions.
// min_position is a parameter of reads, and no filter: it is written and may stand as they.
struct ListQuery {
  std::size_t limit = limits::page_default;  // the default where it is no number; at most limits::page_max
  std::size_t offset = 0;                    // 0 where it is no number
  rql::Expression filter;
  std::string search;  // empty: no search
  std::vector<rql::Ordering> ordering;
  std::vector<rql::Selection> selection;
  std::optional<std::string> min_position;  // as it was sent
  // The query without limit, offset and min_position: the same for every page of one list.
  std::string identity;
};

// From the query as it was sent. kInvalidQuery where it cannot be read; the message names the place.
Result<ListQuery> parse_list_query(std::string_view query);

}  // namespace mintmark
