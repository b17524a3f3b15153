#pragma once

#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "worker/outbound_policy.h"

namespace mintmark {

// Looks names up on threads of its own, a few at once, each name once however many wait for it. A lookup that
// hangs holds up its thread and nobody else: whoever waits for it can give up, what nobody waits for any more
// is not begun, and the threads are left behind when this ends.
class Lookups {
 public:
  // Somebody's wait for one name.
  class Waiting {
   public:
    explicit Waiting(boost::asio::io_context& context);
    // Ends the wait without an answer.
    void give_up() { done_.cancel(); }

   private:
    friend Lookups;
    boost::asio::steady_timer done_;
    std::optional<ResolvedAddresses> answer_;
  };

  // The context must outlive this.
  Lookups(boost::asio::io_context& context, ResolveHost resolve);
  ~Lookups();
  Lookups(const Lookups&) = delete;
  Lookups& operator=(const Lookups&) = delete;

  // The addresses of the host; nothing where the wait was given up. From the context's thread; `waiting` must
  // live until it is through, this need not.
  boost::asio::awaitable<std::optional<ResolvedAddresses>> find(Waiting& waiting, std::string host);

 private:
  struct Queue;
  class Entry;
  static boost::asio::awaitable<std::optional<ResolvedAddresses>> find(std::shared_ptr<Queue> queue,
                                                                       Waiting& waiting, std::string host);
  static void work(const std::shared_ptr<Queue>& queue);

  std::shared_ptr<Queue> queue_;
};

}  // namespace mintmark
