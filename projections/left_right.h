#pragma once

#include <array>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>

namespace mintmark {

// Two copies of a T: one writer changes the copy that nobody reads, then turns the readers over to it. After
// Ramalhete and Correia, "Left-Right: A Concurrency Control Technique with Wait-Free Population Oblivious
// Reads" (2013). Its read indicator is a sequence number a reader here, odd while the reader is inside: since
// a slot belongs to one thread at a time, that replaces the paper's two indicators and their version index,
// and a reader that comes back at once still does not hold up the writer.
//
// Why no reader sees a copy that is being written (the numbers stand in the code):
//   1. A reader makes its number odd, then 2. asks which side to read.
//   3. The writer, done with the idle side, names it the one to read, then 4. looks at every reader's number.
//   1 to 4 are sequentially consistent, so they have one order. If 2 came before 3 and so gave the old side,
//      then 1 came before 4, and the writer sees that reader inside. If 2 came after 3, the reader uses the
//      new side, which the writer does not touch again in this write; 3 released what was written there.
//   5. A leaving reader's number turns even with release; 6. the writer, seeing it changed, acquires: the
//   reads
//      are over before the writer changes the old side. A number that changed and is odd again belongs to a
//      reader that entered anew, after 3.
template <class T>
class LeftRight {
 public:
  static constexpr std::size_t readers_max = 64;

  // Makes both copies from the same arguments.
  template <class... Args>
  explicit LeftRight(const Args&... args) : sides_{T(args...), T(args...)} {}

  LeftRight(const LeftRight&) = delete;
  LeftRight& operator=(const LeftRight&) = delete;

  // Calls use(const T&) with a copy that stays as it is meanwhile and returns what it returns; nothing of the
  // T may be kept. `slot` is below readers_max and used by one thread at a time; `use` must not read or write
  // this object again. Wait-free, without allocation. Any thread.
  template <class Use>
  decltype(auto) read(std::size_t slot, Use&& use) const {
    const Inside inside(slots_[slot]);
    return std::forward<Use>(use)(sides_[stable_.load(std::memory_order_seq_cst)]);  // 2
  }

  // Applies change(T&) to both copies, one after the other; it must do the same to each. When this returns
  // all readers see the change, and none is left that does not. Waits for readers that are inside, not for
  // new ones. An exception out of `change` would leave the copies different, so it ends the process. One
  // thread at a time.
  template <class Change>
  void write(Change&& change) noexcept {
    const auto before = stable_.load(std::memory_order_relaxed);
    change(sides_[1 - before]);
    stable_.store(1 - before, std::memory_order_seq_cst);  // 3
    for (const auto& slot : slots_) wait_until_left(slot);
    change(sides_[before]);
  }

  // Both copies, while nobody writes: for the thread that writes, or under what keeps it from writing.
  const std::array<T, 2>& copies() const { return sides_; }

  // The copy that nobody reads; between writes it equals the other. Only for the thread that writes.
  const T& idle() const { return sides_[1 - stable_.load(std::memory_order_relaxed)]; }

 private:
  static constexpr std::size_t cache_line = 64;

  struct alignas(cache_line) Slot {
    std::atomic<std::uint64_t> sequence{0};
  };

  class Inside {
   public:
    explicit Inside(Slot& slot) : slot_(slot), sequence_(slot.sequence.load(std::memory_order_relaxed)) {
      assert(sequence_ % 2 == 0 && "a reader's slot is in use");
      slot_.sequence.store(sequence_ + 1, std::memory_order_seq_cst);  // 1
    }
    ~Inside() { slot_.sequence.store(sequence_ + 2, std::memory_order_release); }  // 5
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    Slot& slot_;
    const std::uint64_t sequence_;
  };

  static void wait_until_left(const Slot& slot) {
    constexpr int spins_max = 256;
    const auto seen = slot.sequence.load(std::memory_order_seq_cst);  // 4
    if (seen % 2 == 0) return;
    for (int spins = 0; slot.sequence.load(std::memory_order_acquire) == seen; ++spins) {  // 6
      if (spins >= spins_max) std::this_thread::yield();
    }
  }

  mutable std::array<Slot, readers_max> slots_;
  alignas(cache_line) std::atomic<std::size_t> stable_{0};
  alignas(cache_line) std::array<T, 2> sides_;
};

}  // namespace mintmark
