#include "projections/account_feed.h"

#include <utility>

namespace mintmark {

AccountFeed::Subscription::Subscription(AccountFeed& feed, AccountId account, Wake wake) : feed_(feed) {
  const std::scoped_lock lock(feed_.mutex_);
  place_ = feed_.subscriptions_.emplace(account, std::move(wake));
}

AccountFeed::Subscription::~Subscription() {
  const std::scoped_lock lock(feed_.mutex_);
  feed_.subscriptions_.erase(place_);
}

void AccountFeed::notify(std::span<const AccountId> accounts) {
  const std::scoped_lock lock(mutex_);
  for (const auto account : accounts) {
    const auto [begin, end] = subscriptions_.equal_range(account);
    for (auto it = begin; it != end; ++it) it->second();
  }
}

}  // namespace mintmark
