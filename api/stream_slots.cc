#include "api/stream_slots.h"

namespace mintmark {

std::expected<StreamSlots::Slot, StreamSlots::Full> StreamSlots::enter(AccountId account) {
  const std::scoped_lock lock(mutex_);
  if (count_ >= limits::event_streams_max) return std::unexpected(Full::kServer);
  const auto found = by_account_.find(account);
  if (found != by_account_.end() && found->second >= limits::event_streams_per_account_max) {
    return std::unexpected(Full::kAccount);
  }
  ++count_;
  ++by_account_[account];
  return Slot(this, [account](StreamSlots* slots) { slots->leave(account); });
}

void StreamSlots::leave(AccountId account) {
  const std::scoped_lock lock(mutex_);
  --count_;
  const auto found = by_account_.find(account);
  if (--found->second == 0) by_account_.erase(found);
}

}  // namespace mintmark
