#include "api/http/connection.h"

#include <cstring>
#include <exception>
#include <tuple>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

#include "api/http/awaiting.h"

namespace mintmark::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t output_bytes_max = 64 * 1024;  // answers collected before they are written
constexpr std::size_t linger_bytes_max = 1024 * 1024;
constexpr std::chrono::milliseconds linger_time_max{2000};

// An IPv4 peer of a dual-stack socket is shown as the IPv4 address that it is.
std::string address_text(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

}  // namespace

Connection::Connection(ConnectionTable& table, tcp::socket socket, const tcp::endpoint& peer)
    : table_(table), socket_(std::move(socket)) {
  RequestParser::set_client_ip(request_, address_text(peer.address()));
  parser_.emplace(request_);
  enter(Phase::kIdle, table_.options.connection_idle_time_max);
  table_.connections.push_back(*this);
  ++table_.count;
  table_.counters.opened();
}

Connection::~Connection() {
  unlink();
  --table_.count;
  table_.counters.closed();
  if (table_.draining && table_.count == 0 && table_.when_empty) {
    table_.when_empty();
  }
}

awaitable<void> Connection::run() {
  boost::system::error_code error;
  socket_.set_option(tcp::no_delay(true), error);
  if (!error) {
    socket_.non_blocking(true, error);
  }
  closing_ = error.failed();  // the client is gone already
  while (!closing_ && prepare_read()) {
    const auto space = asio::buffer(buffer_.data() + end_, buffer_.size() - end_);
    const auto [read_error, size] = co_await socket_.async_read_some(space, awaiting);
    if (!take_received(read_error, size)) {
      break;
    }
    while (next_request()) {
      if (!answer_now()) {
        co_await answer();
      }
      begin_request();
      if (out_.size() >= output_bytes_max && !flush_now()) {
        co_await flush();
      }
    }
    if (!flush_now()) {
      co_await flush();
    }
  }
  if (lingering_) {
    co_await linger();
  }
  close();
}

void Connection::enter(Phase phase, std::chrono::milliseconds time_max) {
  phase_ = phase;
  deadline_ = table_.now + time_max;
}

// Makes space behind what is still unparsed and sets the deadline for what is awaited. False where nothing is
// to be read any more.
bool Connection::prepare_read() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ > 0 || parser_->started()) {
    if (phase_ != Phase::kReading) {
      enter(Phase::kReading, table_.options.request_read_time_max);
    }
    return true;
  }
  enter(Phase::kIdle, table_.options.connection_idle_time_max);
  return !table_.draining;
}

bool Connection::take_received(const boost::system::error_code& error, std::size_t size) {
  if (timed_out_) {
    refuse(ProtocolError::kRequestTimeout);
    return true;
  }
  end_ += size;
  if (error == asio::error::eof && (end_ > 0 || parser_->started())) {
    refuse(ProtocolError::kMalformed);  // its sender may still listen
    return true;
  }
  return !error;
}

// Parses the next request of those received. False where more must be received first, or where it is refused.
bool Connection::next_request() {
  if (closing_) {
    return false;
  }
  while (begin_ != end_ && !parser_->done()) {
    const std::size_t parsed = parser_->parse({buffer_.data() + begin_, end_ - begin_});
    begin_ += parsed;
    if (const auto refused = parser_->error()) {
      refuse(*refused);
      return false;
    }
    if (parsed == 0) {
      break;
    }
  }
  if (parser_->done()) {
    return true;
  }
  if (!continue_sent_ && parser_->awaits_continue()) {
    out_.append("HTTP/1.1 100 Continue\r\n\r\n");
    continue_sent_ = true;
  }
  return false;
}

void Connection::begin_request() {
  RequestParser::shrink(request_);
  parser_.emplace(request_);
  continue_sent_ = false;
  phase_ = Phase::kIdle;
}

void Connection::refuse(ProtocolError error) {
  closing_ = true;
  lingering_ = true;
  append_answer(table_.application.refusal(error), Persistence::kCloseSaid);
}

