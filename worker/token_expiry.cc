#include "worker/token_expiry.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <future>
#include <stdexcept>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "domain/token.h"
#include "worker/outcome.h"

namespace mintmark {
namespace {

using namespace std::chrono_literals;

// A date that is set or moved meanwhile is seen this much later at most.
constexpr std::chrono::microseconds look_again = 500ms;
// Where the log takes nothing now.
constexpr std::chrono::microseconds retry_delay = 1s;

}  // namespace

TokenExpiry::TokenExpiry(EventLog& log, const TokenList& tokens, Projector& projector, const Clock& clock,
                         Random& random, std::function<void(const std::string&)> on_failure)
    : log_(log),
      tokens_(tokens),
      projector_(projector),
      clock_(clock),
      random_(random),
      on_failure_(std::move(on_failure)),
      thread_([this](const std::stop_token& stop) {
        try {
          run(stop);
        } catch (const std::exception& error) {
          on_failure_(error.what());
        }
      }) {}

TokenExpiry::~TokenExpiry() {
  thread_.request_stop();
  thread_.join();
}

void TokenExpiry::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    bool all_recorded = true;
    auto due = tokens_.next_due();
    for (; due && due->at <= clock_.now() && !stop.stop_requested(); due = tokens_.next_due(due)) {
      all_recorded = record(*due) && all_recorded;
    }
    auto pause = all_recorded ? look_again : retry_delay;
    if (due) pause = std::clamp<std::chrono::microseconds>(due->at - clock_.now(), 1ms, pause);
    wait(pause, stop);
  }
}

// False where it has to be tried again. When it returns, the list shows what it did.
bool TokenExpiry::record(const TokenList::Due& due) {
  const auto now = clock_.now();
  const auto decide_due = [now](const std::vector<StoredEvent>& stream) {
    Token token;
    for (const auto& event : stream) evolve(token, event.recorded.event());
    return decide(token, ComeDue{now});
  };
  const auto recorded =
      record_outcome(log_, clock_, random_, {stream_of(due.token), "expiry", "", false}, decide_due);
  if (!recorded) {
    const auto reason = fmt::format("{}", fmt::join(recorded.error().messages, " "));
    if (recorded.error().kind == ErrorKind::kOutcomeUnknown) throw std::runtime_error(reason);
    spdlog::warn("what is due for {} will be tried again: {}", due.token.text(), reason);
    return false;
  }
  // Nothing to record: somebody else did, and the list is behind; or the token's stream is parked.
  const auto position = *recorded > 0 ? *recorded : log_.head();
  std::promise<bool> promise;
  auto reached = promise.get_future();
  projector_.when_reached(position, [&promise](bool done) { promise.set_value(done); });
  return reached.get() && *recorded > 0;
}

void TokenExpiry::wait(std::chrono::microseconds time, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  stopping_.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace mintmark
