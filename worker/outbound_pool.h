#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "worker/outbound_connection.h"
#include "worker/outbound_policy.h"

namespace mintmark {

// Connections that wait for the next call to the same scheme, host and port. Of one thread.
class OutboundPool {
 public:
  using Clock = OutboundConnection::Clock;
  // TLS or not, host, port: a connection that was made and checked for one is for no other.
  struct Key {
    bool tls;
    std::string host;
    std::uint16_t port;
    auto operator<=>(const Key&) const = default;
  };

  // The policy must outlive it.
  explicit OutboundPool(const OutboundPolicy& policy) : policy_(policy) {}

  // The one that rested last, of those that can still be used; null where there is none.
  std::unique_ptr<OutboundConnection> take(const Key& key, Clock::time_point now);
  // Keeps it for a later call, unless it is too old or the host has enough. Where all together are too many,
  // the one that has waited longest goes.
  void keep(Key key, std::unique_ptr<OutboundConnection> connection, Clock::time_point now);
  // Closes those that have waited for too long.
  void expire(Clock::time_point now);
  // Closes all.
  void clear();
  std::size_t size() const { return size_; }

 private:
  using Waiting = std::vector<std::unique_ptr<OutboundConnection>>;  // the longest first

  bool is_usable(const OutboundConnection& connection, Clock::time_point now) const;
  void drop_longest();

  const OutboundPolicy& policy_;
  std::map<Key, Waiting> waiting_;
  std::size_t size_ = 0;
};

}  // namespace mintmark
