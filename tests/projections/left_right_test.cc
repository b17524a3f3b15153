#include "projections/left_right.h"

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace mintmark::left_right_test {
namespace {

struct Pair {
  std::uint64_t a = 0;
  std::uint64_t b = 0;
};

TEST(LeftRight, a_write_reaches_both_copies) {
  LeftRight<Pair> pair;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    pair.write([](Pair& copy) { ++copy.a; });
    EXPECT_EQ(pair.read(0, [](const Pair& copy) { return copy.a; }), i);
    EXPECT_EQ(pair.idle().a, i);
  }
}

TEST(LeftRight, read_returns_what_its_lambda_returns) {
  LeftRight<Pair> pair;
  const Pair* seen = nullptr;
  const auto& same = pair.read(1, [&](const Pair& copy) -> const Pair& {
    seen = &copy;
    return copy;
  });
  EXPECT_EQ(&same, seen);
}

TEST(LeftRight, readers_in_different_slots_may_be_inside_together) {
  LeftRight<Pair> pair;
  const auto sum = pair.read(0, [&](const Pair& outer) {
    return outer.a + pair.read(63, [](const Pair& inner) { return inner.b; });
  });
  EXPECT_EQ(sum, 0U);
}

// A slot that is in use already would let the writer past its reader.
TEST(LeftRightDeathTest, a_slot_serves_one_reader) {
  LeftRight<Pair> pair;
  EXPECT_DEATH(
      pair.read(5, [&](const Pair&) { return pair.read(5, [](const Pair& copy) { return copy.a; }); }),
      "in use");
}

TEST(LeftRight, a_slot_is_free_again_after_an_exception) {
  LeftRight<Pair> pair;
  EXPECT_THROW(pair.read(0, [](const Pair&) -> int { throw 1; }), int);
  EXPECT_EQ(pair.read(0, [](const Pair& copy) { return copy.a; }), 0U);
  pair.write([](Pair& copy) { copy.a = 1; });
}

TEST(LeftRight, no_reader_sees_half_a_write_or_an_older_one_after_a_newer) {
  constexpr std::uint64_t writes = 2'000;
  constexpr std::size_t readers = 3;
  LeftRight<Pair> pair;
  std::atomic<std::uint64_t> written{0};
  std::atomic<std::size_t> faults{0};
  std::latch started(readers);
  std::vector<std::jthread> threads;
  for (std::size_t slot = 0; slot < readers; ++slot) {
    threads.emplace_back([&, slot] {
      started.count_down();
      for (std::uint64_t newest = 0; newest < writes;) {
        const auto at_least = written.load(std::memory_order_acquire);
        const auto seen = pair.read(slot, [](const Pair& copy) { return copy; });
        if (seen.b != 3 * seen.a || seen.a < newest || seen.a < at_least) ++faults;
        newest = seen.a;
      }
    });
  }
  started.wait();
  for (std::uint64_t i = 1; i <= writes; ++i) {
    pair.write([](Pair& copy) {
      ++copy.a;
      copy.b = 3 * copy.a;
    });
    written.store(i, std::memory_order_release);
  }
  threads.clear();
  EXPECT_EQ(faults, 0U);
}

}  // namespace
}  // namespace mintmark::left_right_test
