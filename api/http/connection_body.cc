#include <exception>
#include <stdexcept>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

#include "api/http/connection.h"

// Bodies that come from a source.
namespace mintmark::http {

namespace asio = boost::asio;
using asio::ip::tcp;

// Answers with a body from a source. closing_ is set at the end only: while the body is sent it tells that
// the connection is lost.
awaitable<void> Connection::stream(Response response) {
  const bool to_head = request_.method() == "HEAD";
  const bool chunked = !parser_->http_1_0();
  const bool keep = chunked && parser_->keep_alive() && !table_.draining;
  try {
    append_stream_head(out_, response, chunked, keep ? Persistence::kKeep : Persistence::kCloseSaid);
    source_ = to_head ? nullptr : std::move(response.source);
  } catch (const std::invalid_argument& error) {
    append_response(out_, table_.application.internal_error(error.what()), to_head,
                    keep ? Persistence::kKeep : Persistence::kCloseSaid);
  }
  if (source_) {
    co_await send_body(chunked);
    source_.reset();
  }
  if (!closing_ && (!keep || table_.draining)) {
    closing_ = true;
    boost::system::error_code ignored;  // then there is nothing to read
    lingering_ = begin_ != end_ || socket_.available(ignored) > 0;
  }
}

awaitable<void> Connection::send_body(bool chunked) {
  if (table_.draining) {
    source_->end_soon();
  }
  watch_peer();
  for (;;) {
    if (!flush_now()) {
      co_await flush();
    }
    if (closing_) {
      co_return;
    }
    phase_ = Phase::kAnswering;
    std::optional<std::string> piece;
    try {
      piece = co_await cancellable(source_->next());
    } catch (const std::exception& exception) {
      if (!closing_) {
        static_cast<void>(table_.application.internal_error(exception.what()));  // for its log
        reset_soon();
      }
      co_return;
    }
    if (closing_) {
      co_return;
    }
    if (!piece) {
      break;
    }
    if (chunked) {
      append_chunk(out_, *piece);
    } else {
      out_.append(*piece);
    }
  }
  if (chunked) {
    out_.append(last_chunk);
  }
}

// While a source waits nothing is read, so that the end of a client that sends nothing more would go unseen
// until the next write. What it sends beforehand stays unread, and is the next request.
void Connection::watch_peer() {
  auto watch = [this, source = std::weak_ptr(source_)](const boost::system::error_code& error) {
    const auto alive = source.lock();
    if (!alive) {
      return;  // the body is sent, and this connection perhaps gone
    }
    char byte = 0;
    boost::system::error_code read_error = error;
    if (!error) {
      socket_.receive(asio::buffer(&byte, 1), tcp::socket::message_peek, read_error);
    }
    if (read_error == asio::error::would_block) {
      watch_peer();
    } else if (read_error) {
      alive->end_soon();
    }
  };
  socket_.async_wait(tcp::socket::wait_read, std::move(watch));
}

// Has close() reset the connection.
void Connection::reset_soon() {
  closing_ = true;
  lingering_ = false;
  boost::system::error_code ignored;  // then it closes as any other
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
}

}  // namespace mintmark::http
