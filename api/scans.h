#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include <boost/asio/awaitable.hpp>

#include "api/blocking_pool.h"
#include "api/http/message.h"
#include "api/slots.h"
#include "domain/ids.h"
#include "domain/limits.h"

namespace mintmark {

// The threads for lists that look through all that an account has of something: apart from those for all else
// that blocks, so that no crowd of such lists keeps anything else waiting, and shared out among the accounts,
// so that none keeps the others' waiting for long. Thread-safe. It must outlive its callers.
class Scans {
 public:
  Scans() : pool_(thread_count()) {}

  // Answers with what `work`, which returns a Result<http::Response>, makes on one of the threads, and
  // resumes the caller on its own executor. 429 where limits::scans_per_account_max of the account run and
  // wait already, 503 where limits::scans_max of all do. What `work` throws is thrown here.
  template <class Work>
  boost::asio::awaitable<http::Response> answer(AccountId account, Work work) {
    const auto slot = slots_.enter(account);
    if (!slot) co_return refusal(slot.error());
    auto made = co_await pool_.run(std::move(work));
    co_return made ? std::move(*made) : refusal(made.error());
  }

  // Half as many as the machine has, but two: the other half is for all else.
  static std::size_t thread_count();

 private:
  static http::Response refusal(Slots<AccountId>::Full full);
  static http::Response refusal(const Error& error);

  Slots<AccountId> slots_{limits::scans_max, limits::scans_per_account_max};
  BlockingPool pool_;
};

}  // namespace mintmark
