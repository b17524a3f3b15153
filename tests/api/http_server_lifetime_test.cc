#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/system/system_error.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/api/http_server_fixture.h"

// Deadlines, vanished peers, exhaustion, stopping.
namespace mintmark::http::http_server_lifetime_test {
namespace {

using namespace std::chrono_literals;
using testing::RawClient;
using testing::RawResponse;

TEST_F(HttpServer, EndsASlowRequest) {
  options.request_read_time_max = 40ms;
  start();
  for (const std::string begun :
       {"G", "GET / HTTP/1.1\r\nHost: h\r\n", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nab"}) {
    EXPECT_EQ(refused(begun).status, 408);
  }
}

TEST_F(HttpServer, EndsARequestThatDripsIn) {
  options.request_read_time_max = 40ms;
  RawClient client(start(), {.deadline = 2ms});
  const auto until = std::chrono::steady_clock::now() + 10s;
  client.send("GET / HTTP/1.1\r\nX: ");
  std::string received;
  while (received.empty() && std::chrono::steady_clock::now() < until) {
    try {
      received = std::to_string(client.exchange("x").status);
    } catch (const std::runtime_error&) {
      continue;  // nothing within 2 ms: the next byte
    }
  }
  EXPECT_EQ(received, "408");
}

TEST_F(HttpServer, ClosesIdleConnections) {
  options.connection_idle_time_max = 40ms;
  start();
  RawClient silent(server->port());
  EXPECT_EQ(silent.read_to_eof(), "");
  RawClient once(server->port());
  EXPECT_EQ(once.exchange(get("/a")).status, 200);
  EXPECT_EQ(once.read_to_eof(), "");
}

TEST_F(HttpServer, ClosesAPeerThatDoesNotRead) {
  options.response_write_time_max = 40ms;
  RawClient client(start(), {.receive_buffer_bytes = 4096});
  client.send(get("/large"));
  client.send_some(std::string(64 * 1024, 'x'));  // left unread, it turns the server's close into a reset
  client.await_reset();
  RawClient other(server->port());
  EXPECT_EQ(other.exchange(get("/a")).status, 200);
}

TEST_F(HttpServer, SendsALargeAnswerToASlowReader) {
  RawClient client(start(), {.receive_buffer_bytes = 64 * 1024});
  EXPECT_EQ(client.exchange(get("/large")).body.size(), 64UL << 20);
  EXPECT_EQ(client.exchange(get("/a")).status, 200);
}

TEST_F(HttpServer, FinishesWhatAHalfClosedPeerAskedFor) {
  RawClient client(start());
  client.send(get("/gate"));
  client.half_close();
  application.gate.await_entry()();
  EXPECT_EQ(client.read_response().status, 200);
  EXPECT_EQ(client.read_to_eof(), "");
}

TEST_F(HttpServer, FinishesTheHandlerOfAPeerThatIsGone) {
  start();
  auto client = std::make_unique<RawClient>(server->port());
  client->send(get("/gate"));
  const auto open = application.gate.await_entry();
  client.reset();
  open();
  application.gate.await_exit();
  RawClient other(server->port());
  EXPECT_EQ(other.exchange(get("/a")).status, 200);
}

TEST_F(HttpServer, HoldsTheLimitOfConnections) {
  options.connections_per_thread_max = 1;
  std::vector<std::string> warnings;
  options.warn = [&](const std::string& line) { warnings.push_back(line); };
  RawClient first(start());
  EXPECT_EQ(first.exchange(get("/a")).status, 200);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(RawClient(server->port()).read_to_eof(), "");
  EXPECT_EQ(first.exchange(get("/a")).status, 200);
  EXPECT_EQ(server->connections().open(), 1U);
  EXPECT_EQ(server->connections().refused(), 3U);
  server->stop(0ms);
  EXPECT_EQ(server->connections().open(), 0U);
  EXPECT_THAT(warnings, ::testing::ElementsAre(
                            "1 connection(s) turned away since this was told last: an io thread serves 1 at "
                            "once"))
      << "the first at once, and then once a minute";
}

// Lets the process open `count` more descriptors, until destroyed.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t count) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const int lowest_free = dup(STDIN_FILENO);
    close(lowest_free);
    const rlimit limited{static_cast<rlim_t>(lowest_free) + count, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &limited);
  }
  ~DescriptorLimit() { setrlimit(RLIMIT_NOFILE, &before_); }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

