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

#include "domain/limits.h"
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
                         Random& random, std::function<void(const std::string&)> on_failure, Drive drive)
    : log_(log),
      tokens_(tokens),
      projector_(projector),
      clock_(clock),
      random_(random),
      on_failure_(std::move(on_failure)),
      drive_(drive) {
  if (drive_ == Drive::kCaller) return;
  thread_ = std::jthread([this](const std::stop_token& stop) {
    try {
      while (!stop.stop_requested()) wait(look(stop), stop);
    } catch (const std::exception& error) {
      on_failure_(error.what());
    }
  });
}

TokenExpiry::~TokenExpiry() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

bool TokenExpiry::step() {
  const auto before = awaited_;
  if (projector_.position() < before) return false;
  look({});
  return awaited_ > before;
}

// Records what is due; how long to wait until the next look.
std::chrono::microseconds TokenExpiry::look(const std::stop_token& stop) {
  bool all_recorded = true;
  auto due = tokens_.next_due();
  while (due && due->at <= clock_.now() && !stop.stop_requested()) {
    std::vector<TokenId> batch;
    for (; due && due->at <= clock_.now() && batch.size() < limits::expiry_batch_tokens_max;
         due = tokens_.next_due(due)) {
      batch.push_back(due->token);
    }
    all_recorded = record(batch) && all_recorded;
  }
  const auto pause = all_recorded ? look_again : retry_delay;
  if (!due) return pause;
  return std::clamp<std::chrono::microseconds>(due->at - clock_.now(), 1ms, pause);
}

// False where something has to be tried again. When it returns, the list shows what it did.
bool TokenExpiry::record(const std::vector<TokenId>& tokens) {
  const auto now = clock_.now();
  const auto decide_due = [now](const std::vector<StoredEvent>& stream) {
    Token token;
    for (const auto& event : stream) evolve(token, event.recorded.event());
    return decide(token, ComeDue{now});
  };
  std::vector<Outcome> outcomes;
  outcomes.reserve(tokens.size());
  for (const auto token : tokens) outcomes.push_back({stream_of(token), "expiry", "", false});
  const auto recorded = record_outcomes(log_, clock_, random_, outcomes, decide_due);
  Position position = 0;
  bool all_recorded = true;
  std::size_t failures = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (recorded[i]) {
      // Nothing to record: somebody else did, and the list is behind; or the token's stream is parked.
      position = std::max(position, *recorded[i] > 0 ? *recorded[i] : log_.head());
      all_recorded = all_recorded && *recorded[i] > 0;
      continue;
    }
    const auto reason = fmt::format("{}", fmt::join(recorded[i].error().messages, " "));
    if (recorded[i].error().kind == ErrorKind::kOutcomeUnknown) throw std::runtime_error(reason);
    if (++failures == 1) spdlog::warn("what is due for {} will be tried again: {}", tokens[i].text(), reason);
  }
  if (failures > 1) spdlog::warn("and so will be what is due for {} other tokens", failures - 1);
  return is_projected(position) && all_recorded && failures == 0;
}

// Waits until the list shows it, or has the next step do so; false where the projector has ended.
bool TokenExpiry::is_projected(Position position) {
  if (drive_ == Drive::kCaller) {
    awaited_ = std::max(awaited_, position);
    return true;
  }
  std::promise<bool> promise;
  auto reached = promise.get_future();
  projector_.when_reached(position, [&promise](bool done) { promise.set_value(done); });
  return reached.get();
}

void TokenExpiry::wait(std::chrono::microseconds time, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  stopping_.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace mintmark
