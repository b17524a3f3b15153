#include "worker/worker.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <stdexcept>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "domain/limits.h"
#include "worker/zapier.h"

namespace mintmark {
namespace {

using namespace std::chrono_literals;

constexpr auto lease_time = 30s;
constexpr std::chrono::milliseconds retry_delay_first = 250ms;
constexpr std::chrono::milliseconds retry_delay_max = 60s;

// Doubles with each attempt.
std::chrono::milliseconds retry_delay(std::uint32_t attempts) {
  const auto doublings = std::min(attempts, 8U);
  return std::min(retry_delay_first * (1U << doublings), retry_delay_max);
}

}  // namespace

Worker::Worker(EventLog& log, JobStore& jobs, const Clock& clock, Random& random,
               std::function<void(const std::string&)> on_failure)
    : log_(log),
      jobs_(jobs),
      clock_(clock),
      random_(random),
      on_failure_(std::move(on_failure)),
      planner_([this](const std::stop_token& stop) { guard(&Worker::plan, stop); }),
      runner_([this](const std::stop_token& stop) {
        guard(static_cast<void (Worker::*)(const std::stop_token&)>(&Worker::run), stop);
      }) {}

Worker::~Worker() {
  planner_.request_stop();
  runner_.request_stop();
  planner_.join();
  runner_.join();
}

// What a thread throws ends it, and is told.
void Worker::guard(void (Worker::*loop)(const std::stop_token&), const std::stop_token& stop) {
  try {
    (this->*loop)(stop);
  } catch (const std::exception& error) {
    on_failure_(error.what());
  }
}

void Worker::plan(const std::stop_token& stop) {
  Follower follower(log_, jobs_.planned());
  for (;;) {
    const auto events = follower.next(limits::projection_batch_events_max, stop);
    if (events.empty()) return;
    std::vector<StoredJob> jobs;
    for (const auto& event : events) {
      if (auto job = plan_zapier_job(log_, event.recorded)) jobs.push_back(std::move(*job));
    }
    jobs_.plan(follower.after(), jobs);
    if (jobs.empty()) continue;
    const std::scoped_lock lock(mutex_);
    new_jobs_ = true;
    planned_.notify_one();
  }
}

void Worker::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (const auto claim = jobs_.claim(lease_time)) {
      run(*claim);
    } else {
      wait_for_jobs(stop);
    }
  }
}

void Worker::run(const Claim& claim) {
  const auto done = run_zapier_job(log_, clock_, random_, claim.job);
  if (done) {
    if (!jobs_.complete(claim))
      spdlog::warn("the lease of a job for {} ended before it did", claim.job.subject());
    return;
  }
  const auto reason = fmt::format("{}", fmt::join(done.error().messages, " "));
  if (done.error().kind == ErrorKind::kOutcomeUnknown) throw std::runtime_error(reason);
  const auto delay = retry_delay(claim.job.attempts());
  spdlog::warn("a job for {} will be tried again in {} ms: {}", claim.job.subject(), delay.count(), reason);
  jobs_.postpone(claim, delay);
}

void Worker::wait_for_jobs(const std::stop_token& stop) {
  const auto due = jobs_.next_due();
  std::unique_lock lock(mutex_);
  const auto woken = [this] { return new_jobs_; };
  if (due) {
    planned_.wait_for(lock, stop, std::max(*due - clock_.now(), std::chrono::microseconds(1000)), woken);
  } else {
    planned_.wait(lock, stop, woken);
  }
  new_jobs_ = false;
}

}  // namespace mintmark
