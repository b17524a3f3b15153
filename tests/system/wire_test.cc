// Bytes on the connection that are late, torn, pipelined or malformed.
#include <gmock/gmock.h>

#include "domain/limits.h"
#include "tests/system/fixture.h"

namespace mintmark::testing::wire_test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view creation = R"({"name":"x","extension":{"id":"EXT-000"}})";

class Wire : public ServerTest {};

TEST_F(Wire, ASlowSenderIsToldAndClosed) {
  auto client = owner();
  const auto before = server().position();
  RawClient::Options patient;
  patient.deadline = limits::request_read_time_max * 3;
  RawClient in_head(server().port(), patient);
  RawClient in_body(server().port(), patient);
  RawClient check(server().port(), patient);
  in_head.send("GET /public/v1/auth/tokens HTTP/1.1\r\nHost: x\r\nX-Unfinished: ");
  const auto request = client.text_of("POST", "/auth/tokens", creation, {});
  in_body.send(request.substr(0, request.size() - 1));
  check.send("GET /authorize HTTP/1.1\r\n");
  for (auto* slow : {&in_head, &in_body, &check}) {
    const RestResponse answer{slow->read_response()};
    expect_error(answer, 408, "REQ_006");
    EXPECT_EQ(answer.header("Connection"), "close");
    EXPECT_EQ(slow->read_to_eof(), "");
  }
  EXPECT_EQ(server().position(), before);
}

