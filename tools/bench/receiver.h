#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace mintmark {

// CPU time by that clock so far, in microseconds.
double cpu_us_of(clockid_t clock);

// The other side of webhooks, on loopback and on a thread of its own: answers 200 over kept connections, but
// where the path names a misbehaviour: /black-hole says nothing, /drip sends a byte a second, /endless never
// ends its body, /reset resets the connection, /vanish promises a body and closes, and a number is answered
// as a status. Who speaks TLS to it waits for ever.
class Receiver {
 public:
  static const std::vector<std::string>& misbehaviours();

  // Ends the process where it cannot listen.
  Receiver();
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  std::string url(std::string_view path) const;
  // CPU time of its thread so far, in microseconds.
  double cpu_us();

 private:
  using Clock = std::chrono::steady_clock;
  struct Connection {
    std::string unread;
    std::string_view repeated;  // sent again and again
    Clock::duration every{};
    Clock::time_point next{};
  };

  void watch(int file) const;
  void run(const std::stop_token& stop);
  void accept();
  void serve(int file);
  // Whether the connection goes on.
  bool answer(int file, Connection& connection, std::string_view path);
  void repeat();
  void close(int file);

  int listener_;
  int poll_;
  std::uint16_t port_ = 0;
  std::map<int, Connection> connections_;
  std::jthread thread_;
};

}  // namespace mintmark
