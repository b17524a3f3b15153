#include "worker/outbound_connection.h"

#include <cstring>
#include <tuple>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace mintmark {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr auto awaiting = asio::as_tuple(asio::deferred);

bool expect_host(SSL* ssl, const OutboundUrl& url) {
  X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl);
  if (url.address) return X509_VERIFY_PARAM_set1_ip_asc(parameters, url.host.c_str()) == 1;
  X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return X509_VERIFY_PARAM_set1_host(parameters, url.host.data(), url.host.size()) == 1 &&
         SSL_set_tlsext_host_name(ssl, url.host.c_str()) == 1;
}

}  // namespace

OutboundConnection::OutboundConnection(asio::io_context& context)
    : socket_(context), opened_(Clock::now()), resting_since_(opened_) {}

asio::awaitable<OutboundConnection::error_code> OutboundConnection::connect(tcp::endpoint endpoint) {
  const auto [failed] = co_await socket_.async_connect(endpoint, awaiting);
  if (failed) co_return failed;
  error_code error;
  socket_.set_option(tcp::no_delay(true), error);
  if (!error) socket_.non_blocking(true, error);
  co_return error;
}

asio::awaitable<std::string> OutboundConnection::secure(asio::ssl::context& tls, const OutboundUrl& url) {
  tls_ = std::make_unique<Tls>(socket_, tls);
  if (!expect_host(tls_->native_handle(), url)) {
    ERR_clear_error();
    co_return "The host cannot be checked against a certificate.";
  }
  const auto [failed] = co_await tls_->async_handshake(asio::ssl::stream_base::client, awaiting);
  if (!failed) co_return std::string();
  const long verified = SSL_get_verify_result(tls_->native_handle());
  if (verified == X509_V_OK) co_return failed.message();
  co_return std::string(X509_verify_cert_error_string(verified));
}

asio::awaitable<OutboundConnection::error_code> OutboundConnection::write(std::string_view bytes) {
  const auto buffer = asio::buffer(bytes.data(), bytes.size());
  if (tls_) {
    const auto [error, size] = co_await asio::async_write(*tls_, buffer, awaiting);
    co_return error;
  }
  // Nearly always the socket takes it all, and nothing has to be awaited.
  error_code error;
  const std::size_t written = socket_.write_some(buffer, error);
  if (error && error != asio::error::would_block) co_return error;
  if (written == bytes.size()) co_return error_code();
  const auto [failed, size] = co_await asio::async_write(socket_, buffer + written, awaiting);
  co_return failed;
}

asio::awaitable<OutboundConnection::error_code> OutboundConnection::read() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) co_return asio::error::no_buffer_space;
  const auto space = asio::buffer(buffer_.data() + end_, buffer_.size() - end_);
  if (tls_) {
    const auto [error, size] = co_await tls_->async_read_some(space, awaiting);
    end_ += size;
    co_return error;
  }
  const auto [error, size] = co_await socket_.async_read_some(space, awaiting);
  end_ += size;
  co_return error;
}

// Over TLS, too: a receiver that has nothing to say sends no byte but session tickets, and those come before
// its first answer.
bool OutboundConnection::is_quiet() {
  if (begin_ != end_) return false;
  char byte = 0;
  error_code error;
  socket_.receive(asio::buffer(&byte, 1), tcp::socket::message_peek, error);
  return error == asio::error::would_block;
}

void OutboundConnection::close() {
  error_code ignored;  // whatever it is, the socket is closed
  socket_.close(ignored);
}

}  // namespace mintmark
