#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "worker/outbound_client.h"
#include "worker/outbound_policy.h"

namespace mintmark::testing {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;

inline constexpr auto awaiting = asio::as_tuple(asio::deferred);

inline AddressRange range(std::string_view text) {
  return AddressRange::parse(text).value();
}

// A receiver on loopback, on the client's own thread: whoever is next is decided by the sockets alone. What
// it does with a connection is its script; at the script's end the connection closes.
class Receiver {
 public:
  using Script = std::function<asio::awaitable<void>(tcp::socket& socket)>;

  Receiver(asio::io_context& context, Script script)
      : acceptor_(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0)), script_(std::move(script)) {
    asio::co_spawn(context, accept(), asio::detached);
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  std::string url(std::string_view host = "127.0.0.1", std::string_view scheme = "http") const {
    return fmt::format("{}://{}:{}/hook?key=secret", scheme, host, port());
  }
  int connections() const { return connections_; }

 private:
  asio::awaitable<void> accept() {
    for (;;) {
      auto [error, socket] = co_await acceptor_.async_accept(awaiting);
      if (error) co_return;
      ++connections_;
      asio::co_spawn(acceptor_.get_executor(), serve(std::move(socket)), asio::detached);
    }
  }
  asio::awaitable<void> serve(tcp::socket socket) { co_await script_(socket); }

  tcp::acceptor acceptor_;
  const Script script_;
  int connections_ = 0;
};

// One request, head and body; nothing where the other side closes before.
template <class Stream>
asio::awaitable<std::optional<std::string>> read_request(Stream& stream) {
  std::string text;
  for (;;) {
    const auto head = text.find("\r\n\r\n");
    if (head != std::string::npos) {
      const std::string_view name = "Content-Length: ";
      const auto length = text.find(name);
      const auto body = length < head ? std::stoul(text.substr(length + name.size())) : 0;
      if (text.size() >= head + 4 + body) co_return text;
    }
    std::array<char, 4096> buffer{};
    const auto [error, size] = co_await stream.async_read_some(asio::buffer(buffer), awaiting);
    if (error) co_return std::nullopt;
    text.append(buffer.data(), size);
  }
}

template <class Stream>
asio::awaitable<bool> write_all(Stream& stream, std::string text) {
  const auto [error, size] = co_await asio::async_write(stream, asio::buffer(text), awaiting);
  co_return !error;
}

// Until the other side closes.
template <class Stream>
asio::awaitable<void> wait_for_end(Stream& stream) {
  for (;;) {
    std::array<char, 4096> buffer{};
    const auto [error, size] = co_await stream.async_read_some(asio::buffer(buffer), awaiting);
    if (error) co_return;
  }
}

// Answers every request of a connection so.
inline Receiver::Script answering(std::string answer) {
  return [answer](tcp::socket& socket) -> asio::awaitable<void> {
    for (;;) {
      const auto request = co_await read_request(socket);
      if (!request) co_return;
      co_await write_all(socket, answer);
    }
  };
}

// Answers one request so, and closes.
inline Receiver::Script answering_once(std::string answer) {
  return [answer](tcp::socket& socket) -> asio::awaitable<void> {
    const auto request = co_await read_request(socket);
    if (request) co_await write_all(socket, answer);
  };
}

class OutboundFixture : public ::testing::Test {
 protected:
  // May go to loopback on any port, and has time.
  static OutboundPolicy loopback() {
    OutboundPolicy policy;
    policy.allowed_networks = {range("127.0.0.0/8")};
    policy.allowed_ports = {0};
    return policy;
  }
  // Has so little time that a receiver which never does what is awaited is soon given up.
  static OutboundPolicy hasty() {
    auto policy = loopback();
    policy.total_time_max = 60ms;
    return policy;
  }

  static OutboundRequest post(std::string url) {
    return {"POST", std::move(url), {{"Content-Type", "application/json"}}, "{}"};
  }

  OutboundResult send(OutboundClient& client, OutboundRequest request) {
    std::optional<OutboundResult> result;
    asio::co_spawn(context_, client.send(std::move(request)),
                   [&result](const std::exception_ptr& exception, OutboundResult made) {
                     if (exception) std::rethrow_exception(exception);
                     result = std::move(made);
                   });
    while (!result) context_.run_one();
    return *std::move(result);
  }
  OutboundResult send(OutboundPolicy policy, OutboundRequest request) {
    OutboundClient client(context_, std::move(policy));
    return send(client, std::move(request));
  }

  asio::io_context context_{1};
};

inline std::optional<OutboundFailure> failure_of(const OutboundResult& result) {
  return result.outcome ? std::nullopt : std::optional(result.outcome.error().failure);
}

inline int status_of(const OutboundResult& result) {
  return result.outcome ? result.outcome->status : 0;
}

}  // namespace mintmark::testing
