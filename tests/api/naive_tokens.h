#pragma once

#include <algorithm>
#include <cctype>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/parse.hpp>

#include "api/http/message.h"

// Tokens as a list shows them, and random questions about them that are answered from the contract's words
// alone.
namespace mintmark::naive_tokens {

namespace json = boost::json;

inline const std::vector<std::string> text_fields = {"id",
                                                     "name",
                                                     "description",
                                                     "external_id",
                                                     "status",
                                                     "extension.id",
                                                     "extension.name",
                                                     "events.created.by.id",
                                                     "events.created.by.name",
                                                     "events.created.by.email",
                                                     "permissions.id",
                                                     "permissions.object.id"};
inline const std::vector<std::string> date_fields = {"expiration_date", "events.created.at", "last_used_at"};

// What a token shows: the texts under each field, none where that is null.
struct Row {
  std::string id, name;
  std::map<std::string, std::vector<std::string>, std::less<>> values;
  std::size_t place = 0;  // in the whole list

  std::string value(const std::string& field) const {
    const auto& found = values.at(field);
    return found.empty() ? "" : found.front();
  }
  // Whether any of them fits; nothing is an empty text.
  template <class Fits>
  bool any(const std::string& field, Fits&& fits) const {
    const auto& found = values.at(field);
    return found.empty() ? fits(std::string()) : std::ranges::any_of(found, fits);
  }
};

// Of the members that a path leads to, through every element of an array.
inline void collect(const json::value& value, std::string_view path, std::vector<std::string>& texts) {
  if (value.is_array()) {
    for (const auto& element : value.as_array()) collect(element, path, texts);
  } else if (value.is_object()) {
    const auto end = std::min(path.find('.'), path.size());
    collect(value.at(path.substr(0, end)), path.substr(std::min(end + 1, path.size())), texts);
  } else if (value.is_string() && !value.as_string().empty()) {
    texts.emplace_back(value.as_string());
  }
}

// Every date here is printed in UTC by the same function, so that texts compare as dates do.
inline std::vector<Row> read_rows(const http::Response& response) {
  std::vector<Row> rows;
  for (const auto& value : json::parse(response.body).as_array()) {
    Row row;
    for (const auto& fields : {text_fields, date_fields}) {
      for (const auto& field : fields) collect(value, field, row.values[field]);
    }
    row.id = row.value("id");
    row.name = row.value("name");
    row.place = rows.size();
    rows.push_back(std::move(row));
  }
  return rows;
}

inline std::vector<std::string> read_ids(const http::Response& response) {
  std::vector<std::string> ids;
  for (const auto& value : json::parse(response.body).as_array())
    ids.emplace_back(value.at("id").as_string());
  return ids;
}

inline std::string lower(std::string text) {
  for (auto& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// A pattern by backtracking.
inline bool fits(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() == '*') {
    for (std::size_t skip = 0; skip <= text.size(); ++skip) {
      if (fits(pattern.substr(1), text.substr(skip))) return true;
    }
    return false;
  }
  return !text.empty() && pattern.front() == text.front() && fits(pattern.substr(1), text.substr(1));
}

// A random query, as text and as what it means.
struct Question {
  std::string text;
  std::function<bool(const Row&)> answer;
};

class Questions {
 public:
  Questions(std::uint32_t seed, const std::vector<Row>& rows) : engine_(seed), rows_(rows) {}

  Question ask(int depth) {
    const auto dice = below(depth == 0 ? 6 : 10);
    if (dice < 4) return about_text();
    if (dice < 6) return about_date();
    if (dice == 6) {
      auto part = ask(depth - 1);
      return {"not(" + part.text + ")", [part](const Row& row) { return !part.answer(row); }};
    }
    auto left = ask(depth - 1);
    auto right = ask(depth - 1);
    if (dice == 7) {
      return {"and(" + left.text + "," + right.text + ")",
              [left, right](const Row& row) { return left.answer(row) && right.answer(row); }};
    }
    const auto either = [left, right](const Row& row) { return left.answer(row) || right.answer(row); };
    if (dice == 8) return {"or(" + left.text + "," + right.text + ")", either};
    return {"(" + left.text + "|" + right.text + ")", either};
  }

  std::string any_of(const std::string& field) {
    const auto& values = rows_[below(rows_.size())].values.at(field);
    return values.empty() ? "" : values[below(values.size())];
  }
  std::size_t below(std::size_t end) { return engine_() % end; }
  std::string one_of(const std::vector<std::string>& choices) { return choices[below(choices.size())]; }

 private:
  // About a field, by what any of its texts is.
  template <class Fits>
  static Question about(const std::string& field, std::string text, Fits fits) {
    return {std::move(text), [=](const Row& row) { return row.any(field, fits); }};
  }

  Question about_text() {
    const auto field = one_of(text_fields);
    const auto value = any_of(field);
    const auto part = value.substr(value.empty() ? 0 : below(value.size()), 1 + below(4));
    switch (below(5)) {
      case 0:
        return about(field, field + "=\"" + value + "\"", [=](const auto& text) { return text == value; });
      case 1: {
        const auto equal = [=](const auto& text) { return text == value; };
        return {"ne(" + field + ",'" + value + "')", [=](const Row& row) { return !row.any(field, equal); }};
      }
      case 2: {
        const auto other = any_of(field);
        const auto list = "(" + field + ",('" + value + "','" + other + "'))";
        const auto among = [=](const auto& text) { return text == value || text == other; };
        if (below(2) == 0) return about(field, "in" + list, among);
        return {"out" + list, [=](const Row& row) { return !row.any(field, among); }};
      }
      case 3: {
        const auto pattern = one_of({"*", ""}) + part + one_of({"*", ""});
        return about(field, "like(" + field + ",'" + (pattern == "**" ? "*" : pattern) + "')",
                     [=](const auto& text) { return fits(pattern, text); });
      }
      default: {
        const auto pattern = part.substr(0, 1) + "*" + part.substr(part.empty() ? 0 : 1);
        return about(field, "ilike(" + field + ",'" + pattern + "')",
                     [=](const auto& text) { return fits(lower(pattern), lower(text)); });
      }
    }
  }

  Question about_date() {
    const auto field = one_of(date_fields);
    const auto value = any_of(field);
    const auto other = any_of(field);
    if (value.empty() || other.empty()) {
      const auto is_null = [=](const Row& row) { return row.value(field).empty(); };
      if (below(3) == 0) {
        return {
            one_of({"ne(" + field + ",null())", "null(" + field + ",false)", "out(" + field + ",(null()))"}),
            [=](const Row& row) { return !is_null(row); }};
      }
      return {one_of({"eq(" + field + ",null())", "null(" + field + ")", "in(" + field + ",(null()))"}),
              is_null};
    }
    const auto op = one_of({"gt", "ge", "lt", "le", "eq", "ne", "range", "in", "out"});
    const auto is_list = op == "in" || op == "out";
    const auto with_null = is_list && below(3) == 0;
    const auto values = op == "range" ? value + "," + other
                        : is_list     ? "(" + value + "," + other + (with_null ? ",null())" : ")")
                                      : value;
    return {op + "(" + field + "," + values + ")", [=](const Row& row) {
              const auto shown = row.value(field);
              const auto among = shown.empty() ? with_null : shown == value || shown == other;
              if (is_list) return op == "in" ? among : !among;
              if (op == "ne") return shown != value;
              if (shown.empty()) return false;
              if (op == "range") return shown >= value && shown <= other;
              if (op == "gt") return shown > value;
              if (op == "ge") return shown >= value;
              if (op == "lt") return shown < value;
              return op == "le" ? shown <= value : shown == value;
            }};
  }

  std::mt19937 engine_;
  const std::vector<Row>& rows_;
};

// Nulls come last, or first where the order descends.
inline void sort_naively(std::vector<Row>& rows, const std::vector<std::string>& order) {
  std::ranges::sort(rows, [&](const Row& left, const Row& right) {
    for (const auto& by : order) {
      const bool descending = by.starts_with('-');
      const auto field = by.substr(descending ? 1 : 0);
      auto a = left.value(field);
      auto b = right.value(field);
      const bool is_date = std::ranges::find(date_fields, field) != date_fields.end();
      if (is_date) a = a.empty() ? "~" : a, b = b.empty() ? "~" : b;
      if (a != b) return descending ? a > b : a < b;
    }
    return left.place < right.place;
  });
}

}  // namespace mintmark::naive_tokens
