#include <cstddef>
#include <cstdint>
#include <string_view>

#include <boost/json/parse.hpp>

#include "api/list_response.h"
#include "api/routes.h"
#include "domain/limits.h"
#include "tests/fuzz/require.h"

// A query of any bytes is a page of a list or refused, and the list answers; a path of any bytes has a route
// or none.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mintmark;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto query = parse_list_query(text)) {
    testing::require(query->limit <= limits::page_max, "a page holds its limit");
    testing::require(query->ordering.size() <= limits::ordering_fields_max, "an order holds its limit");
    auto tokens = boost::json::parse(
        R"([{"id":"SU-000-000-001","name":"a n1","status":"active","expiration_date":null},
            {"id":"SU-000-000-002","name":"b","external_id":"x","expiration_date":"2030-01-01T00:00:00+00:00"}])");
    const auto response = respond_with_list(std::move(tokens.as_array()), token_fields, *query);
    testing::require(response.status == 200 || response.status == 400, "a list answers or refuses");
    testing::require(response.status == 400 || response.headers.front().second.starts_with("items "),
                     "a list tells its range");
  } else {
    testing::require(query.error().kind == ErrorKind::kInvalidQuery, "what is no query is invalid");
    testing::require(query.error().messages.size() == 1, "with one message");
  }
  const auto match = match_route("GET", text);
  testing::require(match.route == nullptr || !match.allow.empty(), "a path with a route takes some methods");
  return 0;
}
