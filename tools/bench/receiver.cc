#include "tools/bench/receiver.h"

#include <cstdlib>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mintmark {
namespace {

using namespace std::chrono_literals;

bool send_all(int file, std::string_view bytes) {
  return ::send(file, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

}  // namespace

double cpu_us_of(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

const std::vector<std::string>& Receiver::misbehaviours() {
  static const std::vector<std::string> all{"/black-hole", "/drip", "/endless", "/reset", "/vanish",
                                            "/410",        "/429",  "/503",     "/301",   "/tls-stall"};
  return all;
}

Receiver::Receiver()
    : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)), poll_(::epoll_create1(0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::listen(listener_, 1024) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    fmt::print(stderr, "cannot listen\n");
    std::_Exit(1);
  }
  port_ = ntohs(address.sin_port);
  watch(listener_);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

Receiver::~Receiver() {
  thread_.request_stop();
  thread_.join();
  for (const auto& [file, connection] : connections_) ::close(file);
  ::close(poll_);
  ::close(listener_);
}

std::string Receiver::url(std::string_view path) const {
  return fmt::format("{}://127.0.0.1:{}{}", path == "/tls-stall" ? "https" : "http", port_, path);
}

double Receiver::cpu_us() {
  clockid_t clock{};
  ::pthread_getcpuclockid(thread_.native_handle(), &clock);
  return cpu_us_of(clock);
}

void Receiver::watch(int file) const {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = file;
  ::epoll_ctl(poll_, EPOLL_CTL_ADD, file, &event);
}

void Receiver::run(const std::stop_token& stop) {
  std::vector<epoll_event> events(256);
  auto repeated = Clock::now();
  while (!stop.stop_requested()) {
    const int count = ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), 10);
    for (int i = 0; i < count; ++i) {
      const int file = events[static_cast<std::size_t>(i)].data.fd;
      if (file == listener_) {
        accept();
      } else {
        serve(file);
      }
    }
    if (Clock::now() - repeated < 10ms) continue;
    repeated = Clock::now();
    repeat();
  }
}

void Receiver::accept() {
  const int file = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
  if (file < 0) return;
  const int yes = 1;
  ::setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  connections_[file];
  watch(file);
}

void Receiver::close(int file) {
  ::close(file);
  connections_.erase(file);
}

void Receiver::serve(int file) {
  auto& connection = connections_[file];
  auto& bytes = connection.unread;
  char buffer[16384];
  const auto got = ::recv(file, buffer, sizeof buffer, 0);
  if (got <= 0) return close(file);
  bytes.append(buffer, static_cast<std::size_t>(got));
  for (;;) {
    const auto head = bytes.find("\r\n\r\n");
    if (head == std::string::npos) return;
    const auto field = bytes.find("Content-Length: ");
    const auto body = field < head ? std::strtoul(bytes.c_str() + field + 16, nullptr, 10) : 0;
    if (bytes.size() < head + 4 + body) return;
    const auto path = bytes.find(' ') + 1;
    const bool goes_on =
        answer(file, connection, std::string_view(bytes).substr(path, bytes.find(' ', path) - path));
    if (!goes_on) return close(file);
    bytes.erase(0, head + 4 + body);
  }
}

bool Receiver::answer(int file, Connection& connection, std::string_view path) {
  if (path == "/black-hole") return true;
  if (path == "/drip") {
    connection.repeated = "H";
    connection.every = 1s;
    return true;
  }
  if (path == "/endless") {
    connection.repeated = "5\r\nabcde\r\n";
    connection.every = 10ms;
    return send_all(file, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  }
  if (path == "/reset") {
    const linger at_once{1, 0};
    ::setsockopt(file, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return false;
  }
  if (path == "/vanish") {
    send_all(file, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nten bytes.");
    return false;
  }
  const bool is_status = path.size() == 4 && path[1] >= '3' && path[1] <= '5';
  if (!is_status) return send_all(file, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  return send_all(file, fmt::format("HTTP/1.1 {} Status\r\nContent-Length: 0\r\nRetry-After: 120\r\n"
                                    "Location: /elsewhere\r\n\r\n",
                                    path.substr(1)));
}

void Receiver::repeat() {
  const auto now = Clock::now();
  for (auto it = connections_.begin(); it != connections_.end();) {
    const int file = it->first;
    auto& connection = it->second;
    ++it;
    if (connection.repeated.empty() || now < connection.next) continue;
    connection.next = now + connection.every;
    if (!send_all(file, connection.repeated)) close(file);
  }
}

}  // namespace mintmark
