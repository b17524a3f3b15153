// What is known of webhooks, from memory.
#include "worker/rocksdb_job_store.h"

namespace mintmark {

std::optional<Subscription> RocksDbJobStore::subscription(std::uint32_t webhook) {
  const std::scoped_lock lock(mutex_);
  const auto found = subscriptions_.find(webhook);
  if (found == subscriptions_.end()) return std::nullopt;
  return found->second;
}

std::vector<Subscription> RocksDbJobStore::subscriptions_of(AccountId account) {
  std::vector<Subscription> subscriptions;
  const std::scoped_lock lock(mutex_);
  for (auto it = by_account_.lower_bound({account.code(), 0});
       it != by_account_.end() && it->first == account.code(); ++it) {
    subscriptions.push_back(subscriptions_.at(it->second));
  }
  return subscriptions;
}

std::vector<Subscription> RocksDbJobStore::subscriptions_made_by(TokenId token) {
  std::vector<Subscription> subscriptions;
  const std::scoped_lock lock(mutex_);
  for (auto it = by_token_.lower_bound({token.value(), 0});
       it != by_token_.end() && it->first == token.value(); ++it) {
    subscriptions.push_back(subscriptions_.at(it->second));
  }
  return subscriptions;
}

std::vector<std::uint32_t> RocksDbJobStore::failing_webhooks() {
  std::vector<std::uint32_t> failing;
  const std::scoped_lock lock(mutex_);
  for (const auto& [webhook, subscription] : subscriptions_) {
    if (subscription.failures() > 0) failing.push_back(webhook);
  }
  return failing;
}

}  // namespace mintmark
