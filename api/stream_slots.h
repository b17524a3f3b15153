#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "domain/ids.h"
#include "domain/limits.h"

namespace mintmark {

// Counts the streams and exports of events that are open, so that they never crowd out all else. Thread-safe.
class StreamSlots {
 public:
  // Why there is no place.
  enum class Full { kServer, kAccount };
  // Keeps its place as long as it lives.
  using Slot = std::shared_ptr<const void>;

  // At most limits::event_streams_max at once, and limits::event_streams_per_account_max of one account.
  std::expected<Slot, Full> enter(AccountId account);

 private:
  void leave(AccountId account);

  std::mutex mutex_;
  std::size_t count_ = 0;                                  // guarded by mutex_
  std::unordered_map<AccountId, std::size_t> by_account_;  // guarded by mutex_; without zeros
};

}  // namespace mintmark
