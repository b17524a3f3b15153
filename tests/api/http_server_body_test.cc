#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "api/http/body_source.h"
#include "api/http/response_writer.h"
#include "tests/api/http_server_fixture.h"

// Bodies that are made piece by piece.
namespace mintmark::http::http_server_body_test {
namespace {

using namespace std::chrono_literals;
using testing::RawClient;
using testing::RawResponse;

// What the sources did, for the test to wait for.
struct Seen {
  std::atomic<int> asked = 0;
  std::promise<void> waiting;
  std::promise<void> gone;
};

// "a", "", "bc", and then as the path says: the end, a failure, a wait for end_soon(), or more and more.
class TestSource final : public BodySource {
 public:
  TestSource(std::string path, Seen& seen) : path_(std::move(path)), seen_(seen) {}
  ~TestSource() override { seen_.gone.set_value(); }

  awaitable<std::optional<std::string>> next() override {
    const auto number = seen_.asked++;
    if (path_ == "/much") co_return std::string(1UL << 20, 'x');
    if (number == 0) co_return "a";
    if (number == 1) co_return "";
    if (number == 2) co_return "bc";
    if (path_ == "/broken") throw std::runtime_error("secret");
    if (path_ == "/wait") {
      const auto executor = co_await boost::asio::this_coro::executor;
      timer_.emplace(executor, boost::asio::steady_timer::time_point::max());
      if (ending_) timer_->expires_after(0ms);
      seen_.waiting.set_value();
      co_await timer_->async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    }
    co_return std::nullopt;
  }
  void end_soon() override {
    ending_ = true;
    if (timer_) timer_->cancel();
  }

 private:
  const std::string path_;
  Seen& seen_;
  std::optional<boost::asio::steady_timer> timer_;
  bool ending_ = false;
};

class BodyApplication final : public TestApplication {
 public:
  Seen seen;

  awaitable<Response> answer(const Request& request, std::size_t thread) override {
    const std::string path(request.path());
    if (path != "/whole" && path != "/broken" && path != "/wait" && path != "/much" && path != "/wrong") {
      co_return co_await TestApplication::answer(request, thread);
    }
    Response response{path == "/wrong" ? 204 : 200, "text/plain", "", {{"X-A", "b"}}};
    response.source = std::make_shared<TestSource>(path, seen);
    co_return response;
  }
};

class HttpServerBody : public ::testing::Test {
 protected:
  std::uint16_t start() {
    server_ = std::make_unique<Server>(options_, application_);
    server_->start();
    return server_->port();
  }
  // A client that has got the first two pieces and the rest of which waits.
  std::unique_ptr<RawClient> waiting_client() {
    auto client = std::make_unique<RawClient>(start());
    client->send(get("/wait"));
    EXPECT_EQ(client->read_response(true).status, 200);
    EXPECT_EQ(client->read_chunk(), "a");
    EXPECT_EQ(client->read_chunk(), "bc");
    application_.seen.waiting.get_future().wait();
    return client;
  }
  void await_end_of_source() { application_.seen.gone.get_future().wait(); }

