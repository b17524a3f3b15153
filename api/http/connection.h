#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/intrusive/list.hpp>

#include "api/http/application.h"
#include "api/http/body_source.h"
#include "api/http/connection_counters.h"
#include "api/http/message.h"
#include "api/http/request_parser.h"
#include "api/http/response_writer.h"
#include "api/http/server.h"

namespace mintmark::http {

class Connection;

using ConnectionHook =
    boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
using ConnectionList = boost::intrusive::list<Connection, boost::intrusive::base_hook<ConnectionHook>,
                                              boost::intrusive::constant_time_size<false>>;

// What the connections of one io thread share. Only that thread touches it.
struct ConnectionTable {
  Application& application;
  const ServerOptions& options;
  ConnectionCounters& counters;
  std::size_t thread = 0;
  // The time of the last sweep: reading a clock for every request would cost more than deadlines are worth.
  std::chrono::steady_clock::time_point now;
  bool draining = false;             // every answer is its connection's last
  std::function<void()> when_empty;  // called as the last connection goes while draining
  ConnectionList connections;
  std::size_t count = 0;
};

// One client's connection: reads requests, has them answered in order, writes the answers.
//
// A request costs three system calls: Asio's epoll_wait, then one recv and one send that do not block.
// Everything that one recv brought is parsed and answered before anything is written, so pipelined requests
// share them. Reads go through async_read_some rather than async_wait because Asio arms epoll anew (a fourth
// call) for each wait. There is no timer per request either: each phase sets a deadline, and the thread's
// sweep closes what is late.
//
// Lives on one io thread; run() keeps it alive.
class Connection : public ConnectionHook {
 public:
  // Enters itself in the table, which must outlive it.
  Connection(ConnectionTable& table, boost::asio::ip::tcp::socket socket,
             const boost::asio::ip::tcp::endpoint& peer);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Serves the connection until either side closes it. Throws only for bugs and broken machines.
  awaitable<void> run();

  // Ends a phase that has lasted too long: a request that is still arriving is answered with 408, anything
  // else is closed. For the thread's sweep.
  void enforce_deadline();
  // Closes the connection unless a request is under way; ends a body that has no end of its own.
  void drain();
  // Closes it whatever it does, and cancels the handler.
  void abort();

 private:
  enum class Phase { kIdle, kReading, kAnswering, kWriting, kLingering };

  void enter(Phase phase, std::chrono::milliseconds time_max);
  bool prepare_read();
  bool take_received(const boost::system::error_code& error, std::size_t size);
  bool next_request();
  void begin_request();
  void refuse(ProtocolError error);
  bool answer_now();
  awaitable<void> answer();
  // The application's own work, which abort() cancels.
  template <class T>
  awaitable<T> cancellable(awaitable<T> work) {
    namespace asio = boost::asio;
    auto slot = asio::bind_cancellation_slot(cancel_handler_.slot(), asio::use_awaitable);
    co_return co_await asio::co_spawn(socket_.get_executor(), std::move(work), std::move(slot));
  }
  void append_answer(const Response& response, Persistence persistence);
  awaitable<void> stream(Response response);
  awaitable<void> send_body(bool chunked);
  void watch_peer();
  void reset_soon();
  bool flush_now();
  awaitable<void> flush();
  awaitable<void> linger();
  void close();

  static constexpr std::size_t read_buffer_bytes = limits::request_head_bytes_max;

  ConnectionTable& table_;
  boost::asio::ip::tcp::socket socket_;
  Request request_;
  std::optional<RequestParser> parser_;
  Phase phase_ = Phase::kIdle;
  std::chrono::steady_clock::time_point deadline_;
  bool closing_ = false;    // nothing more is read for a request
  bool lingering_ = false;  // the client may still be sending: read on for a moment after the last answer
  bool timed_out_ = false;
  bool continue_sent_ = false;
  boost::asio::cancellation_signal cancel_handler_;
  std::shared_ptr<BodySource> source_;  // of the body that is being sent; nobody else owns it
  std::string out_;                     // answers, of which the first written_ bytes are sent
  std::size_t written_ = 0;
  std::size_t begin_ = 0;  // what of buffer_ is received and not yet parsed
  std::size_t end_ = 0;
  std::array<char, read_buffer_bytes> buffer_;  // not initialised: untouched pages cost no memory
};

}  // namespace mintmark::http
