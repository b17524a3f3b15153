#include "api/http/server.h"

#include <memory>
#include <stdexcept>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "api/http/io_thread.h"

namespace mintmark::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// The threads' acceptors would share the port with another program's that sets SO_REUSEPORT too; an acceptor
// without it fails where any other listens.
void check_free(const tcp::endpoint& endpoint) {
  asio::io_context context;
  tcp::acceptor probe(context);
  probe.open(endpoint.protocol());
  probe.set_option(tcp::acceptor::reuse_address(true));
  probe.bind(endpoint);
}

}  // namespace

struct Server::Impl {
  explicit Impl(const ServerOptions& given) : options(given), counters(given.warn) {}

  ServerOptions options;
  ConnectionCounters counters;
  std::uint16_t port = 0;
  std::vector<std::unique_ptr<IoThread>> threads;
};

Server::Server(const ServerOptions& options, Application& application)
    : impl_(std::make_unique<Impl>(options)) {
  if (options.threads == 0) {
    throw std::invalid_argument("a server needs at least one thread");
  }
  tcp::endpoint endpoint(asio::ip::make_address(options.address), options.port);
  check_free(endpoint);
  for (std::size_t i = 0; i < options.threads; ++i) {
    impl_->threads.push_back(
        std::make_unique<IoThread>(impl_->options, application, impl_->counters, i, endpoint));
    endpoint.port(impl_->threads.front()->port());
  }
  impl_->port = endpoint.port();
}

Server::~Server() {
  stop(std::chrono::milliseconds(0));
}

void Server::start() {
  for (const auto& thread : impl_->threads) {
    thread->start();
  }
}

void Server::stop(std::chrono::milliseconds drain) {
  for (const auto& thread : impl_->threads) {
    thread->stop(drain);
  }
  for (const auto& thread : impl_->threads) {
    thread->join();
  }
}

const ConnectionCounters& Server::connections() const {
  return impl_->counters;
}

std::uint16_t Server::port() const {
  return impl_->port;
}

}  // namespace mintmark::http
