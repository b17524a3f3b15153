#include "api/http/io_thread.h"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <memory>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <sys/socket.h>

#include "api/http/awaiting.h"

namespace mintmark::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;

constexpr milliseconds sweep_interval_min{5};
constexpr milliseconds sweep_interval_max{250};
constexpr milliseconds accept_pause{100};
constexpr milliseconds abort_time_max{1000};  // for cancelled handlers to end

milliseconds sweep_interval(const ServerOptions& options) {
  const milliseconds finest = std::min(
      {options.request_read_time_max, options.connection_idle_time_max, options.response_write_time_max});
  return std::clamp(finest / 4, sweep_interval_min, sweep_interval_max);
}

void share_port(tcp::acceptor& acceptor) {
  const int on = 1;
  if (setsockopt(acceptor.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
    throw boost::system::system_error(errno, boost::system::system_category(), "SO_REUSEPORT");
  }
}

// Whether accepting can only succeed once something else is closed or freed.
bool is_exhaustion(const boost::system::error_code& error) {
  return error == asio::error::no_descriptors ||
         error == boost::system::errc::too_many_files_open_in_system ||
         error == asio::error::no_buffer_space || error == asio::error::no_memory;
}

// What escapes from a coroutine of ours is a bug or a broken machine: it ends the thread's run(), and so the
// process.
void rethrow(const std::exception_ptr& exception) {
  if (exception) {
    std::rethrow_exception(exception);
  }
}

awaitable<void> serve(std::unique_ptr<Connection> connection) {
  co_await connection->run();
}

}  // namespace

IoThread::IoThread(const ServerOptions& options, Application& application, ConnectionCounters& counters,
                   std::size_t index, const tcp::endpoint& endpoint)
    : table_{.application = application,
             .options = options,
             .counters = counters,
             .thread = index,
             .now = std::chrono::steady_clock::now(),
             .draining = false,
             .when_empty = {},
             .connections = {},
             .count = 0},
      context_(1),
      acceptor_(context_),
      accept_timer_(context_),
      sweep_timer_(context_),
      stop_timer_(context_) {
  acceptor_.open(endpoint.protocol());
  acceptor_.set_option(tcp::acceptor::reuse_address(true));
  share_port(acceptor_);
  acceptor_.bind(endpoint);
  acceptor_.listen();
}

void IoThread::start() {
  asio::co_spawn(context_, accept(), rethrow);
  asio::co_spawn(context_, sweep(), rethrow);
  thread_ = std::thread([this] { context_.run(); });
}

awaitable<void> IoThread::accept() {
  while (acceptor_.is_open()) {
    tcp::endpoint peer;
    auto [error, socket] = co_await acceptor_.async_accept(peer, awaiting);
    if (is_exhaustion(error)) {
      table_.counters.stalled(error.message());
      accept_timer_.expires_after(accept_pause);
      co_await accept_timer_.async_wait(awaiting);
    } else if (!error && table_.count < table_.options.connections_per_thread_max) {
      auto connection = std::make_unique<Connection>(table_, std::move(socket), peer);
      asio::co_spawn(context_, serve(std::move(connection)), rethrow);
    } else if (!error) {
      table_.counters.refused(table_.options.connections_per_thread_max);
    }
    // Any other error is one client's that went away, or the end; a socket beyond the limit closes here.
  }
}

awaitable<void> IoThread::sweep() {
  while (!ended_) {
    sweep_timer_.expires_after(sweep_interval(table_.options));
    co_await sweep_timer_.async_wait(awaiting);
    table_.now = std::chrono::steady_clock::now();
    for (Connection& connection : table_.connections) {
      connection.enforce_deadline();
    }
  }
}

void IoThread::stop(milliseconds drain) {
  if (thread_.joinable()) {
    asio::post(context_, [this, drain] { begin_stop(drain); });
  }
}

void IoThread::join() {
  if (thread_.joinable()) {
    thread_.join();
  }
}

void IoThread::begin_stop(milliseconds drain) {
  boost::system::error_code ignored;  // whatever it is, the acceptor is closed
  acceptor_.close(ignored);
  table_.draining = true;
  table_.when_empty = [this] { end(); };
  if (table_.count == 0) {
    end();
    return;
  }
  for (Connection& connection : table_.connections) {
    connection.drain();
  }
  asio::co_spawn(context_, abort_after(drain), rethrow);
}

awaitable<void> IoThread::abort_after(milliseconds drain) {
  if (ended_) co_return;
  stop_timer_.expires_after(drain);
  co_await stop_timer_.async_wait(awaiting);
  if (ended_) co_return;
  for (Connection& connection : table_.connections) {
    connection.abort();
  }
  stop_timer_.expires_after(abort_time_max);
  co_await stop_timer_.async_wait(awaiting);
  if (!ended_) context_.stop();
}

// The context is not stopped: it runs out of work, and so not before other threads have let go of its
// executors.
void IoThread::end() {
  ended_ = true;
  accept_timer_.cancel();
  sweep_timer_.cancel();
  stop_timer_.cancel();
}

}  // namespace mintmark::http
