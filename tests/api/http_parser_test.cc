#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "api/http/message.h"
#include "api/http/request_parser.h"
#include "tests/support/request_builder.h"

namespace mintmark::http::http_parser_test {
namespace {

using namespace std::string_literals;

struct Parsed {
  bool done = false;
  std::optional<ProtocolError> error;
  bool keep_alive = false;
  std::string rest;  // what the parser left
};

// Presents `input` as a connection does: `step` more bytes each time, behind what is still unconsumed.
Parsed parse(Request& request, std::string_view input, std::size_t step) {
  RequestParser parser(request);
  std::string pending;
  while (!parser.done() && !parser.error() && !input.empty()) {
    pending += input.substr(0, step);
    input.remove_prefix(std::min(step, input.size()));
    std::size_t consumed = 0;
    do {
      // A copy at an address of its own, so that a sanitizer sees any use of an earlier one.
      const std::string presented = pending;
      consumed = parser.parse(presented);
      pending.erase(0, consumed);
    } while (consumed > 0 && !pending.empty() && !parser.done() && !parser.error());
  }
  return {parser.done(), parser.error(), parser.done() && parser.keep_alive(), pending + std::string(input)};
}

std::optional<ProtocolError> refusal_of(std::string_view input) {
  Request request;
  const Parsed whole = parse(request, input, input.size());
  EXPECT_FALSE(whole.done) << input;
  return whole.error;
}

std::string fields_request(std::string_view fields) {
  return "POST /x HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n";
}

TEST(RequestParser, ReadsARequestHoweverItIsCut) {
  const std::string input =
      "\r\nPOST /a/b?c=%20d HTTP/1.1\r\nHost: example:80\r\nX-One:  1 \t\r\nx-one: 2\r\nEmpty:\r\n"
      "Content-Length: 5\r\n\r\nhelloGET";
  for (std::size_t step = 1; step <= input.size(); ++step) {
    Request request;
    const Parsed parsed = parse(request, input, step);
    ASSERT_TRUE(parsed.done) << step;
    EXPECT_TRUE(parsed.keep_alive);
    EXPECT_EQ(parsed.rest, "GET");
    EXPECT_EQ(request.method(), "POST");
    EXPECT_EQ(request.target(), "/a/b?c=%20d");
    EXPECT_EQ(request.path(), "/a/b");
    EXPECT_EQ(request.query(), "c=%20d");
    EXPECT_EQ(request.header("HOST"), "example:80");
    EXPECT_EQ(request.header("X-One"), "1");
    EXPECT_EQ(request.header_count("X-ONE"), 2U);
    EXPECT_EQ(request.header("empty"), "");
    EXPECT_EQ(request.header("absent"), std::nullopt);
    EXPECT_EQ(request.body(), "hello");
  }
}

TEST(RequestParser, ReadsChunksHoweverTheyAreCut) {
  const std::string input =
      "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "5\r\nhello\r\n1;name=\"v\"\r\n \r\n005\r\nworld\r\n0\r\nTrailer: t\r\n\r\nrest";
  for (std::size_t step = 1; step <= input.size(); ++step) {
    Request request;
    const Parsed parsed = parse(request, input, step);
    ASSERT_TRUE(parsed.done) << step;
    EXPECT_EQ(request.body(), "hello world");
    EXPECT_EQ(request.header("Trailer"), std::nullopt);
    EXPECT_EQ(parsed.rest, "rest");
  }
}

TEST(RequestParser, ReusesItsRequest) {
  Request request;
  parse(request, "POST /long?q HTTP/1.1\r\nHost: h\r\nX: y\r\nContent-Length: 2\r\n\r\nab", 1000);
  ASSERT_TRUE(parse(request, "GET / HTTP/1.1\r\nHost: i\r\n\r\n", 1000).done);
  EXPECT_EQ(request.method(), "GET");
  EXPECT_EQ(request.query(), "");
  EXPECT_EQ(request.header("X"), std::nullopt);
  EXPECT_EQ(request.header("Host"), "i");
  EXPECT_EQ(request.body(), "");
}

TEST(RequestParser, KnowsWhichConnectionsAreKept) {
  Request request;
  EXPECT_TRUE(parse(request, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 99).keep_alive);
  EXPECT_FALSE(parse(request, "GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n", 99).keep_alive);
  EXPECT_FALSE(parse(request, "GET / HTTP/1.0\r\n\r\n", 99).keep_alive);
  EXPECT_TRUE(parse(request, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 99).keep_alive);
}

TEST(RequestParser, TakesTheFourFormsOfTargets) {
  const auto target = [](std::string_view method, std::string_view sent) -> std::optional<std::string> {
    Request request;
    const std::string line = std::string(method) + " " + std::string(sent) + " HTTP/1.1\r\nHost: h\r\n\r\n";
    const Parsed parsed = parse(request, line, line.size());
    return parsed.done ? std::optional(std::string(request.target())) : std::nullopt;
  };
  EXPECT_EQ(target("GET", "/a?b"), "/a?b");
  EXPECT_EQ(target("GET", "http://h:80/a?b"), "/a?b");
  EXPECT_EQ(target("GET", "HTTPS://h"), "/");
  EXPECT_EQ(target("GET", "http://h?b"), "/?b");
  EXPECT_EQ(target("OPTIONS", "*"), "*");
  EXPECT_EQ(target("CONNECT", "h:443"), "h:443");
  EXPECT_EQ(target("GET", "//two"), "//two");
  EXPECT_EQ(target("GET", "*"), std::nullopt);
  EXPECT_EQ(target("GET", "http:///a"), std::nullopt);
  EXPECT_EQ(target("GET", "http://u@h/a"), std::nullopt);
  EXPECT_EQ(target("GET", "ftp://h/a"), std::nullopt);
  EXPECT_EQ(target("GET", "a/b"), std::nullopt);
}

TEST(RequestParser, RefusesWhatAnotherParserMightReadDifferently) {
  const std::vector<std::string> smuggling = {
      "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
      "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
      "Content-Length: 5\r\nContent-Length: 6\r\n",
      "Content-Length: 5\r\nContent-Length: 5\r\n",
      "Content-Length: 5, 5\r\n",
      "Content-Length: +5\r\n",
      "Content-Length: -5\r\n",
      "Content-Length: 0x5\r\n",
      "Content-Length: 5 5\r\n",
      "Content-Length:\r\n",
      "Content-Length: 99999999999999999999999\r\n",
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
      "Transfer-Encoding:\r\n",
      "Transfer-Encoding : chunked\r\n",
      "Transfer-Encoding: \vchunked\r\n",
      "Content-Length : 5\r\n",
      " Content-Length: 5\r\n",
      "X: y\r\n folded\r\n",
      "X:\r\n folded\r\n",
      "X: y\r\n\tfolded\r\n",
      "X: y\r\n \r\n",
      "X: a\0b\r\n"s,
      "X\0: b\r\n"s,
      "X: a\x01z\r\n",
      "X: a\x7fz\r\n",
      "X: a\rb\r\n",
      "X: a\nY: b\r\n",
      "Host: other\r\n",
      "Host: h\r\n",
      ": empty\r\n",
      "no colon\r\n",
      "X(Y): z\r\n",
  };
  for (const std::string& fields : smuggling) {
    EXPECT_EQ(refusal_of(fields_request(fields)), ProtocolError::kMalformed) << fields;
  }
  for (const std::string encoding :
       {"gzip", "gzip, chunked", "chunked, gzip", "chunked;q=1", "xchunked", "identity"}) {
    const std::string fields = "Transfer-Encoding: " + encoding + "\r\n";
    EXPECT_EQ(refusal_of(fields_request(fields)), ProtocolError::kUnsupportedEncoding) << fields;
  }
}

TEST(RequestParser, RefusesMalformedHeads) {
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\n\r\n"), ProtocolError::kMalformed) << "no Host";
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), ProtocolError::kMalformed);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), ProtocolError::kMalformed);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\nHost: h\n\n"), ProtocolError::kMalformed);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\nHost: h\n\r\n"), ProtocolError::kMalformed);
  EXPECT_EQ(refusal_of("GET  / HTTP/1.1\r\nHost: h\r\n\r\n"), ProtocolError::kMalformed);
  EXPECT_EQ(refusal_of("GET / HTTP/1.1 \r\nHost: h\r\n\r\n"), ProtocolError::kMalformed);
  EXPECT_EQ(refusal_of("GET /\t HTTP/1.1\r\nHost: h\r\n\r\n"), ProtocolError::kMalformed);
  EXPECT_EQ(refusal_of("GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n"s), ProtocolError::kMalformed);
  EXPECT_EQ(refusal_of("G\0T / HTTP/1.1\r\nHost: h\r\n\r\n"s), ProtocolError::kMalformed);
  EXPECT_EQ(refusal_of("GET /\r\n\r\n"), ProtocolError::kMalformed) << "HTTP/0.9";
  EXPECT_EQ(refusal_of("GET / http/1.1\r\n\r\n"), ProtocolError::kMalformed);
  EXPECT_EQ(refusal_of("GET / HTTP/11\r\nHost: h\r\n\r\n"), ProtocolError::kMalformed);
  EXPECT_EQ(refusal_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), ProtocolError::kMalformed);
  EXPECT_EQ(refusal_of("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s), ProtocolError::kMalformed) << "TLS";
  EXPECT_EQ(refusal_of(fields_request("Expect: 200-ok\r\n")), ProtocolError::kExpectationFailed);
  EXPECT_EQ(refusal_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), ProtocolError::kUnsupportedVersion);
  EXPECT_EQ(refusal_of("GET / HTTP/1.2\r\nHost: h\r\n\r\n"), ProtocolError::kUnsupportedVersion);
  EXPECT_EQ(refusal_of("GET / HTTP/0.9\r\n\r\n"), ProtocolError::kUnsupportedVersion);
}