TEST_F(Wire, PipelinedRequestsAreAnsweredInOrder) {
  auto client = owner();
  const auto key = text(create_token(client, "Piped"), "token");
  const auto before = server().position();
  RawClient raw(server().port());
  const auto check = "GET /authorize HTTP/1.1\r\nHost: x\r\nAuthorization: ApiKey " + key + "\r\n\r\n";
  raw.send(check + client.text_of("POST", "/auth/tokens", creation, {}) + check +
           client.text_of("GET", "/nowhere", "", {}) + client.text_of("GET", "/auth/tokens?limit=1", "", {}) +
           client.text_of("OPTIONS", "/modules", "", {}) + client.text_of("POST", "/auth/tokens", "{", {}) +
           check);
  EXPECT_EQ(raw.read_response().status, 204);
  const auto created = raw.read_response();
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(raw.read_response().status, 204);
  EXPECT_EQ(raw.read_response().status, 404);
  const RestResponse listed{raw.read_response()};
  EXPECT_EQ(listed.status, 200);
  EXPECT_EQ(text(listed.array().at(0).as_object(), "id"), text(RestResponse{created}.object(), "id"));
  EXPECT_EQ(raw.read_response().header("Allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(raw.read_response().status, 400);
  EXPECT_EQ(raw.read_response().status, 204);
  EXPECT_EQ(server().position(), before + 1);
}

TEST_F(Wire, AChunkedBodyIsOne) {
  auto client = owner();
  RawClient raw(server().port());
  auto request = client.text_of("POST", "/auth/tokens", creation, {{"Transfer-Encoding", "chunked"}});
  const auto length = request.find("Content-Length:");
  request.erase(length, request.find("\r\n", length) + 2 - length);
  request.erase(request.find("\r\n\r\n") + 4);
  raw.send(request);
  for (const char c : creation) raw.send(std::string("1\r\n") + c + "\r\n");
  raw.send("0\r\n\r\n");
  EXPECT_EQ(raw.read_response().status, 201);
}

TEST_F(Wire, ATruncatedRequestDoesNothing) {
  auto client = owner();
  const auto token = create_token(client, "Kept");
  const auto create = client.text_of("POST", "/auth/tokens", creation, {});
  const auto remove = client.text_of("DELETE", path_of(token), "", {});
  const auto before = server().position();
  for (const auto& request : {create, remove}) {
    for (const std::size_t missing :
         {std::size_t{1}, std::size_t{2}, request.size() / 2, request.size() - 1}) {
      RawClient half_closed(server().port());
      half_closed.send(request.substr(0, request.size() - missing));
      half_closed.half_close();
      EXPECT_THAT(half_closed.read_to_eof(), StartsWith("HTTP/1.1 400"));
      RawClient vanished(server().port());
      vanished.send(request.substr(0, request.size() - missing));
      vanished.reset();
    }
  }
  EXPECT_EQ(server().position(), before);
  EXPECT_EQ(client.get(path_of(token)).status, 200);
}

TEST_F(Wire, RequestsThatCouldBeReadTwoWaysAreRefused) {
  auto client = owner();
  const auto before = server().position();
  const std::string start = "POST /public/v1/auth/tokens HTTP/1.1\r\nHost: x\r\n";
  const std::string nul(1, '\0');
  for (const std::string& head : {start + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
                                  start + "Content-Length: 2\r\nContent-Length: 3\r\n",
                                  start + "Content-Length: 2, 2\r\n",
                                  start + "Content-Length: +2\r\n",
                                  start + "Content-Length: -1\r\n",
                                  start + "Content-Length: 0x2\r\n",
                                  start + "Content-Length : 2\r\n",
                                  start + " Folded: 2\r\n",
                                  start + "Host: y\r\n",
                                  std::string("POST /public/v1/auth/tokens HTTP/1.1\r\n"),
                                  start + "X: a\r\n b\r\n",
                                  start + "X: a" + nul + "b\r\n",
                                  start + "Authorization: ApiKey SU-160-984-824:8c8e" + nul + "\r\n",
                                  start + "Authorization: ApiKey\x01 SU-160-984-824:8c8e\r\n",
                                  start + "X\x01: a\r\n",
                                  std::string("POST /public/v1/auth/tokens\r\n"),
                                  std::string("POST  /public/v1/auth/tokens HTTP/1.1\r\n"),
                                  std::string("POST /public/v1/auth/tokens HTTP/1.1\nHost: x\n"),
                                  std::string("GET nowhere HTTP/1.1\r\nHost: x\r\n"),
                                  std::string("GET /a b HTTP/1.1\r\nHost: x\r\n"),
                                  "GET /a" + nul + "b HTTP/1.1\r\nHost: x\r\n",
                                  std::string("\x16\x03\x01\x02\x01\x01\xFC\x03\x03 TLS\r\n")}) {
    SCOPED_TRACE(head);
    RawClient raw(server().port());
    raw.send(head + "\r\n{}");
    const RestResponse answer{raw.read_response()};
    expect_error(answer, 400, "REQ_004");
    EXPECT_EQ(answer.header("Connection"), "close");
  }
  EXPECT_EQ(server().position(), before);
}

TEST_F(Wire, WhatHttpKnowsAndWeDoNotHasItsOwnStatus) {
  const auto ask = [](const std::string& request) {
    RawClient raw(server().port());
    return RestResponse{raw.exchange(request + "\r\n")};
  };
  expect_error(ask("GET / HTTP/2.0\r\nHost: x\r\n"), 505, "REQ_007");
  expect_error(ask("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n"), 501, "REQ_008");
  expect_error(ask("POST / HTTP/1.1\r\nHost: x\r\nExpect: a-miracle\r\n"), 417, "REQ_009");
  EXPECT_EQ(ask("GET /healthz HTTP/1.0\r\n").status, 200);
  EXPECT_EQ(ask("GET http://any.example/healthz HTTP/1.1\r\nHost: x\r\n").status, 200);
}

TEST_F(Wire, AWaitingSenderIsToldToContinue) {
  auto client = owner();
  RawClient raw(server().port());
  const auto request = client.text_of("POST", "/auth/tokens", creation, {{"Expect", "100-continue"}});
  const auto body = request.find("\r\n\r\n") + 4;
  raw.send(request.substr(0, body));
  EXPECT_EQ(raw.read_response().status, 100);
  raw.send(request.substr(body));
  EXPECT_EQ(raw.read_response().status, 201);
}

}  // namespace
}  // namespace mintmark::testing::wire_test
