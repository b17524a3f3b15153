#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace mintmark {

// Counts what is under way at once, in all and for each name, so that it never crowds out all else.
// Thread-safe. It must outlive its slots.
template <class Name>
class Slots {
 public:
  // Of what there are as many as there may be.
  enum class Full { kAll, kName };
  // Keeps its place as long as it lives.
  using Slot = std::shared_ptr<const void>;

  Slots(std::size_t all_max, std::size_t name_max) : all_max_(all_max), name_max_(name_max) {}

  std::expected<Slot, Full> enter(const Name& name) {
    const std::scoped_lock lock(mutex_);
    if (count_ >= all_max_) return std::unexpected(Full::kAll);
    auto& of_name = by_name_[name];  // full or not, it is not left at zero
    if (of_name >= name_max_) return std::unexpected(Full::kName);
    ++count_;
    ++of_name;
    return Slot(this, [name](Slots* slots) { slots->leave(name); });
  }

 private:
  void leave(const Name& name) {
    const std::scoped_lock lock(mutex_);
    --count_;
    const auto found = by_name_.find(name);
    if (--found->second == 0) by_name_.erase(found);
  }

  const std::size_t all_max_;
  const std::size_t name_max_;
  std::mutex mutex_;
  std::size_t count_ = 0;                          // guarded by mutex_
  std::unordered_map<Name, std::size_t> by_name_;  // guarded by mutex_; without zeros
};

}  // namespace mintmark
