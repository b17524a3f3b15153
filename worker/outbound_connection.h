#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "worker/outbound_url.h"

namespace mintmark {

// One TCP connection to a receiver, with TLS over it where the URL wants that, and what has been received
// and not yet parsed. Of the context's thread.
class OutboundConnection {
 public:
  using error_code = boost::system::error_code;
  using Clock = std::chrono::steady_clock;

  explicit OutboundConnection(boost::asio::io_context& context);
  OutboundConnection(const OutboundConnection&) = delete;
  OutboundConnection& operator=(const OutboundConnection&) = delete;

  boost::asio::awaitable<error_code> connect(boost::asio::ip::tcp::endpoint endpoint);
  // TLS for the URL's host: its name is sent (RFC 6066, 3) and the certificate must hold for it. The reason,
  // empty where the handshake is done.
  boost::asio::awaitable<std::string> secure(boost::asio::ssl::context& tls, const OutboundUrl& url);

  boost::asio::awaitable<error_code> write(std::string_view bytes);
  // Receives more behind what received() shows; no_buffer_space where that fills everything.
  boost::asio::awaitable<error_code> read();
  std::string_view received() const { return {buffer_.data() + begin_, end_ - begin_}; }
  void consume(std::size_t bytes) { begin_ += bytes; }

  // Whether nothing has come of a connection that waits: neither a byte nor its end.
  bool is_quiet();
  // Ends what is under way, with an error. Whatever the state.
  void close();

  Clock::time_point opened() const { return opened_; }
  Clock::time_point resting_since() const { return resting_since_; }
  void rest(Clock::time_point now) { resting_since_ = now; }

 private:
  using Tls = boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>;

  static constexpr std::size_t buffer_bytes = 16UL * 1024;

  boost::asio::ip::tcp::socket socket_;
  std::unique_ptr<Tls> tls_;
  Clock::time_point opened_;
  Clock::time_point resting_since_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::array<char, buffer_bytes> buffer_;  // not initialised: untouched pages cost no memory
};

}  // namespace mintmark