  ServerOptions options_{.port = 0};
  BodyApplication application_;
  std::unique_ptr<Server> server_;
};

TEST_F(HttpServerBody, IsSentInChunksAndTheConnectionStays) {
  RawClient client(start());
  client.send(get("/whole") + get("/next"));
  const auto response = client.read_response();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("Transfer-Encoding"), "chunked");
  EXPECT_EQ(response.header("Content-Length"), std::nullopt);
  EXPECT_EQ(response.header("Connection"), std::nullopt);
  EXPECT_EQ(response.header("X-A"), "b");
  EXPECT_EQ(response.body, "abc");
  EXPECT_EQ(client.read_response().body, "GET /next ");
  await_end_of_source();
}

TEST_F(HttpServerBody, GoesToHttp10UntilTheConnectionCloses) {
  RawClient client(start());
  client.send("GET /whole HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const auto response = client.read_response(true);
  EXPECT_EQ(response.header("Transfer-Encoding"), std::nullopt);
  EXPECT_EQ(response.header("Connection"), "close");
  EXPECT_EQ(client.read_to_eof(), "abc");
  EXPECT_FALSE(client.was_reset());
}

TEST_F(HttpServerBody, IsNotMadeForHead) {
  RawClient client(start());
  client.send("HEAD /whole HTTP/1.1\r\nHost: h\r\n\r\n" + get("/next"));
  EXPECT_EQ(client.read_response(true).header("Transfer-Encoding"), "chunked");
  EXPECT_EQ(client.read_response().body, "GET /next ");
  EXPECT_EQ(application_.seen.asked, 0);
}

TEST_F(HttpServerBody, EndsTheConnectionWhereTheClientWantsThat) {
  RawClient client(start());
  EXPECT_EQ(client.exchange(get("/whole", "Connection: close\r\n")).header("Connection"), "close");
  EXPECT_EQ(client.read_to_eof(), "");
}

// Reset, without the last chunk and without a word of why.
void expect_cut_off(RawClient& client, const std::string& version) {
  client.send("GET /broken HTTP/" + version + "\r\nHost: h\r\n\r\n");
  const auto received = client.read_to_eof();
  EXPECT_EQ(received.find("0\r\n\r\n"), std::string::npos);
  EXPECT_EQ(received.find("secret"), std::string::npos);
  EXPECT_TRUE(client.was_reset());
}

TEST_F(HttpServerBody, ThatFailsIsNeverTakenForAWholeOne) {
  RawClient client(start());
  expect_cut_off(client, "1.1");
}

TEST_F(HttpServerBody, ThatFailsIsNeverTakenForAWholeOneInHttp10) {
  RawClient client(start());
  expect_cut_off(client, "1.0");
}

TEST_F(HttpServerBody, NeedsAStatusThatHasOne) {
  RawClient client(start());
  EXPECT_EQ(client.exchange(get("/wrong")).body, "internal error");
}

TEST_F(HttpServerBody, WaitsLongerThanAnyDeadline) {
  options_.connection_idle_time_max = 20ms;
  options_.request_read_time_max = 20ms;
  options_.response_write_time_max = 20ms;
  const auto client = waiting_client();
  // Another connection that idles as long is closed meanwhile, so the deadlines have come.
  RawClient idle(server_->port());
  EXPECT_EQ(idle.read_to_eof(), "");
  RawClient idle_again(server_->port());
  EXPECT_EQ(idle_again.read_to_eof(), "");
  auto stopped = std::async(std::launch::async, [&] { server_->stop(30s); });
  EXPECT_EQ(client->read_chunk(), "") << "it ends as a whole one";
}

TEST_F(HttpServerBody, EndsWhenTheServerStops) {
  const auto client = waiting_client();
  auto stopped = std::async(std::launch::async, [&] { server_->stop(30s); });
  EXPECT_EQ(client->read_chunk(), "");
  EXPECT_EQ(client->read_to_eof(), "");
  await_end_of_source();
  EXPECT_EQ(stopped.wait_for(10s), std::future_status::ready) << "long before the drain's deadline";
}

TEST_F(HttpServerBody, EndsWhenTheClientCloses) {
  auto client = waiting_client();
  client.reset();
  await_end_of_source();
}

TEST_F(HttpServerBody, EndsWhenTheClientIsGone) {
  const auto client = waiting_client();
  client->reset();
  await_end_of_source();
}

TEST_F(HttpServerBody, LeavesTheNextRequestUnreadUntilItsTurn) {
  const auto client = waiting_client();
  client->send(get("/next"));
  // It comes too late: the body ends because the server stops, and is not lost over what was left unread.
  auto stopped = std::async(std::launch::async, [&] { server_->stop(30s); });
  EXPECT_EQ(client->read_chunk(), "");
  EXPECT_EQ(client->read_to_eof(), "");
  EXPECT_FALSE(client->was_reset());
  client->half_close();  // the server waits for that
}

TEST_F(HttpServerBody, IsAskedForNoMoreThanASlowReaderTakes) {
  options_.response_write_time_max = 40ms;
  RawClient client(start(), {.receive_buffer_bytes = 4096});
  client.send(get("/much"));
  await_end_of_source();  // the deadline for writing has ended it
  // One piece that could not be written, behind those that the kernel's buffers held.
  EXPECT_LT(application_.seen.asked, 64);
  RawClient other(server_->port());
  EXPECT_EQ(other.exchange(get("/a")).status, 200);
}

TEST_F(HttpServerBody, IsCutOffWhereItOutlastsTheDrain) {
  RawClient client(start(), {.receive_buffer_bytes = 4096});
  client.send(get("/much"));
  EXPECT_EQ(client.read_response(true).status, 200);
  server_->stop(1ms);
  await_end_of_source();
}

TEST(ResponseWriter, AnEmptyChunkIsNotTheLastOne) {
  std::string out;
  append_chunk(out, "");
  EXPECT_EQ(out, "");
  append_chunk(out, std::string(17, 'x'));
  EXPECT_EQ(out, "11\r\n" + std::string(17, 'x') + "\r\n");
}

}  // namespace
}  // namespace mintmark::http::http_server_body_test
