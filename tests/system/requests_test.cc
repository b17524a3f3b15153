// Requests to the wrong place or of the wrong kind: each gets its own status, and nothing is written.
#include <gmock/gmock.h>

#include "domain/limits.h"
#include "tests/system/fixture.h"

namespace mintmark::testing::requests_test {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view creation = R"({"name":"x","extension":{"id":"EXT-000"}})";

class Requests : public ServerTest {
 protected:
  void SetUp() override { before_ = server().position(); }
  void TearDown() override { EXPECT_EQ(server().position(), before_ + written_) << "something was written"; }

  std::uint64_t before_ = 0;
  std::uint64_t written_ = 0;  // by the test, on purpose

  // A client signed in, which writes one event.
  RestClient signed_in() {
    ++written_;
    return owner();
  }
};

TEST_F(Requests, WithAMethodThatIsNotAllowedAreToldWhichAre) {
  struct Wrong {
    std::string method;
    std::string path;
    std::string allow;
  };
  const std::vector<Wrong> wrong = {
      {"PATCH", "/auth/tokens", "GET, HEAD, POST, OPTIONS"},
      {"DELETE", "/auth/tokens", "GET, HEAD, POST, OPTIONS"},
      {"POST", "/auth/tokens/SU-000-000-000", "GET, HEAD, PUT, DELETE, OPTIONS"},
      {"GET", "/auth/tokens/SU-000-000-000/reveal", "POST, OPTIONS"},
      {"HEAD", "/auth/tokens/SU-000-000-000/reveal", "POST, OPTIONS"},
      {"GET", "/auth/login", "POST, OPTIONS"},
      {"DELETE", "/auth/context", "GET, HEAD, OPTIONS"},
      {"POST", "/modules", "GET, HEAD, OPTIONS"},
      {"POST", "/extensions/EXT-000", "GET, HEAD, PUT, DELETE, OPTIONS"},
      {"POST", "//healthz", "GET, HEAD, OPTIONS"},
      {"TRACE", "/auth/tokens", "GET, HEAD, POST, OPTIONS"},
      {"get", "/auth/tokens", "GET, HEAD, POST, OPTIONS"},
      {"BREW", "/auth/tokens", "GET, HEAD, POST, OPTIONS"},
  };
  auto client = signed_in();
  for (const auto& [method, path, allow] : wrong) {
    SCOPED_TRACE(method + " " + path);
    const auto answer = client.send(method, path);
    EXPECT_EQ(answer.status, 405);
    EXPECT_EQ(answer.header("Allow"), allow);
    if (method != "HEAD") expect_error(answer, 405, "REQ_001");
    const auto options = client.send("OPTIONS", path);
    EXPECT_EQ(options.status, 204);
    EXPECT_EQ(options.header("Allow"), allow);
  }
}

TEST_F(Requests, ToPathsThatAreNoneAreNotFound) {
  auto client = signed_in();
  for (const std::string path :
       {"//public", "//public/v1", "/", "/auth", "/auth/tokens/", "/auth//tokens", "//public/v2/auth/tokens",
        "//PUBLIC/v1/auth/tokens", "/auth/tokens/SU-000-000-000/unknown",
        "/auth/tokens/SU-000-000-000/reveal/more", "/auth/tokens/../tokens", "/auth%2Ftokens", "//authorized",
        "/users", "/modules%00", "//healthz/"}) {
    for (const auto* method : {"GET", "POST", "DELETE", "OPTIONS"}) {
      SCOPED_TRACE(std::string(method) + " " + path);
      expect_error(client.send(method, path), 404, "NFND_000");
    }
  }
}

TEST_F(Requests, AboutIdsThatAreNoneAreNotFound) {
  auto client = signed_in();
  for (const std::string id : {"SU-000-000-000", "SU-1", "su-000-000-000", "SU-000-000-00a",
                               "SU-000-000-0000", "SU", "VA-000-000", "SU-000-000-000%20", "%53U-000-000-000",
                               "%00", "..", "-", "*", "SU-000-000-000:0", "\xC3\xA9", "\xFF"}) {
    SCOPED_TRACE(id);
    expect_error(client.get(path_of(id)), 404, "NFND_000");
    expect_error(client.put(path_of(id), R"({"name":"x"})"), 404, "NFND_000");
    expect_error(client.remove(path_of(id)), 404, "NFND_000");
    expect_error(client.post(path_of(id) + "/reveal", ""), 404, "NFND_000");
    expect_error(client.get("/accounts/" + id), 404, "NFND_000");
    expect_error(client.get("/accounts/" + id + "/users"), 404, "NFND_000");
    expect_error(client.get("/accounts/" + folder().account() + "/users/" + id), 404, "NFND_000");
    expect_error(client.get("/extensions/" + id), 404, "NFND_000");
  }
  expect_error(client.get(path_of(std::string(8000, '0'))), 404, "NFND_000");
}

TEST_F(Requests, WithABodyThatIsNotJsonByItsTypeAreRefused) {
  auto client = signed_in();
  for (const std::string type :
       {"text/plain", "application/x-www-form-urlencoded", "application/jsonx", "json", "*/*", "text/json",
        "application/json, text/plain", "multipart/form-data; boundary=x"}) {
    SCOPED_TRACE(type);
    expect_error(client.post("/auth/tokens", creation, {{"Content-Type", type}}), 415, "REQ_003");
    expect_error(client.send("DELETE", path_of("SU-000-000-000"), "x", {{"Content-Type", type}}), 415,
                 "REQ_003");
  }
  expect_error(client.post("/auth/tokens", creation, {{"Content-Type", ""}}), 415, "REQ_003");
  for (const std::string type :
       {"application/json; charset=utf-8", "APPLICATION/JSON", "application/json ;x=y"}) {
    EXPECT_EQ(client.post("/auth/tokens", creation, {{"Content-Type", type}}).status, 201) << type;
    ++written_;
  }
}

TEST_F(Requests, WithABodyOverTheLimitAreRefused) {
  auto client = signed_in();
  const std::string body(limits::request_body_bytes_max + 1, ' ');
  expect_error(client.post("/auth/tokens", body), 413, "REQ_002");
  RestClient other = anyone();
  expect_error(other.post("/auth/login", body), 413, "REQ_002");

  RawClient announced(server().port());
  announced.send("POST /public/v1/auth/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n");
  EXPECT_EQ(announced.read_response().status, 413) << "without waiting for it";
  RawClient chunked(server().port());
  chunked.send("POST /public/v1/auth/tokens HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  chunked.send("40001\r\n" + std::string(0x40001, 'x') + "\r\n");
  EXPECT_EQ(chunked.read_response().status, 413);
}

TEST_F(Requests, WithAHeadOverTheLimitsAreRefused) {
  auto client = signed_in();
  expect_error(
      client.send("GET", "/auth/tokens", "", {{"X-Long", std::string(limits::request_head_bytes_max, 'x')}}),
      431, "REQ_005");
  expect_error(client.get("/auth/tokens?" + std::string(limits::request_head_bytes_max, 'x')), 431,
               "REQ_005");
  Headers many;
  for (std::size_t i = 0; i < limits::request_headers_max; ++i) many["X-" + std::to_string(i)] = "x";
  expect_error(client.send("GET", "/auth/tokens", "", many), 431, "REQ_005");
  const auto authorize = client.send("GET", "//authorize", "", many);
  expect_error(authorize, 431, "REQ_005");
}

TEST_F(Requests, OfHeadAreAnsweredAsGetWithoutABody) {
  auto client = signed_in();
  for (const std::string path :
       {"/auth/tokens", "/accounts", "/extensions/EXT-000", "//healthz", "/auth/tokens/SU-1", "/nowhere"}) {
    SCOPED_TRACE(path);
    const auto head = client.send("HEAD", path);
    const auto get = client.get(path);
    EXPECT_EQ(head.status, get.status);
    EXPECT_EQ(head.header("Content-Length"), std::to_string(get.body.size()));
    EXPECT_EQ(head.header("Content-Type"), get.header("Content-Type"));
    EXPECT_EQ(head.header("Content-Range"), get.header("Content-Range"));
    EXPECT_EQ(head.body, "");
  }
}

TEST_F(Requests, OfOptionsNeedNoCredentials) {
  auto client = anyone();
  const auto answer = client.send("OPTIONS", "/auth/tokens");
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.body, "");
}

TEST_F(Requests, CarryTheirIdBack) {
  auto client = anyone();
  EXPECT_EQ(client.send("GET", "//healthz", "", {{"X-Request-Id", "my-own-1"}}).header("X-Request-Id"),
            "my-own-1");
  for (const auto& unusable :
       std::vector<std::string>{std::string("with space"), std::string("\xFF"), std::string(129, 'x')}) {
    const auto id = client.send("GET", "//healthz", "", {{"X-Request-Id", unusable}}).header("X-Request-Id");
    EXPECT_EQ(id.value_or("").size(), 36U) << "a fresh one in place of " << unusable;
  }
}

TEST_F(Requests, WithConnectionCloseAreAnsweredAndClosed) {
  RawClient client(server().port());
  const auto answer = client.exchange("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Connection"), "close");
  EXPECT_EQ(client.read_to_eof(), "");
}

TEST_F(Requests, ErrorsTellNothingOfTheInside) {
  auto client = signed_in();
  for (const auto& answer :
       {client.get("/nowhere"), client.post("/auth/tokens", "{"), client.get(path_of("x"))}) {
    for (const auto* inside : {"boost", "rocksdb", "exception", ".cc", "terminate", "std::"}) {
      EXPECT_THAT(answer.body, ::testing::Not(HasSubstr(inside)));
    }
  }
}

}  // namespace
}  // namespace mintmark::testing::requests_test
