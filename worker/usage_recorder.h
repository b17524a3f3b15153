#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "domain/error.h"
#include "eventstore/clock.h"
#include "eventstore/drive.h"
#include "eventstore/event_log.h"
#include "eventstore/random.h"
#include "projections/authorization_index.h"
#include "projections/projector.h"

namespace mintmark {

// Records when tokens were used last: the authorization index remembers it, and this writes it to the log,
// each token once in an interval in which it was used. One thread, which no check ever waits for. A crash
// loses what was not recorded: at most the last interval.
class UsageRecorder {
 public:
  static constexpr std::size_t uses_in_event_max = 256;

  // All must outlive it. `on_failure` is told once where it has to give up.
  UsageRecorder(EventLog& log, AuthorizationIndex& index, Projector& projector, const Clock& clock,
                Random& random, std::chrono::seconds interval,
                std::function<void(const std::string& reason)> on_failure, Drive drive = Drive::kOwnThreads);
  // Ends the thread after the event at hand and records what was used until now; where the log does not take
  // that, it is lost. With Drive::kCaller it records nothing.
  ~UsageRecorder();

  // Both with Drive::kCaller, and both throw where it has to give up. Records what was used in the interval,
  // if that is over; false where there is nothing, or the projections have not reached what an earlier call
  // recorded.
  bool step();
  // Records what was used until now, as the end of the thread does. Fails where the log takes nothing now.
  Result<void> finish() { return record({}); }

 private:
  using Uses = std::vector<AuthorizationIndex::TokenUsed>;

  void run(const std::stop_token& stop);
  bool look(const std::stop_token& stop);
  // Records all there is, and what an earlier call had to leave; ends early where `stop` is requested. Fails
  // where the log takes nothing now: the rest is kept for the next call.
  Result<void> record(const std::stop_token& stop);
  Result<void> record_pending(const std::stop_token& stop);
  Result<void> append(AccountId account, const Uses& uses);
  void wait(std::chrono::microseconds time, const std::stop_token& stop);

  EventLog& log_;
  AuthorizationIndex& index_;
  Projector& projector_;
  const Clock& clock_;
  Random& random_;
  const std::chrono::seconds interval_;
  const std::function<void(const std::string&)> on_failure_;
  const Drive drive_;
  Time last_;             // when the interval began
  Position awaited_ = 0;  // with Drive::kCaller: the projections have to reach it before the next look
  Uses pending_;  // taken from the index, by account; the thread's, and after its end the destructor's
  bool failed_ = false;
  std::mutex mutex_;
  std::condition_variable_any stopping_;
  std::jthread thread_;
};

}  // namespace mintmark
