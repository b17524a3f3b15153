#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace mintmark::testing {

// The seed's decisions. The same for the same seed, whatever the standard library: no distribution of its.
class Dice {
 public:
  explicit Dice(std::uint32_t seed) : engine_(seed) {}

  std::size_t below(std::size_t end) { return engine_() % end; }
  std::size_t between(std::size_t first, std::size_t last) { return first + below(last - first + 1); }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <class T>
  T& pick(std::vector<T>& of) {
    return of[below(of.size())];
  }

 private:
  std::mt19937 engine_;
};

}  // namespace mintmark::testing
