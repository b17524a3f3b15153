#include "worker/delivery_log.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include "eventstore/crash_point.h"

namespace mintmark {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view delivery_stream = "deliveries";
constexpr std::size_t attempts_in_event_max = 512;
constexpr auto delivery_linger = 5ms;         // far below what anybody notices in a record
constexpr auto delivery_retry_delay = 250ms;  // where the log takes nothing now
constexpr auto catch_up_delay = 5ms;          // where planning is behind the log

}  // namespace

DeliveryLog::DeliveryLog(boost::asio::io_context& context, EventLog& log, JobStore& jobs, const Clock& clock,
                         Random& random, const MakeTimer& make_timer, std::size_t batch,
                         std::function<void()> on_change, std::function<void(const std::string&)> on_failure)
    : context_(context),
      log_(log),
      jobs_(jobs),
      clock_(clock),
      random_(random),
      on_change_(std::move(on_change)),
      on_failure_(std::move(on_failure)),
      batch_(batch),
      timer_(make_timer(context)),
      linger_timer_(make_timer(context)),
      version_(log.version_of(delivery_stream)) {}

void DeliveryLog::add(DeliveryAttempt attempt) {
  waiting_.push_back(std::move(attempt));
  gather();
}

// Appends what waits once there is enough of it, or it has waited for long enough.
void DeliveryLog::gather() {
  if (busy_ || waiting_.empty()) return;
  if (waiting_.size() >= batch_) return append();
  if (std::exchange(lingering_, true)) return;
  linger_timer_->start(delivery_linger, [this] {
    lingering_ = false;
    if (!busy_) append();
  });
}

void DeliveryLog::append() {
  while (!waiting_.empty() && under_way_.size() < attempts_in_event_max) {
    under_way_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  if (under_way_.empty()) return;
  busy_ = true;
  Event event;
  auto& recorded = *event.mutable_webhook_deliveries_recorded();
  for (const auto& attempt : under_way_) *recorded.add_attempts() = attempt;
  const auto now = clock_.now();
  AppendRequest request;
  request.streams.push_back(
      {std::string(delivery_stream), version_, {{random_.event_id(now), std::move(event)}}});
  request.metadata.actor.set_kind(Actor::WORKER);
  request.metadata.actor.set_id("webhooks");
  request.metadata.recorded_at = now;
  crash_point("outcomes due");
  appending_ = true;
  // The log answers on a thread of its own.
  log_.append(std::move(request), [this](AppendResult result) {
    boost::asio::post(context_, [this, result = std::move(result)] { take(result); });
  });
}

void DeliveryLog::take(const AppendResult& result) {
  busy_ = appending_ = false;
  if (result) {
    crash_point("outcomes recorded");
    ++version_;
    under_way_.clear();
    gather();
    on_change_();
    return;
  }
  busy_ = true;
  switch (result.error().kind) {
    case AppendError::Kind::kConflict:
      version_ = result.error().actual_version;
      catch_up();
      break;
    case AppendError::Kind::kBusy:
    case AppendError::Kind::kDiskFull:
      spdlog::warn("outcomes of {} deliveries wait to be recorded: {}", pending(), result.error().message);
      try_again();
      break;
    case AppendError::Kind::kUnknown:
    case AppendError::Kind::kKeyReused:
    case AppendError::Kind::kInvalid:
      on_failure_("outcomes of deliveries cannot be recorded: " + result.error().message);
      break;
  }
}

void DeliveryLog::try_again() {
  timer_->start(delivery_retry_delay, [this] { append(); });
}

// Another has recorded outcomes: ours are told apart from those once they are planned.
void DeliveryLog::catch_up() {
  if (jobs_.planned() < log_.head()) {
    timer_->start(catch_up_delay, [this] { catch_up(); });
    return;
  }
  const auto is_stale = [this](const DeliveryAttempt& attempt) {
    const auto job = jobs_.find(key_of(attempt.job()));
    return !job || job->status() == StoredJob::DONE || job->attempts() + 1 != attempt.attempt();
  };
  std::erase_if(under_way_, is_stale);
  std::erase_if(waiting_, is_stale);
  if (under_way_.empty() && waiting_.empty()) {
    busy_ = false;
    on_change_();
    return;
  }
  append();
}

}  // namespace mintmark
