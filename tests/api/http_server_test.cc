#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "api/http/date.h"
#include "tests/api/http_server_fixture.h"

namespace mintmark::http::http_server_test {
namespace {

using namespace std::string_literals;
using testing::RawClient;
using testing::RawResponse;

TEST_F(HttpServer, KeepsAConnection) {
  RawClient client(start());
  for (const std::string target : {"/a", "/b?c", "/a"}) {
    const RawResponse response = client.exchange(get(target));
    EXPECT_EQ(response.status, 200);
    EXPECT_TRUE(response.head.starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_EQ(response.body, "GET " + target + " ");
    EXPECT_EQ(response.header("Content-Type"), "text/plain");
    EXPECT_EQ(response.header("X-Peer"), "127.0.0.1");
    EXPECT_EQ(response.header("Date").value_or("").size(), 29U);
    EXPECT_EQ(response.header("Connection"), std::nullopt);
  }
  EXPECT_EQ(client.exchange(get("/now?q")).header("X-Query"), "q");
}

TEST_F(HttpServer, ClosesWhereAsked) {
  start();
  for (const std::string target : {"/now", "/a"}) {
    RawClient client(server->port());
    EXPECT_EQ(client.exchange(get(target, "Connection: close\r\n")).header("Connection"), "close");
    EXPECT_EQ(client.read_to_eof(), "");
  }
}

TEST_F(HttpServer, SpeaksHttp10) {
  start();
  for (const std::string target : {"/now", "/a"}) {
    RawClient client(server->port());
    EXPECT_EQ(client.exchange("GET " + target + " HTTP/1.0\r\n\r\n").header("Connection"), "close");
    EXPECT_EQ(client.read_to_eof(), "");
  }
  RawClient client(server->port());
  for (int i = 0; i < 2; ++i) {
    const RawResponse kept = client.exchange("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(kept.header("Connection"), "keep-alive");
    EXPECT_EQ(kept.body, "GET /a ");
  }
}

TEST_F(HttpServer, AnswersPipelinedRequestsInOrder) {
  RawClient client(start());
  std::string requests;
  for (int i = 0; i < 100; ++i) {
    requests += get((i % 2 == 0 ? "/now?" : "/later?") + std::to_string(i));
  }
  client.send(requests);
  for (int i = 0; i < 100; ++i) {
    const RawResponse response = client.read_response();
    if (i % 2 == 0) {
      EXPECT_EQ(response.header("X-Query"), std::to_string(i));
    } else {
      EXPECT_EQ(response.body, "GET /later?" + std::to_string(i) + " ");
    }
  }
}

TEST_F(HttpServer, ReadsRequestsCutAnywhere) {
  RawClient client(start());
  const std::string requests =
      "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
      "POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n" +
      get("/now?z");
  for (std::size_t cut = 1; cut < requests.size(); ++cut) {
    client.send(requests.substr(0, cut));
    client.send(requests.substr(cut));
    EXPECT_EQ(client.read_response().body, "POST /a abc") << cut;
    EXPECT_EQ(client.read_response().body, "POST /b de") << cut;
    EXPECT_EQ(client.read_response().header("X-Query"), "z") << cut;
  }
}

TEST_F(HttpServer, ReadsALargeBody) {
  RawClient client(start());
  const std::string body(limits::request_body_bytes_max, 'b');
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(client.exchange(head + "\r\n\r\n" + body).body, "POST / " + body);
  }
}

TEST_F(HttpServer, AnswersHeadWithoutABody) {
  RawClient client(start());
  client.send("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n" + get("/b"));
  EXPECT_EQ(client.read_response(true).header("Content-Length"), "8");
  EXPECT_EQ(client.read_response().body, "GET /b ");
}

TEST_F(HttpServer, SendsNoBodyWith204) {
  RawClient client(start());
  client.send(get("/empty") + get("/b"));
  EXPECT_EQ(client.read_response().header("Content-Length"), std::nullopt);
  EXPECT_EQ(client.read_response().body, "GET /b ");
}

TEST_F(HttpServer, TellsAClientToContinue) {
  RawClient client(start());
  client.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  EXPECT_EQ(client.read_response().status, 100);
  client.send("bo");
  client.send("dy");
  EXPECT_EQ(client.read_response().body, "POST / body");
  const std::string with_body =
      "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx";
  EXPECT_EQ(client.exchange(with_body).status, 200);
}

TEST_F(HttpServer, RefusesWhatIsTooLarge) {
  const std::string huge = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n";
  EXPECT_EQ(refused(huge + "\r\n").status, 413);
  EXPECT_EQ(refused(huge + "Expect: 100-continue\r\n\r\n").status, 413);
  EXPECT_EQ(refused(huge + "\r\n" + std::string(300'000, 'x')).status, 413);
  EXPECT_EQ(refused("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n40001\r\n").status, 413);
  EXPECT_EQ(refused(get("/", "X: " + std::string(limits::request_head_bytes_max, 'x') + "\r\n")).status, 431);
  std::string many;
  for (std::size_t i = 0; i < limits::request_headers_max; ++i) {
    many += "X: y\r\n";
  }
  EXPECT_EQ(refused(get("/", many)).status, 431);
}

TEST_F(HttpServer, RefusesWhatIsNotHttp) {
  EXPECT_EQ(refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").status, 505);
  EXPECT_EQ(refused("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s + std::string(500, '\x7f')).status, 400);
  EXPECT_EQ(refused("\0\0\0\0"s).status, 400);
  EXPECT_EQ(refused("nonsense\r\n\r\n").status, 400);
  EXPECT_EQ(refused("GET / HTTP/1.1\nHost: h\n\n").status, 400);
  EXPECT_EQ(refused(get("/", "X: a\0b\r\n"s)).status, 400);
  EXPECT_EQ(refused(get("*")).status, 400);
  EXPECT_EQ(refused(get("/", "Transfer-Encoding: gzip\r\n")).status, 501);
  EXPECT_EQ(refused(get("/", "Expect: more\r\n")).status, 417);
}

TEST_F(HttpServer, RefusesAmbiguousFraming) {
  const std::string hidden = get("/hidden");
  EXPECT_EQ(
      refused(get("/", "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n" + hidden).status,
      400);
  EXPECT_EQ(refused(get("/", "Content-Length: 0\r\nContent-Length: 44\r\n") + hidden).status, 400);
  EXPECT_EQ(refused(get("/", "Transfer-Encoding : chunked\r\n") + "0\r\n\r\n" + hidden).status, 400);
  EXPECT_EQ(refused(get("/", "X: y\r\n Content-Length: 44\r\n") + hidden).status, 400);
}

TEST_F(HttpServer, AnswersWhatPrecedesARefusedRequest) {
  RawClient client(start());
  client.send(get("/a") + "garbage\r\n\r\n");
  EXPECT_EQ(client.read_response().status, 200);
  EXPECT_EQ(client.read_response().status, 400);
  EXPECT_EQ(client.read_to_eof(), "");
}

TEST_F(HttpServer, TakesAbsoluteAndAsteriskTargets) {
  RawClient client(start());
  EXPECT_EQ(client.exchange(get("http://h/a?b")).body, "GET /a?b ");
  EXPECT_EQ(client.exchange("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").body, "OPTIONS * ");
}

TEST_F(HttpServer, OutlivesItsHandlersExceptions) {
  RawClient client(start());
  for (const std::string target : {"/throw", "/throw-now", "/forged"}) {
    const RawResponse response = client.exchange(get(target));
    EXPECT_EQ(response.status, 500) << target;
    EXPECT_EQ(response.body, "internal error");
    EXPECT_EQ(response.header("X-Forged"), std::nullopt);
    EXPECT_EQ(response.head.find("secret"), std::string::npos);
  }
  EXPECT_EQ(client.exchange(get("/a")).status, 200);
}

TEST(Date, IsAnImfFixdate) {
  EXPECT_EQ(imf_fixdate(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(date().size(), 29U);
}

}  // namespace
}  // namespace mintmark::http::http_server_test
