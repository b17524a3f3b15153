#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "domain/ids.h"

namespace mintmark {

// A set of token ids that only grows, at two bytes an id: sorted lower halves in one vector for each upper
// half. Not thread-safe.
class TokenIdSet {
 public:
  // False where the id is in the set already.
  bool insert(TokenId id) {
    const auto page = id.value() >> 16;
    if (page >= pages_.size()) pages_.resize(page + 1);
    auto& lows = pages_[page];
    const auto low = static_cast<std::uint16_t>(id.value());
    const auto at = std::ranges::lower_bound(lows, low);
    if (at != lows.end() && *at == low) return false;
    lows.insert(at, low);
    ++size_;
    return true;
  }

  bool contains(TokenId id) const {
    const auto page = id.value() >> 16;
    return page < pages_.size() &&
           std::ranges::binary_search(pages_[page], static_cast<std::uint16_t>(id.value()));
  }

  // Calls visit(TokenId) in ascending order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t page = 0; page < pages_.size(); ++page) {
      for (const auto low : pages_[page])
        visit(TokenId::from_value(static_cast<std::uint32_t>(page << 16) | low));
    }
  }

  std::size_t size() const { return size_; }
  // About: the vectors may hold up to as much again in reserve.
  std::size_t memory_bytes() const {
    return pages_.capacity() * sizeof(decltype(pages_)::value_type) + size_ * sizeof(std::uint16_t);
  }

 private:
  std::vector<std::vector<std::uint16_t>> pages_;
  std::size_t size_ = 0;
};

}  // namespace mintmark
