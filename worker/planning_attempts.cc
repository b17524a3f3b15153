// What came of attempts, and what somebody wants attempted again.
#include <chrono>
#include <cstdint>

#include "domain/limits.h"
#include "worker/attempts.h"
#include "worker/planning.h"

namespace mintmark {
namespace {

constexpr std::uint32_t status_gone = 410;

template <class Attempt>
std::int64_t attempt_end_us(const Attempt& attempt) {
  return attempt.started_at_us() + static_cast<std::int64_t>(attempt.duration_us());
}

}  // namespace

template <class Attempt>
void Planning::note(const StoredJob& job, const Attempt& attempt) {
  auto& attempted = change(job);
  attempted.set_attempts(attempt.attempt());
  if (attempted.history_size() == static_cast<int>(limits::attempts_kept_max)) {
    attempted.mutable_history()->erase(attempted.history().begin());
  }
  auto& noted = *attempted.add_history();
  noted.set_started_at_us(attempt.started_at_us());
  noted.set_duration_us(attempt.duration_us());
  noted.set_status(attempt.status());
  noted.set_failure(attempt.failure());
}

// An attempt counts once: the one behind those that are counted already.
void Planning::take_attempt(const Recorded& recorded, const DeliveryAttempt& attempt) {
  const auto* delivery = job(key_of(attempt.job()));
  if (!delivery || delivery->status() == StoredJob::DONE) return;
  if (attempt.attempt() != delivery->attempts() + 1) return;
  note(*delivery, attempt);
  const auto* webhook = subscription(attempt.job().target());
  const bool succeeded = attempt.failure() == ATTEMPT_SUCCEEDED;
  if (delivery->status() != StoredJob::WAITING && (!succeeded || !webhook)) {
    // Cancelled while it was under way: that stays, and shows what came of it.
  } else if (succeeded) {
    finish(*delivery, StoredJob::DONE, attempt_end_us(attempt));
  } else if (attempt.next_attempt_at_us() == 0) {
    finish(*delivery, StoredJob::DEAD, attempt_end_us(attempt));
  } else {
    change(*delivery).set_due_us(attempt.next_attempt_at_us());
  }
  if (!webhook) return;
  if (attempt.job().kind() == DELIVER_WEBHOOK) {
    count_attempt(recorded, attempt, change(*webhook));
  } else if (attempt.status() == status_gone) {
    stop_webhook(recorded, *webhook, true);
  }
}

void Planning::count_attempt(const Recorded& recorded, const DeliveryAttempt& attempt,
                             Subscription& webhook) {
  const auto at_us = attempt_end_us(attempt);
  if (attempt.failure() == ATTEMPT_SUCCEEDED) {
    webhook.set_last_success_us(at_us);
    webhook.set_failing_since_us(0);
    webhook.set_failures(0);
    webhook.set_open_until_us(0);
    return;
  }
  webhook.set_last_failure_us(at_us);
  webhook.set_failures(webhook.failures() + 1);
  if (webhook.failing_since_us() == 0) webhook.set_failing_since_us(at_us);
  const auto open_for = circuit_open_time(webhook.failures());
  webhook.set_open_until_us(open_for.count() == 0 ? 0 : at_us + open_for.count());
  const bool gone = attempt.status() == status_gone;
  const bool failed_too_long =
      std::chrono::microseconds(at_us - webhook.failing_since_us()) >= limits::webhook_failing_time_max;
  if (gone || failed_too_long) stop_webhook(recorded, webhook, gone);
}

void Planning::stop_webhook(const Recorded& recorded, const Subscription& webhook, bool gone) {
  if (!webhook.active() || webhook.gone()) return;
  if (gone) change(webhook).set_gone(true);
  add(recorded, STOP_WEBHOOK, webhook.webhook(), webhook.account());
}

void Planning::take_provisioning(const ZapierProvisioningFailed& failed) {
  const auto* connection = job(key_of(failed.job()));
  if (!connection || connection->status() != StoredJob::WAITING) return;
  if (failed.attempt() != connection->attempts() + 1) return;
  note(*connection, failed);
  if (failed.next_attempt_at_us() == 0) {
    finish(*connection, StoredJob::DEAD, attempt_end_us(failed));
  } else {
    change(*connection).set_due_us(failed.next_attempt_at_us());
  }
}

void Planning::retry(const JobKey& key, std::int64_t at_us) {
  const auto* stored = job(key);
  if (!stored || stored->status() == StoredJob::DONE) return;
  const auto* webhook = is_about_webhook(key.kind) ? subscription(key.target) : nullptr;
  if (is_about_webhook(key.kind) && !webhook) return;
  if (webhook && key.kind == DELIVER_WEBHOOK) {
    auto& called = change(*webhook);
    called.set_open_until_us(0);
    if (stored->status() != StoredJob::WAITING) called.set_waiting(called.waiting() + 1);
  }
  auto& retried = change(*stored);
  retried.set_status(StoredJob::WAITING);
  retried.set_round_begin(retried.attempts());
  retried.set_due_us(at_us);
  retried.set_finished_us(0);
}

}  // namespace mintmark