 private:
  rlimit before_{};
};

TEST_F(HttpServer, AcceptsAgainAfterItRanOutOfDescriptors) {
  // No promise: setting one is a virtual call, which the sanitizer cannot check without a free descriptor.
  std::mutex mutex;
  std::condition_variable told;
  std::vector<std::string> warnings;
  options.warn = [&](const std::string& line) {
    const std::scoped_lock lock(mutex);
    warnings.push_back(line);
    told.notify_one();
  };
  RawClient first(start());
  EXPECT_EQ(first.exchange(get("/a")).status, 200);
  std::optional<DescriptorLimit> limit(1);
  RawClient second(server->port());  // takes the last descriptor, so none is left to accept it
  second.send(get("/a"));
  EXPECT_EQ(first.exchange(get("/a")).status, 200);
  {
    std::unique_lock lock(mutex);
    told.wait(lock, [&] { return !warnings.empty(); });
  }
  limit.reset();
  EXPECT_EQ(second.read_response().status, 200);
  server->stop(0ms);
  EXPECT_THAT(warnings, ::testing::ElementsAre("connections have to wait: Too many open files"))
      << "told once";
}

TEST_F(HttpServer, DrainsOnStop) {
  RawClient idle(start());
  EXPECT_EQ(idle.exchange(get("/a")).status, 200);
  RawClient busy(server->port());
  busy.send(get("/gate") + get("/a"));
  const auto open = application.gate.await_entry();
  auto stopped = std::async(std::launch::async, [&] { server->stop(30s); });
  EXPECT_EQ(idle.read_to_eof(), "");  // so it is stopping by now
  EXPECT_THROW(RawClient(server->port()), std::runtime_error);
  open();
  const RawResponse last = busy.read_response();
  EXPECT_EQ(last.status, 200);
  EXPECT_EQ(last.header("Connection"), "close");
  EXPECT_EQ(busy.read_to_eof(), "");
  busy.half_close();  // the server waited for that, as the request behind the last one went unread
  EXPECT_EQ(stopped.wait_for(10s), std::future_status::ready);
  server->stop(0ms);
}

TEST_F(HttpServer, CancelsWhatOutlastsTheDrain) {
  RawClient client(start());
  client.send(get("/gate"));
  application.gate.await_entry();
  server->stop(1ms);
  application.gate.await_exit();
  EXPECT_EQ(client.read_to_eof(), "");
}

TEST_F(HttpServer, StopsWithoutHavingStarted) {
  Server unstarted(options, application);
  unstarted.stop(0ms);
  unstarted.stop(1s);
}

TEST_F(HttpServer, SharesThePortAmongItsThreads) {
  options.threads = 2;
  start();
  // The kernel spreads connections by a hash, so a few hundred reach both but for a chance of 2^-299.
  for (int i = 0; i < 300 && (application.answers_by_thread[0] == 0 || application.answers_by_thread[1] == 0);
       ++i) {
    RawClient client(server->port());
    EXPECT_EQ(client.exchange(get("/now")).status, 204);
  }
  EXPECT_GT(application.answers_by_thread[0], 0);
  EXPECT_GT(application.answers_by_thread[1], 0);
}

TEST_F(HttpServer, RefusesAPortThatIsTaken) {
  options.port = start();
  EXPECT_THROW(Server(options, application), boost::system::system_error);
  server.reset();
  EXPECT_NO_THROW(Server(options, application));
}

TEST_F(HttpServer, ListensOnIpv6) {
  options.address = "::1";
  RawClient client(start(), {.address = "::1"});
  EXPECT_EQ(client.exchange(get("/a")).header("X-Peer"), "::1");
}

}  // namespace
}  // namespace mintmark::http::http_server_lifetime_test
