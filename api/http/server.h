#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "api/http/application.h"
#include "domain/limits.h"

namespace mintmark::http {

struct ServerOptions {
  std::string address = "127.0.0.1";  // IPv4 or IPv6, without brackets
  std::uint16_t port = 8080;          // 0: the system picks one
  std::size_t threads = 1;
  std::chrono::milliseconds request_read_time_max = limits::request_read_time_max;
  std::chrono::milliseconds connection_idle_time_max = limits::connection_idle_time_max;
  std::chrono::milliseconds response_write_time_max = limits::response_write_time_max;
};

// An HTTP/1.1 server: one io thread, one io_context and one SO_REUSEPORT acceptor per `threads`; a connection
// stays on its thread. Handlers of answer() run on the connection's thread.
class Server {
 public:
  // Binds and listens; throws boost::system::system_error where it cannot. Serves from start() on.
  Server(const ServerOptions& options, Application& application);
  ~Server();  // stop(0)

  void start();
  // Stops accepting, lets requests under way finish for at most `drain`, closes the rest, joins the threads.
  void stop(std::chrono::milliseconds drain);

  std::uint16_t port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mintmark::http
