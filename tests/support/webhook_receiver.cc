#include "tests/support/webhook_receiver.h"

#include <algorithm>
#include <stdexcept>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mintmark::testing {
namespace {

bool send_all(int connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

// The request line and the fields of a head.
WebhookReceiver::Call parse(const std::string& head) {
  WebhookReceiver::Call call;
  const auto path_begin = head.find(' ') + 1;
  call.path = head.substr(path_begin, head.find(' ', path_begin) - path_begin);
  for (auto begin = head.find("\r\n") + 2; begin + 2 < head.size();) {
    const auto end = head.find("\r\n", begin);
    const auto colon = head.find(": ", begin);
    if (colon < end)
      call.headers[lower_case(head.substr(begin, colon - begin))] = head.substr(colon + 2, end - colon - 2);
    begin = end + 2;
  }
  return call;
}

}  // namespace

WebhookReceiver::WebhookReceiver() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::listen(listener_, 512) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("the receiver cannot listen");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_until_stopped(); });
}

WebhookReceiver::~WebhookReceiver() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    for (const int connection : connections_) ::shutdown(connection, SHUT_RDWR);
  }
  changed_.notify_all();
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (auto& thread : threads_) thread.join();
  ::close(listener_);
}

std::string WebhookReceiver::url(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + path;
}

std::vector<WebhookReceiver::Call> WebhookReceiver::calls() const {
  const std::scoped_lock lock(mutex_);
  return calls_;
}

std::size_t WebhookReceiver::count() const {
  const std::scoped_lock lock(mutex_);
  return calls_.size();
}

bool WebhookReceiver::await(std::size_t number, std::chrono::seconds deadline) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, deadline, [&] { return calls_.size() >= number; });
}

void WebhookReceiver::accept_until_stopped() {
  for (;;) {
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const std::scoped_lock lock(mutex_);
    if (stopping_ || connection < 0) {
      if (connection >= 0) ::close(connection);
      return;
    }
    connections_.insert(connection);
    threads_.emplace_back([this, connection] {
      serve(connection);
      const std::scoped_lock done(mutex_);
      connections_.erase(connection);
      ::close(connection);
    });
  }
}

// One request after the other.
void WebhookReceiver::serve(int connection) {
  const int yes = 1;
  ::setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  std::string bytes;
  for (;;) {
    auto head_end = bytes.find("\r\n\r\n");
    while (head_end == std::string::npos) {
      char buffer[16384];
      const auto got = ::recv(connection, buffer, sizeof buffer, 0);
      if (got <= 0) return;
      bytes.append(buffer, static_cast<std::size_t>(got));
      head_end = bytes.find("\r\n\r\n");
    }
    auto call = parse(bytes.substr(0, head_end + 2));
    const auto length = call.headers.find("content-length");
    const auto end = head_end + 4 + (length == call.headers.end() ? 0 : std::stoul(length->second));
    while (bytes.size() < end) {
      char buffer[16384];
      const auto got = ::recv(connection, buffer, sizeof buffer, 0);
      if (got <= 0) return;
      bytes.append(buffer, static_cast<std::size_t>(got));
    }
    call.body = bytes.substr(head_end + 4, end - head_end - 4);
    bytes.erase(0, end);
    const auto path = call.path;
    {
      const std::scoped_lock lock(mutex_);
      calls_.push_back(std::move(call));
    }
    changed_.notify_all();
    if (!answer(connection, path)) return;
  }
}

bool WebhookReceiver::pause(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, time, [this] { return stopping_; });
}

// Whether the connection goes on.
bool WebhookReceiver::answer(int connection, const std::string& path) {
  using namespace std::chrono_literals;
  if (path.starts_with("/ok")) return send_all(connection, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  if (path == "/black-hole") {
    while (!pause(1s)) {
    }
    return false;
  }
  if (path == "/drip") {
    for (const char c : std::string("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) {
      if (!send_all(connection, std::string_view(&c, 1)) || pause(1s)) return false;
    }
    return true;
  }
  if (path == "/endless") {
    if (!send_all(connection, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")) return false;
    while (send_all(connection, "5\r\nabcde\r\n") && !pause(10ms)) {
    }
    return false;
  }
  if (path == "/reset") {
    const linger at_once{1, 0};
    ::setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return false;
  }
  if (path == "/vanish") {
    send_all(connection, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nten bytes.");
    return false;
  }
  auto head = "HTTP/1.1 " + path.substr(1) + " Status\r\nContent-Length: 0\r\n";
  if (path == "/429") head += "Retry-After: 120\r\n";
  if (path == "/301") head += "Location: " + url("/ok/elsewhere") + "\r\n";
  return send_all(connection, head + "\r\n");
}

}  // namespace mintmark::testing
