#include <cstddef>
#include <cstdint>
#include <string_view>

#include "api/list_query.h"
#include "api/routes.h"
#include "domain/limits.h"
#include "tests/fuzz/require.h"

// A query of any bytes is a page within its limits or refused; a path of any bytes has a route or none.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mintmark;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto page = parse_page_request(text)) {
    testing::require(page->limit <= limits::page_max, "a page holds its limit");
    const auto response = list_response(slice_of({1, 2, 3}, *page), *page, 3);
    testing::require(response.headers.front().second.starts_with("items "), "a list tells its range");
  } else {
    testing::require(page.error().kind == ErrorKind::kInvalid, "what is no page is invalid");
  }
  const auto match = match_route("GET", text);
  testing::require(match.route == nullptr || !match.allow.empty(), "a path with a route takes some methods");
  return 0;
}
