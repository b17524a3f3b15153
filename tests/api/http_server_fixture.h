#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include "api/http/server.h"
#include "tests/support/raw_client.h"

// What the tests of the HTTP server share: an application that answers what they need, and a server of it.
namespace mintmark::http {

// Suspends a handler until a test lets it go on.
class Gate {
 public:
  awaitable<void> pass() {
    const auto executor = co_await boost::asio::this_coro::executor;
    auto timer =
        std::make_shared<boost::asio::steady_timer>(executor, boost::asio::steady_timer::time_point::max());
    entered_.set_value([executor, timer] { boost::asio::post(executor, [timer] { timer->cancel(); }); });
    co_await timer->async_wait(
        boost::asio::as_tuple(boost::asio::use_awaitable));  // cancelled by the test or by the server
    left_.set_value();
  }
  // Blocks until a handler is inside; what it returns lets the handler go on.
  std::function<void()> await_entry() { return entered_.get_future().get(); }
  void await_exit() { left_.get_future().wait(); }

 private:
  std::promise<std::function<void()>> entered_;
  std::promise<void> left_;
};

class TestApplication : public Application {
 public:
  Gate gate;
  std::array<std::atomic<int>, 2> answers_by_thread{};

  bool answer_now(const Request& request, std::size_t thread, bool keep_alive, std::string& out) override {
    answers_by_thread.at(thread)++;
    if (request.path() == "/throw-now") {
      out += "HTTP/1.1 200 half";
      throw std::runtime_error("secret");
    }
    if (request.path() != "/now") {
      return false;
    }
    out.append("HTTP/1.1 204 No Content\r\nX-Query: ").append(request.query());
    out.append(keep_alive ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n");
    return true;
  }

  awaitable<Response> answer(const Request& request, std::size_t) override {
    if (request.path() == "/throw") {
      throw std::runtime_error("secret");
    }
    if (request.path() == "/gate") {
      co_await gate.pass();
    }
    if (request.path() == "/empty") {
      co_return Response{.status = 204, .content_type = "", .body = "never sent", .headers = {}};
    }
    if (request.path() == "/forged") {
      co_return Response{200, "text/plain", "", {{"X-A", "b\r\nX-Forged: c"}}};
    }
    if (request.path() == "/large") {
      co_return Response{200, "text/plain", std::string(64UL << 20, 'x'), {}};
    }
    std::string body(request.method());
    body.append(" ").append(request.target()).append(" ").append(request.body());
    co_return Response{200, "text/plain", body, {{"X-Peer", std::string(request.client_ip())}}};
  }

  Response refusal(ProtocolError error) override { return {status_of(error), "text/plain", "refused", {}}; }
  Response internal_error(std::string_view) override { return {500, "text/plain", "internal error", {}}; }

 private:
  static int status_of(ProtocolError error) {
    switch (error) {
      case ProtocolError::kMalformed:
        return 400;
      case ProtocolError::kHeadTooLarge:
        return 431;
      case ProtocolError::kBodyTooLarge:
        return 413;
      case ProtocolError::kRequestTimeout:
        return 408;
      case ProtocolError::kUnsupportedVersion:
        return 505;
      case ProtocolError::kUnsupportedEncoding:
        return 501;
      case ProtocolError::kExpectationFailed:
        return 417;
    }
    return 0;
  }
};

class HttpServer : public ::testing::Test {
 protected:
  ServerOptions options{.port = 0};
  TestApplication application;
  std::unique_ptr<Server> server;

  std::uint16_t start() {
    server = std::make_unique<Server>(options, application);
    server->start();
    return server->port();
  }

  // What a fresh connection gets for bytes that must be refused: one answer, then the end of the stream.
  testing::RawResponse refused(const std::string& bytes) {
    testing::RawClient client(server ? server->port() : start());
    client.send(bytes);
    const testing::RawResponse response = client.read_response();
    EXPECT_EQ(response.header("Connection"), "close");
    EXPECT_EQ(response.body, "refused");
    EXPECT_EQ(client.read_to_eof(), "");
    EXPECT_FALSE(client.was_reset());
    return response;
  }
};

inline std::string get(std::string_view target, std::string_view fields = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n";
}

}  // namespace mintmark::http
