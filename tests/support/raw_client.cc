#include "tests/support/raw_client.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mintmark::testing {
namespace {

[[noreturn]] void fail_with_errno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Address to_address(const std::string& text, std::uint16_t port) {
  Address address;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    address.size = sizeof v4;
    std::memcpy(&address.storage, &v4, sizeof v4);
  } else if (inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    address.size = sizeof v6;
    std::memcpy(&address.storage, &v6, sizeof v6);
  } else {
    throw std::runtime_error("no address: " + text);
  }
  return address;
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  return first == text.npos ? std::string_view{}
                            : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

std::optional<std::string> RawResponse::header(std::string_view name) const {
  const auto found = std::ranges::find_if(headers, [&](const auto& field) {
    return field.first.size() == name.size() &&
           strncasecmp(field.first.data(), name.data(), name.size()) == 0;
  });
  return found == headers.end() ? std::nullopt : std::optional(found->second);
}

RawClient::RawClient(std::uint16_t port, Options options) : options_(std::move(options)) {
  const Address address = to_address(options_.address, port);
  socket_ = socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_ < 0) {
    fail_with_errno("socket");
  }
  if (options_.receive_buffer_bytes > 0 &&
      setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &options_.receive_buffer_bytes, sizeof(int)) != 0) {
    fail_with_errno("SO_RCVBUF");
  }
  const int on = 1;  // each send() is to leave as a segment of its own
  if (setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
    fail_with_errno("TCP_NODELAY");
  }
  if (connect(socket_, reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0) {
    const int error = errno;
    close(socket_);
    errno = error;
    fail_with_errno("connect");
  }
}

RawClient::~RawClient() {
  if (socket_ >= 0) {
    close(socket_);
  }
}

void RawClient::await(short events, Time deadline) const {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  pollfd waited{.fd = socket_, .events = events, .revents = 0};
  const int ready = left.count() > 0 ? poll(&waited, 1, static_cast<int>(left.count())) : 0;
  if (ready < 0) {
    fail_with_errno("poll");
  }
  if (ready == 0) {
    throw std::runtime_error("the peer kept the client waiting; received so far: " + received_);
  }
}

std::size_t RawClient::send_some(std::string_view bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t size =
        ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) {
      break;
    }
    if (size < 0) {
      fail_with_errno("send");
    }
    sent += static_cast<std::size_t>(size);
  }
  return sent;
}

void RawClient::send(std::string_view bytes) {
  const Time until = deadline();
  while (!bytes.empty()) {
    bytes.remove_prefix(send_some(bytes));
    if (!bytes.empty()) {
      await(POLLOUT, until);
    }
  }
}

bool RawClient::receive(Time until) {
  await(POLLIN, until);
  std::array<char, 64 * 1024> buffer;
  const ssize_t size = recv(socket_, buffer.data(), buffer.size(), 0);
  if (size < 0 && errno == ECONNRESET) {
    was_reset_ = true;
    return false;
  }
  if (size < 0) {
    fail_with_errno("recv");
  }
  received_.append(buffer.data(), static_cast<std::size_t>(size));
  return size > 0;
}

std::string RawClient::take(std::size_t size, Time until) {
  while (received_.size() < size) {
    if (!receive(until)) {
      throw std::runtime_error("the peer closed early; received: " + received_);
    }
  }
  std::string taken = received_.substr(0, size);
  received_.erase(0, size);
  return taken;
}

std::string RawClient::take_line(Time until) {
  std::size_t end = received_.find("\r\n");
  while (end == received_.npos) {
    if (!receive(until)) {
      throw std::runtime_error("the peer closed early; received: " + received_);
    }
    end = received_.find("\r\n");
  }
  std::string line = take(end, until);
  take(2, until);
  return line;
}

std::string RawClient::take_chunk(Time until) {
  const std::size_t size = std::stoul(take_line(until), nullptr, 16);
  std::string chunk = take(size, until);
  take_line(until);  // behind the last chunk: the end of the trailers, of which there are none
  return chunk;
}

RawResponse RawClient::read_response(bool to_head) {
  const Time until = deadline();
  RawResponse response;
  std::string line = take_line(until);
  if (!line.starts_with("HTTP/1.1 ") || line.size() < 12) {
    throw std::runtime_error("no status line: " + line);
  }
  response.status = std::stoi(line.substr(9, 3));
  while (!line.empty()) {
    response.head += line + "\r\n";
    line = take_line(until);
    const std::size_t colon = line.find(':');
    if (colon != line.npos) {
      response.headers.emplace_back(line.substr(0, colon), trim(std::string_view(line).substr(colon + 1)));
    }
  }
  const bool bodiless = to_head || response.status < 200 || response.status == 204 || response.status == 304;
  if (!bodiless && response.header("Transfer-Encoding") == "chunked") {
    for (auto chunk = take_chunk(until); !chunk.empty(); chunk = take_chunk(until)) response.body += chunk;
  } else if (!bodiless) {
    response.body = take(std::stoul(response.header("Content-Length").value_or("0")), until);
  }
  return response;
}

RawResponse RawClient::exchange(std::string_view request) {
  send(request);
  return read_response();
}

std::string RawClient::read_to_eof() {
  const Time until = deadline();
  while (receive(until)) {
  }
  return std::exchange(received_, {});
}

void RawClient::await_reset() {
  await(0, deadline());  // errors and hang-ups are told unasked
}

void RawClient::reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  if (setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) != 0) {
    fail_with_errno("SO_LINGER");
  }
  close(std::exchange(socket_, -1));
}

void RawClient::half_close() {
  if (shutdown(socket_, SHUT_WR) != 0) {
    fail_with_errno("shutdown");
  }
}

}  // namespace mintmark::testing
