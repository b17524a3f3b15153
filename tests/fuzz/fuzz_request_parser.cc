#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "api/http/request_parser.h"
#include "domain/limits.h"
#include "tests/fuzz/require.h"

// The parser reads the same out of the same bytes however they arrive, and holds its limits.
namespace mintmark::http {
namespace {

using testing::require;

struct Outcome {
  bool done = false;
  std::optional<ProtocolError> error;
  std::string method;
  std::string target;
  std::string body;

  bool operator==(const Outcome&) const = default;
};

// The input in pieces of at most `piece` bytes, as a connection presents them.
Outcome parse(std::string_view input, std::size_t piece) {
  Request request;
  RequestParser parser(request);
  std::size_t begin = 0;
  std::size_t end = 0;
  while (end < input.size() && !parser.done() && !parser.error()) {
    end = std::min(end + piece, input.size());
    for (;;) {
      const auto size = parser.parse(input.substr(begin, end - begin));
      require(size <= end - begin, "it consumes no more than there is");
      begin += size;
      if (size == 0 || begin == end || parser.done() || parser.error()) break;
    }
  }
  Outcome outcome{parser.done(), parser.error(), {}, {}, {}};
  require(!(outcome.done && outcome.error), "a request is not both whole and refused");
  require(request.body().size() <= limits::request_body_bytes_max, "a body holds its limit");
  if (!outcome.done) return outcome;
  outcome.method = request.method();
  outcome.target = request.target();
  outcome.body = request.body();
  require(!outcome.method.empty() && !outcome.target.empty(), "a request has a method and a target");
  require(request.header_count("Host") <= 1, "a request names one host at most");
  return outcome;
}

}  // namespace
}  // namespace mintmark::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto whole = mintmark::http::parse(input, std::max<std::size_t>(size, 1));
  const auto bytewise = mintmark::http::parse(input, 1);
  mintmark::testing::require(whole.done == bytewise.done, "pieces do not change whether it is whole");
  if (whole.done) mintmark::testing::require(whole == bytewise, "pieces do not change what is read");
  return 0;
}
