#include "worker/usage_recorder.h"

#include <algorithm>
#include <exception>
#include <future>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "worker/outcome.h"

namespace mintmark {
namespace {

using namespace std::chrono_literals;

// The clock may be another than the timer's: it is asked again so often.
constexpr std::chrono::microseconds usage_look_again = 500ms;
// Where the log takes nothing now.
constexpr std::chrono::microseconds usage_retry_delay = 1s;
// In memory at once; more wait in the index. Together they make fewer, larger events of an account.
constexpr std::size_t pending_max = 100'000;

std::string reason_of(const Error& error) {
  return fmt::format("{}", fmt::join(error.messages, " "));
}

}  // namespace

UsageRecorder::UsageRecorder(EventLog& log, AuthorizationIndex& index, Projector& projector,
                             const Clock& clock, Random& random, std::chrono::seconds interval,
                             std::function<void(const std::string&)> on_failure, Drive drive)
    : log_(log),
      index_(index),
      projector_(projector),
      clock_(clock),
      random_(random),
      interval_(interval),
      on_failure_(std::move(on_failure)),
      drive_(drive),
      last_(clock.now()) {
  if (drive_ == Drive::kCaller) return;
  thread_ = std::jthread([this](const std::stop_token& stop) {
    try {
      run(stop);
    } catch (const std::exception& error) {
      failed_ = true;
      on_failure_(error.what());
    }
  });
}

UsageRecorder::~UsageRecorder() {
  if (drive_ == Drive::kCaller) return;
  thread_.request_stop();
  thread_.join();
  if (failed_) return;
  try {
    const auto recorded = record({});
    if (!recorded)
      spdlog::warn("when tokens were used last is not recorded: {}", reason_of(recorded.error()));
  } catch (const std::exception& error) {
    spdlog::warn("when tokens were used last is not recorded: {}", error.what());
  }
}

bool UsageRecorder::step() {
  const auto before = awaited_;
  if (projector_.position() < before) return false;
  look({});
  return awaited_ > before;
}

void UsageRecorder::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    wait(usage_look_again, stop);
    if (!look(stop)) wait(usage_retry_delay, stop);
  }
}

// Records what was used in the interval, if that is over; false where the log takes nothing now.
bool UsageRecorder::look(const std::stop_token& stop) {
  const auto now = clock_.now();
  // A clock that was set back must not put it off.
  if (now >= last_ && now - last_ < interval_) return true;
  const auto recorded = record(stop);
  if (recorded) {
    last_ = now;
    return true;
  }
  spdlog::warn("when tokens were used last will be recorded later: {}", reason_of(recorded.error()));
  return false;
}

Result<void> UsageRecorder::record(const std::stop_token& stop) {
  if (auto recorded = record_pending(stop); !recorded) return recorded;
  for (std::size_t part = 0; part < AuthorizationIndex::parts && !stop.stop_requested(); ++part) {
    const auto uses = index_.take_uses(part);
    pending_.insert(pending_.end(), uses.begin(), uses.end());
    if (pending_.size() < pending_max && part + 1 < AuthorizationIndex::parts) continue;
    if (auto recorded = record_pending(stop); !recorded) return recorded;
  }
  return {};
}

Result<void> UsageRecorder::record_pending(const std::stop_token& stop) {
  std::ranges::sort(pending_, [](const auto& left, const auto& right) {
    return std::pair(left.account, left.token) > std::pair(right.account, right.token);
  });
  while (!pending_.empty() && !stop.stop_requested()) {
    // The first of the order are at the end, where they are taken away cheaply.
    const auto account = pending_.back().account;
    Uses uses;
    const auto end = pending_.size() - std::min(pending_.size(), uses_in_event_max);
    for (auto i = pending_.size(); i > end && pending_[i - 1].account == account; --i)
      uses.push_back(pending_[i - 1]);
    if (auto appended = append(account, uses); !appended) return appended;
    pending_.erase(pending_.end() - static_cast<std::ptrdiff_t>(uses.size()), pending_.end());
  }
  return {};
}

// Waits for the projections, so that no other event ever has more than one of these before it; or has the
// next step do so.
Result<void> UsageRecorder::append(AccountId account, const Uses& uses) {
  Event event;
  for (const auto& use : uses) {
    auto& recorded = *event.mutable_tokens_used()->add_uses();
    recorded.set_token(use.token.value());
    recorded.set_last_used_at_us(use.at.time_since_epoch().count());
  }
  const auto appended =
      append_outcome(log_, clock_, random_, {fmt::format("usage-{}", account.text()), "usage", "", false},
                     {std::move(event)});
  if (!appended) {
    if (appended.error().kind == ErrorKind::kOutcomeUnknown)
      throw std::runtime_error(reason_of(appended.error()));
    return std::unexpected(appended.error());
  }
  if (drive_ == Drive::kCaller) {
    awaited_ = *appended;
    return {};
  }
  std::promise<void> promise;
  auto reached = promise.get_future();
  projector_.when_reached(*appended, [&promise](bool) { promise.set_value(); });
  reached.get();
  return {};
}

void UsageRecorder::wait(std::chrono::microseconds time, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  stopping_.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace mintmark
