#include "api/list_query.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "domain/limits.h"

namespace mintmark {
namespace {

// The value of one term that sets `name`; nothing where the term is about something else.
std::optional<std::string_view> value_of(std::string_view term, std::string_view name) {
  if (term.starts_with("eq(") && term.ends_with(')')) {
    term = term.substr(3, term.size() - 4);
    if (!term.starts_with(name) || term.size() == name.size() || term[name.size()] != ',')
      return std::nullopt;
    return term.substr(name.size() + 1);
  }
  if (!term.starts_with(name) || term.size() == name.size() || term[name.size()] != '=') return std::nullopt;
  term.remove_prefix(name.size() + 1);
  if (term.starts_with("eq=")) term.remove_prefix(3);
  return term;
}

// A number too large for any list is as good as the largest there is.
std::size_t number_or(std::string_view text, std::size_t fallback) {
  std::size_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end != text.data() + text.size()) return fallback;
  if (code == std::errc::result_out_of_range) return std::numeric_limits<std::size_t>::max();
  return code == std::errc() ? number : fallback;
}

Result<std::size_t> find_number(std::string_view query, std::string_view name, std::size_t fallback) {
  std::optional<std::string_view> found;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    if (const auto value = value_of(query.substr(0, end), name)) {
      if (found) return fail(ErrorKind::kInvalid, fmt::format("{}: Given more than once.", name));
      found = value;
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return found ? number_or(*found, fallback) : fallback;
}

}  // namespace

Result<PageRequest> parse_page_request(std::string_view query) {
  const auto limit = find_number(query, "limit", limits::page_default);
  if (!limit) return std::unexpected(limit.error());
  const auto offset = find_number(query, "offset", 0);
  if (!offset) return std::unexpected(offset.error());
  return PageRequest{std::min(*limit, limits::page_max), *offset};
}

http::Response list_response(const boost::json::array& items, const PageRequest& page, std::size_t total) {
  http::Response response{200, "application/json", boost::json::serialize(items), {}};
  std::string range;
  if (!items.empty()) {
    range = fmt::format("items {}-{}/{}", page.offset, page.offset + items.size() - 1, total);
  } else if (page.limit == 0 || total == 0) {
    range = fmt::format("items 0-0/{}", total);
  } else {
    range = fmt::format("items {}-{}/{}", page.offset, page.offset, total);
  }
  response.headers.emplace_back("Content-Range", std::move(range));
  return response;
}

boost::json::array slice_of(boost::json::array all, const PageRequest& page) {
  boost::json::array part;
  for (auto i = page.offset; i < all.size() && part.size() < page.limit; ++i)
    part.push_back(std::move(all[i]));
  return part;
}

}  // namespace mintmark
