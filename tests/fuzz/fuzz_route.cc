#include <cstddef>
#include <cstdint>
#include <string_view>

#include "api/routes.h"
#include "tests/fuzz/require.h"

// A path of any bytes has a route or none.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view path(reinterpret_cast<const char*>(data), size);
  const auto match = mintmark::match_route("GET", path);
  mintmark::testing::require(match.route == nullptr || !match.allow.empty(),
                             "a path with a route takes some methods");
  return 0;
}
