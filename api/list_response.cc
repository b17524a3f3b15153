#include "api/list_response.h"

#include <algorithm>
#include <compare>
#include <utility>
#include <vector>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "api/errors.h"
#include "domain/limits.h"
#include "domain/time.h"

namespace mintmark {
namespace {

namespace json = boost::json;

// Takes the first name off a path: "events.created" leaves "created".
std::string_view take_name(std::string_view& path) {
  const auto end = path.find('.');
  const auto name = path.substr(0, end);
  path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
  return name;
}

// Calls visit(value) for what stands at the path; through arrays, for every element's.
template <class Visit>
void visit_values(const json::value& value, std::string_view path, Visit&& visit) {
  if (value.is_array()) {
    for (const auto& element : value.get_array()) visit_values(element, path, visit);
  } else if (path.empty()) {
    visit(value);
  } else if (value.is_object()) {
    const auto name = take_name(path);
    if (const auto* member = value.get_object().if_contains(name)) visit_values(*member, path, visit);
  }
}

std::string_view text_of(const json::value& value) {
  return value.is_string() ? std::string_view(value.get_string()) : std::string_view();
}

std::optional<std::int64_t> number_of(const json::value& value) {
  if (value.is_bool()) return value.get_bool() ? 1 : 0;
  if (value.is_int64()) return value.get_int64();
  if (!value.is_string()) return std::nullopt;
  const auto time = parse_time(value.get_string());
  if (!time) return std::nullopt;
  return time->time_since_epoch().count();
}

bool row_matches(const Condition& condition, const json::value& row, FieldTable fields) {
  const auto& field = fields[condition.field];
  bool found = false;
  bool any = false;
  visit_values(row, field.name, [&](const json::value& value) {
    any = true;
    found = found || (field.type == FieldType::kText ? condition.matches(text_of(value))
                                                     : condition.matches(number_of(value)));
  });
  if (any) return found;
  return field.type == FieldType::kText ? condition.matches(std::string_view())
                                        : condition.matches(std::optional<std::int64_t>());
}

// What a row is ordered by.
struct SortKey {
  bool is_null = true;
  std::int64_t number = 0;
  std::string_view text;

  std::weak_ordering operator<=>(const SortKey& other) const {
    if (is_null != other.is_null) return is_null <=> other.is_null;
    if (number != other.number) return number <=> other.number;
    return text.compare(other.text) <=> 0;
  }
  bool operator==(const SortKey&) const = default;
};

SortKey sort_key(const json::value& row, const Field& field) {
  SortKey key;
  visit_values(row, field.name, [&](const json::value& value) {
    if (!key.is_null || value.is_null()) return;
    key.is_null = false;
    if (field.type == FieldType::kText) {
      key.text = text_of(value);
    } else {
      key.number = number_of(value).value_or(0);
    }
  });
  return key;
}

void sort_rows(std::vector<json::value*>& rows, const std::vector<OrderBy>& order, FieldTable fields) {
  std::ranges::sort(rows, [&](const json::value* left, const json::value* right) {
    for (const auto& by : order) {
      const auto compared = sort_key(*left, fields[by.field]) <=> sort_key(*right, fields[by.field]);
      if (compared != 0) return by.descending ? compared > 0 : compared < 0;
    }
    return left < right;  // they stand in one array, in the list's own order
  });
}

void erase_path(json::value& value, std::string_view path) {
  if (value.is_array()) {
    for (auto& element : value.get_array()) erase_path(element, path);
  } else if (value.is_object()) {
    const auto name = take_name(path);
    auto& object = value.get_object();
    if (path.empty()) {
      object.erase(name);
    } else if (auto* member = object.if_contains(name)) {
      erase_path(*member, path);
    }
  }
}

// Copies what stands at the path of `from` to `to`, with the objects that lead there.
void copy_path(const json::value& from, json::value& to, std::string_view path) {
  if (!from.is_object() || !to.is_object()) return;
  const auto name = take_name(path);
  const auto* source = from.get_object().if_contains(name);
  if (!source) return;
  auto& object = to.get_object();
  if (path.empty()) {
    object[name] = *source;
  } else if (source->is_object()) {
    copy_path(*source, object.emplace(name, json::object()).first->value(), path);
  }
}

}  // namespace

Result<json::array> filter_list(json::array objects, FieldTable fields, const ListQuery& query) {
  const auto filter = compile_filter(query, fields);
  if (!filter) return std::unexpected(filter.error());
  const auto bounded = check_work(*filter, objects.size(), limits::query_table_checks_max);
  if (!bounded) return std::unexpected(bounded.error());
  json::array passed;
  for (auto& object : objects) {
    const auto matches = [&](const Condition& condition) { return row_matches(condition, object, fields); };
    if (passes(*filter, matches)) passed.push_back(std::move(object));
  }
  return passed;
}

http::Response respond_with_list(json::array objects, FieldTable fields, const ListQuery& query,
                                 const CompleteObject& complete) {
  const auto filter = compile_filter(query, fields);
  if (!filter) return error_response(filter.error());
  const auto order = compile_ordering(query, fields);
  if (!order) return error_response(order.error());
  const auto bounded = check_work(*filter, objects.size(), limits::query_table_checks_max);
  if (!bounded) return error_response(bounded.error());
  std::vector<json::value*> rows;
  for (auto& object : objects) {
    const auto matches = [&](const Condition& condition) { return row_matches(condition, object, fields); };
    if (passes(*filter, matches)) rows.push_back(&object);
  }
  if (!order->empty()) sort_rows(rows, *order, fields);
  json::array items;
  for (auto i = query.offset; i < rows.size() && items.size() < query.limit; ++i) {
    if (complete) complete(rows[i]->as_object());
    apply_selection(rows[i]->as_object(), query.selection);
    items.push_back(std::move(*rows[i]));
  }
  return list_response(items, query, rows.size());
}

http::Response list_response(const json::array& items, const ListQuery& query, std::size_t total) {
  http::Response response{200, "application/json", json::serialize(items), {}};
  std::string range;
  if (!items.empty()) {
    range = fmt::format("items {}-{}/{}", query.offset, query.offset + items.size() - 1, total);
  } else if (query.limit == 0 || total == 0) {
    range = fmt::format("items 0-0/{}", total);
  } else {
    range = fmt::format("items {}-{}/{}", query.offset, query.offset, total);
  }
  response.headers.emplace_back("Content-Range", std::move(range));
  return response;
}

void apply_selection(json::object& object, const std::vector<rql::Selection>& selection) {
  if (std::ranges::none_of(selection, &rql::Selection::left_out)) return;
  json::value shown = object;
  for (const auto& field : selection) {
    if (field.left_out) erase_path(shown, field.field);
  }
  const json::value whole = std::move(object);
  for (const auto& field : selection) {
    if (!field.left_out) copy_path(whole, shown, field.field);
  }
  object = std::move(shown.get_object());
}

}  // namespace mintmark
