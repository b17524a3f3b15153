#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <span>

#include "domain/ids.h"

namespace mintmark {

// Wakes who waits for something to happen in an account. Thread-safe.
class AccountFeed {
 public:
  // Called from the thread that notify() is called on. Must not block, nor use the feed.
  using Wake = std::function<void()>;

  // As long as it lives, its Wake is called; once its destructor has returned, never again.
  class Subscription {
   public:
    Subscription(AccountFeed& feed, AccountId account, Wake wake);
    ~Subscription();
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;

   private:
    AccountFeed& feed_;
    std::multimap<AccountId, Wake>::iterator place_;
  };

  // Calls the Wake of each subscription to one of the accounts.
  void notify(std::span<const AccountId> accounts);

 private:
  std::mutex mutex_;
  std::multimap<AccountId, Wake> subscriptions_;  // guarded by mutex_
};

}  // namespace mintmark