TEST(RequestParser, RefusesMalformedChunks) {
  const auto chunks = [](std::string_view body) {
    return refusal_of(fields_request("Transfer-Encoding: chunked\r\n") + std::string(body));
  };
  EXPECT_EQ(chunks("x\r\n"), ProtocolError::kMalformed);
  EXPECT_EQ(chunks("\r\n"), ProtocolError::kMalformed);
  EXPECT_EQ(chunks("-1\r\n"), ProtocolError::kMalformed);
  EXPECT_EQ(chunks("0x1\r\na\r\n\r\n"), ProtocolError::kMalformed);
  EXPECT_EQ(chunks("1 a\r\nb\r\n"), ProtocolError::kMalformed);
  EXPECT_EQ(chunks("1\r\nab\r\n0\r\n\r\n"), ProtocolError::kMalformed);
  EXPECT_EQ(chunks("1\na\n0\n\n\r\n\r\n"), ProtocolError::kMalformed);
  EXPECT_EQ(chunks("fffffffffffffffff\r\n"), ProtocolError::kMalformed);
  EXPECT_EQ(chunks("ffffffffffffffff\r\n"), ProtocolError::kBodyTooLarge);
  EXPECT_EQ(chunks("0\r\nContent-Length: 5\r\n\r\n"), ProtocolError::kMalformed);
  EXPECT_EQ(chunks("0\r\nX: y\r\n folded\r\n\r\n"), ProtocolError::kMalformed);
  EXPECT_EQ(chunks("1;" + std::string(5000, 'a') + "\r\nb\r\n"), ProtocolError::kHeadTooLarge);
}

