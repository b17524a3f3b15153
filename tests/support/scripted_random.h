#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "eventstore/random.h"

namespace mintmark::testing {

// Gives the bytes of a script, then an error: a test that needs more than it wrote down is wrong.
class ScriptedRandom final : public Random {
 public:
  explicit ScriptedRandom(std::vector<std::uint8_t> script) : script_(std::move(script)) {}
  void fill(std::span<std::uint8_t> bytes) override {
    for (auto& byte : bytes) byte = script_.at(next_++);
  }
  bool used_up() const { return next_ == script_.size(); }

 private:
  std::vector<std::uint8_t> script_;
  std::size_t next_ = 0;
};

// The same bytes for the same seed. One thread.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint32_t seed) : engine_(seed) {}
  void fill(std::span<std::uint8_t> bytes) override {
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(engine_());
  }

 private:
  std::mt19937 engine_;
};

}  // namespace mintmark::testing
