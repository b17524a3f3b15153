#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "projections/authorization_index.h"

namespace mintmark {

// How requests were answered since the start. Each io thread counts in cache lines of its own with plain
// loads and stores, so that counting costs the hot path next to nothing; whoever reads adds them up.
class RequestCounters {
 public:
  // An answer of the io thread with that number, from that thread alone.
  void count(std::size_t thread, int status) { add_alone(threads_[thread].answers, status); }
  // The same of a forward-auth check.
  void count_check(std::size_t thread, int status) { add_alone(threads_[thread].checks, status); }
  // An answer of whichever thread.
  void count(int status) { others_.at(place(status)).fetch_add(1, std::memory_order_relaxed); }

  // Since the start; any thread.
  std::uint64_t checks(int status) const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < threads_max; ++i) sum += read(threads_[i].checks, status);
    return sum;
  }
  // The checks, too.
  std::uint64_t answers(int status) const {
    auto sum = checks(status) + read(others_, status);
    for (std::size_t i = 0; i < threads_max; ++i) sum += read(threads_[i].answers, status);
    return sum;
  }

  static constexpr int status_min = 100;
  static constexpr int status_end = 600;

 private:
  static constexpr std::size_t threads_max = AuthorizationIndex::readers_max;
  using Counters = std::array<std::atomic<std::uint64_t>, status_end - status_min>;
  struct alignas(64) Thread {
    Counters checks{};
    Counters answers{};
  };

  static std::size_t place(int status) { return static_cast<std::size_t>(status - status_min); }
  static std::uint64_t read(const Counters& counters, int status) {
    return counters.at(place(status)).load(std::memory_order_relaxed);
  }
  static void add_alone(Counters& counters, int status) {
    auto& counter = counters.at(place(status));
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  const std::unique_ptr<Thread[]> threads_ = std::make_unique<Thread[]>(threads_max);
  Counters others_{};
};

}  // namespace mintmark
