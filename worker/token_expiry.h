#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "eventstore/clock.h"
#include "eventstore/drive.h"
#include "eventstore/event_log.h"
#include "eventstore/random.h"
#include "projections/projector.h"
#include "projections/token_list.h"

namespace mintmark {

// Records what the clock does to tokens at the moment it does: they are about to expire, expire, or a renewed
// value takes over. One thread. It works from the token list's order of what is due, so it needs no memory of
// its own: after a restart it does at once what came due meanwhile, and what is recorded is due no more. What
// comes due together is recorded together, limits::expiry_batch_tokens_max at a time.
class TokenExpiry {
 public:
  // All must outlive it. `on_failure` is told once where it has to give up.
  TokenExpiry(EventLog& log, const TokenList& tokens, Projector& projector, const Clock& clock,
              Random& random, std::function<void(const std::string& reason)> on_failure,
              Drive drive = Drive::kOwnThreads);
  // Ends the thread after the events at hand.
  ~TokenExpiry();

  // With Drive::kCaller: records what is due now; false where nothing is, or the list does not show yet what
  // an earlier call recorded. Throws where it has to give up.
  bool step();

 private:
  std::chrono::microseconds look(const std::stop_token& stop);
  bool record(const std::vector<TokenId>& tokens);
  bool is_projected(Position position);
  void wait(std::chrono::microseconds time, const std::stop_token& stop);

  EventLog& log_;
  const TokenList& tokens_;
  Projector& projector_;
  const Clock& clock_;
  Random& random_;
  const std::function<void(const std::string&)> on_failure_;
  const Drive drive_;
  Position awaited_ = 0;  // with Drive::kCaller: the list has to show it before the next look
  std::mutex mutex_;
  std::condition_variable_any stopping_;
  std::jthread thread_;
};

}  // namespace mintmark
