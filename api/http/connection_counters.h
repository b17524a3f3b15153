#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <utility>

namespace mintmark::http {

// How a server's connections fare, over all of its threads. Tells of those that it cannot take, at most once
// a minute for each reason: whoever floods it does not fill the log. Thread-safe.
class ConnectionCounters {
 public:
  using Warn = std::function<void(const std::string& line)>;
  explicit ConnectionCounters(Warn warn = {}) : warn_(std::move(warn)) {}

  static constexpr auto interval = std::chrono::minutes(1);

  void opened() { open_.fetch_add(1, std::memory_order_relaxed); }
  void closed() { open_.fetch_sub(1, std::memory_order_relaxed); }
  // One was closed at once, because its thread has as many as it may: `thread_max`.
  void refused(std::size_t thread_max);
  // None can be taken for a moment, for that reason; those that come wait.
  void stalled(const std::string& reason);

  // Those that are served at the moment, and those that were refused since the start.
  std::uint64_t open() const { return open_.load(std::memory_order_relaxed); }
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  // When something was told last, and how often it has happened since.
  struct Told {
    std::uint64_t count = 0;
    std::chrono::steady_clock::time_point next{};
  };
  // How often it has happened, where it is to be told now; else 0.
  std::uint64_t count_to_tell(Told& told);

  const Warn warn_;
  std::atomic<std::uint64_t> open_ = 0;
  std::atomic<std::uint64_t> refused_ = 0;
  std::mutex mutex_;
  Told refusals_;  // both guarded by mutex_
  Told stalls_;
};

}  // namespace mintmark::http
