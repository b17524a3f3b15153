#pragma once

#include <chrono>
#include <cstddef>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "api/http/application.h"
#include "api/http/connection.h"
#include "api/http/server.h"

namespace mintmark::http {

// One thread of a Server: its io_context, its acceptor, its connections and the timers that watch them.
// Construct, start(), stop() and join() from one thread.
class IoThread {
 public:
  // Binds and listens at `endpoint`, sharing it with the other threads' acceptors. Throws
  // boost::system::system_error. `options`, `application` and `counters` must outlive it.
  IoThread(const ServerOptions& options, Application& application, ConnectionCounters& counters,
           std::size_t index, const boost::asio::ip::tcp::endpoint& endpoint);
  // To be destroyed only where never started or joined.
  ~IoThread() = default;
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  // Only before start(): the acceptor is the thread's then.
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  void start();
  // Tells the thread to end as Server::stop() says; returns at once.
  void stop(std::chrono::milliseconds drain);
  void join();

 private:
  awaitable<void> accept();
  awaitable<void> sweep();
  awaitable<void> abort_after(std::chrono::milliseconds drain);
  void begin_stop(std::chrono::milliseconds drain);
  void end();

  ConnectionTable table_;  // outlives the io_context, whose destruction destroys what connections remain
  boost::asio::io_context context_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer accept_timer_;
  boost::asio::steady_timer sweep_timer_;
  boost::asio::steady_timer stop_timer_;
  bool ended_ = false;  // no connection is left, nor will be
  std::thread thread_;
};

}  // namespace mintmark::http
