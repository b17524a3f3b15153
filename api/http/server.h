#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "api/http/application.h"
#include "api/http/connection_counters.h"
#include "domain/limits.h"

namespace mintmark::http {

struct ServerOptions {
  std::string address = "127.0.0.1";  // IPv4 or IPv6, without brackets
  std::uint16_t port = 8080;          // 0: the system picks one
  std::size_t threads = 1;
  std::chrono::milliseconds request_read_time_max = limits::request_read_time_max;
  std::chrono::milliseconds connection_idle_time_max = limits::connection_idle_time_max;
  std::chrono::milliseconds response_write_time_max = limits::response_write_time_max;
  std::size_t connections_per_thread_max =
      limits::connections_per_thread_max;  // further ones are closed at once
  ConnectionCounters::Warn warn = {};      // is told of them, from any thread
};

// An HTTP/1.1 server: one io thread, one io_context and one SO_REUSEPORT acceptor per `threads`; a connection
// stays on its thread. Handlers of answer() run on the connection's thread.
class Server {
 public:
  // Binds and listens; throws boost::system::system_error where it cannot, also where the port is taken
  // already (SO_REUSEPORT alone would share it with another process in silence). Serves from start() on. The
  // application must outlive the server.
  Server(const ServerOptions& options, Application& application);
  ~Server();  // stop(0)
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Starts the io threads; returns at once. To be called once.
  void start();

  // Stops accepting and closes idle connections, lets requests under way finish for at most `drain`, then
  // closes the rest and cancels their handlers, which get a second to end; joins the threads. Blocks
  // meanwhile, so never call it from an io thread; call start() and stop() from one thread. A second call
  // does nothing. What a handler still awaits afterwards must never complete, or complete before the Server
  // is destroyed: its completion runs on the server's io_context.
  void stop(std::chrono::milliseconds drain);

  // How its connections fare; as long as the server lives.
  const ConnectionCounters& connections() const;

  // The port that is listened on, also where the system picked it. From any thread.
  std::uint16_t port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mintmark::http