// The hot path. False where the request needs answer().
bool Connection::answer_now() {
  const bool keep = parser_->keep_alive() && !parser_->http_1_0() && !table_.draining;
  const std::size_t before = out_.size();
  try {
    if (!table_.application.answer_now(request_, table_.thread, keep, out_)) {
      return false;
    }
  } catch (const std::exception& exception) {
    out_.resize(before);
    append_answer(table_.application.internal_error(exception.what()),
                  keep ? Persistence::kKeep : Persistence::kCloseSaid);
  }
  if (!keep) {
    closing_ = true;
    lingering_ = begin_ != end_;
  }
  return true;
}

awaitable<void> Connection::answer() {
  phase_ = Phase::kAnswering;
  Response response;
  try {
    response = co_await cancellable(table_.application.answer(request_, table_.thread));
  } catch (const std::exception& exception) {
    if (closing_) {
      co_return;  // aborted
    }
    response = table_.application.internal_error(exception.what());
  }
  if (closing_) {
    co_return;
  }
  if (response.source) {
    co_await stream(std::move(response));
    co_return;
  }
  const bool keep = parser_->keep_alive() && !table_.draining;
  if (!keep) {
    closing_ = true;
    lingering_ = begin_ != end_;
    append_answer(response, Persistence::kCloseSaid);
  } else {
    append_answer(response, parser_->http_1_0() ? Persistence::kKeepSaid : Persistence::kKeep);
  }
}

void Connection::append_answer(const Response& response, Persistence persistence) {
  const bool to_head = request_.method() == "HEAD";
  try {
    append_response(out_, response, to_head, persistence);
  } catch (const std::exception& exception) {
    append_response(out_, table_.application.internal_error(exception.what()), to_head, persistence);
  }
}

// Writes as much as the socket takes. False where some remains.
bool Connection::flush_now() {
  while (written_ < out_.size()) {
    boost::system::error_code error;
    const auto rest = asio::buffer(out_.data() + written_, out_.size() - written_);
    written_ += socket_.write_some(rest, error);
    if (error == asio::error::would_block) {
      return false;
    }
    if (error) {
      closing_ = true;
      lingering_ = false;
      break;
    }
  }
  written_ = 0;
  out_.clear();
  if (out_.capacity() > output_bytes_max * 2) {
    out_ = {};
  }
  return true;
}

awaitable<void> Connection::flush() {
  enter(Phase::kWriting, table_.options.response_write_time_max);
  do {
    const auto [error] = co_await socket_.async_wait(tcp::socket::wait_write, awaiting);
    if (error) {
      closing_ = true;
      lingering_ = false;
      co_return;
    }
  } while (!flush_now());
  phase_ = Phase::kIdle;
}

// Closing at once while the client is still sending would make the kernel answer with a reset, which can
// overtake the answer (RFC 9112, 9.6). So the sending half is closed first, and what arrives is read for a
// moment.
awaitable<void> Connection::linger() {
  boost::system::error_code shutdown_error;
  socket_.shutdown(tcp::socket::shutdown_send, shutdown_error);
  enter(Phase::kLingering, linger_time_max);
  std::size_t drained = 0;
  while (!shutdown_error && drained < linger_bytes_max) {
    const auto [error, size] = co_await socket_.async_read_some(asio::buffer(buffer_), awaiting);
    if (error) {
      break;
    }
    drained += size;
  }
}

void Connection::close() {
  closing_ = true;
  lingering_ = false;
  boost::system::error_code ignored;  // whatever it is, the socket is closed
  socket_.close(ignored);
}

void Connection::enforce_deadline() {
  if (phase_ == Phase::kAnswering || table_.now < deadline_) {
    return;
  }
  if (phase_ == Phase::kReading) {
    timed_out_ = true;
    boost::system::error_code ignored;  // a socket that cannot be cancelled has nothing under way
    socket_.cancel(ignored);
  } else {
    close();
  }
}

void Connection::drain() {
  if (source_) {
    source_->end_soon();
  }
  if (phase_ == Phase::kIdle || phase_ == Phase::kLingering) {
    close();
  }
}

void Connection::abort() {
  close();
  cancel_handler_.emit(asio::cancellation_type::terminal);
}

}  // namespace mintmark::http
