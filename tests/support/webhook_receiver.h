#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace mintmark::testing {

// The other side of webhooks: an HTTP server on loopback that answers by the path. /ok/… is answered 200; a
// number, /503, with that status, 429 with Retry-After: 120 and 301 with a Location on the same server. The
// others misbehave: /black-hole says nothing, /drip sends its head a byte a second, /endless never ends its
// body, /reset resets the connection, /vanish promises a body and closes.
class WebhookReceiver {
 public:
  struct Call {
    std::string path;
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
  };

  WebhookReceiver();
  // Closes every connection.
  ~WebhookReceiver();
  WebhookReceiver(const WebhookReceiver&) = delete;
  WebhookReceiver& operator=(const WebhookReceiver&) = delete;

  std::uint16_t port() const { return port_; }
  std::string url(const std::string& path) const;
  std::vector<Call> calls() const;
  std::size_t count() const;
  // Waits until so many calls have come; answers whether they have.
  bool await(std::size_t number, std::chrono::seconds deadline = std::chrono::seconds(60));

 private:
  void accept_until_stopped();
  void serve(int connection);
  bool answer(int connection, const std::string& path);
  // Waits for the end or so long; answers whether it is the end.
  bool pause(std::chrono::milliseconds time);

  int listener_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Call> calls_;    // guarded by mutex_
  std::set<int> connections_;  // guarded by mutex_
  bool stopping_ = false;      // guarded by mutex_
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace mintmark::testing
