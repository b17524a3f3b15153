#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include <boost/asio/io_context.hpp>

namespace mintmark {

// Calls back when a time has passed. For the context's one thread.
class Timer {
 public:
  // Whoever was to be called is not called any more.
  virtual ~Timer() = default;

  // Calls `done` on the context in so long. Whoever it was to call before is not called any more.
  virtual void start(std::chrono::microseconds time, std::function<void()> done) = 0;
};

// Where passing time comes from; a simulator has its own.
using MakeTimer = std::function<std::unique_ptr<Timer>(boost::asio::io_context& context)>;

// On the system's steady clock.
std::unique_ptr<Timer> make_steady_timer(boost::asio::io_context& context);

}  // namespace mintmark
