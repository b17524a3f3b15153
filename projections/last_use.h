#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>

#include "domain/time.h"

namespace mintmark {

// When a token was used last, in a word that all threads may change at once: its upper 31 bits are seconds
// since 2020 (until 2088; 0: never used), its lowest says whether the use has yet to be recorded. Nothing is
// ordered by it, so every access is relaxed.
class LastUse {
 public:
  static constexpr std::chrono::sys_seconds epoch = std::chrono::sys_days(std::chrono::year(2020) / 1 / 1);
  // A use so soon after the one that is remembered is none of its own: a token that is used all the time
  // would else keep moving its memory from core to core.
  static constexpr std::int64_t resolution_s = 60;

  explicit LastUse(std::uint32_t& word) : word_(word) {}

  // Remembers a use: one load, and a store at most once in the resolution. Wait-free.
  void note(Time now) const {
    constexpr std::int64_t seconds_max = (1U << 31U) - 1;
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now - epoch).count();
    const auto known = std::int64_t{word_.load(std::memory_order_relaxed) >> 1U};
    // Also where the clock was set back: the time that is remembered would stand for long.
    if (std::abs(seconds - known) < resolution_s || seconds <= 0 || seconds > seconds_max) return;
    word_.store(static_cast<std::uint32_t>(seconds) << 1U | 1U, std::memory_order_relaxed);
  }

  // Nothing where it was never used.
  std::optional<Time> time() const { return time_of(word_.load(std::memory_order_relaxed)); }

  // The use that has yet to be recorded, which then no longer has.
  std::optional<Time> take() const {
    auto word = word_.load(std::memory_order_relaxed);
    do {
      if ((word & 1U) == 0) return std::nullopt;
    } while (!word_.compare_exchange_weak(word, word & ~1U, std::memory_order_relaxed));
    return time_of(word);
  }

 private:
  static std::optional<Time> time_of(std::uint32_t word) {
    const auto seconds = word >> 1U;
    if (seconds == 0) return std::nullopt;
    return Time(epoch + std::chrono::seconds(seconds));
  }

  std::atomic_ref<std::uint32_t> word_;
};

}  // namespace mintmark