TEST(RequestParser, HoldsTheLimits) {
  const std::string line = "GET / HTTP/1.1\r\nHost: h\r\n";
  const auto head_of = [&](std::size_t bytes) {
    return line + "X: " + std::string(bytes - line.size() - 7, 'x') + "\r\n\r\n";
  };
  const auto headers = [&](std::size_t count) {
    std::string head = line;
    for (std::size_t i = 1; i < count; ++i) {
      head += "X: y\r\n";
    }
    return head + "\r\n";
  };
  for (const std::size_t step : {std::size_t{1}, std::size_t{1000}, std::size_t{1'000'000}}) {
    Request request;
    EXPECT_TRUE(parse(request, head_of(limits::request_head_bytes_max), step).done) << step;
    EXPECT_EQ(parse(request, head_of(limits::request_head_bytes_max + 1), step).error,
              ProtocolError::kHeadTooLarge);
    EXPECT_EQ(parse(request, "GET /" + std::string(limits::request_head_bytes_max, 'x'), step).error,
              ProtocolError::kHeadTooLarge);
    EXPECT_TRUE(parse(request, headers(limits::request_headers_max), step).done) << step;
    EXPECT_EQ(parse(request, headers(limits::request_headers_max + 1), step).error,
              ProtocolError::kHeadTooLarge);
  }
}

TEST(RequestParser, RefusesTooLargeBodiesBeforeTheyArrive) {
  const std::string most = std::to_string(limits::request_body_bytes_max);
  const std::string more = std::to_string(limits::request_body_bytes_max + 1);
  EXPECT_EQ(refusal_of(fields_request("Content-Length: " + most + "\r\n")), std::nullopt);
  EXPECT_EQ(refusal_of(fields_request("Content-Length: " + more + "\r\n")), ProtocolError::kBodyTooLarge);

  std::string chunks = fields_request("Transfer-Encoding: chunked\r\n");
  for (std::size_t sent = 0; sent < limits::request_body_bytes_max; sent += 0x1000) {
    chunks += "1000\r\n" + std::string(0x1000, 'x') + "\r\n";
  }
  Request request;
  EXPECT_TRUE(parse(request, chunks + "0\r\n\r\n", 1 << 14).done);
  EXPECT_EQ(request.body().size(), limits::request_body_bytes_max);
  EXPECT_EQ(parse(request, chunks + "1\r\n", 1 << 14).error, ProtocolError::kBodyTooLarge);
}

TEST(RequestParser, NeverAcceptsAPrefix) {
  const std::string whole = fields_request("Content-Length: 5\r\n") + "hello";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(refusal_of(whole.substr(0, size)), std::nullopt) << size;
  }
}

TEST(RequestBuilder, BuildsARequest) {
  const Request request =
      RequestBuilder("PUT", "/a?b=c").header("X-Y", "z").body("text").client_ip("::1").build();
  EXPECT_EQ(request.method(), "PUT");
  EXPECT_EQ(request.path(), "/a");
  EXPECT_EQ(request.query(), "b=c");
  EXPECT_EQ(request.header("x-y"), "z");
  EXPECT_EQ(request.body(), "text");
  EXPECT_EQ(request.client_ip(), "::1");
}

}  // namespace
}  // namespace mintmark::http::http_parser_test
