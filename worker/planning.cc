#include "worker/planning.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <utility>

#include "domain/limits.h"
#include "domain/time.h"
#include "domain/token.h"
#include "worker/attempts.h"
#include "worker/job_planner.h"

namespace mintmark {
namespace {

template <class Id>
std::optional<Id> id_of_stream(std::string_view stream, std::string_view prefix) {
  if (!stream.starts_with(prefix)) return std::nullopt;
  return Id::parse(stream.substr(prefix.size()));
}

std::unexpected<Error> cannot_plan(std::string_view why) {
  return fail(ErrorKind::kInvalid, std::string(why));
}

}  // namespace

StoredJob* Planning::job(const JobKey& key) {
  auto found = touched_jobs_.find(key);
  if (found == touched_jobs_.end()) {
    auto stored = jobs_.find(key);
    if (!stored) return nullptr;
    found = touched_jobs_.emplace(key, std::move(stored)).first;
  }
  return found->second ? &*found->second : nullptr;
}

Subscription* Planning::subscription(std::uint32_t webhook) {
  auto found = touched_webhooks_.find(webhook);
  if (found == touched_webhooks_.end()) {
    auto stored = jobs_.subscription(webhook);
    if (!stored) return nullptr;
    found = touched_webhooks_.emplace(webhook, std::move(stored)).first;
  }
  return found->second ? &*found->second : nullptr;
}

std::vector<std::uint32_t> Planning::webhooks_of(AccountId account) {
  std::set<std::uint32_t> all;
  for (const auto& stored : jobs_.subscriptions_of(account)) all.insert(stored.webhook());
  for (const auto& [webhook, touched] : touched_webhooks_) {
    if (touched && touched->account() == account.code()) all.insert(webhook);
    if (!touched) all.erase(webhook);
  }
  return {all.begin(), all.end()};
}

std::vector<std::uint32_t> Planning::webhooks_made_by(TokenId token) {
  std::set<std::uint32_t> all;
  for (const auto& stored : jobs_.subscriptions_made_by(token)) all.insert(stored.webhook());
  for (const auto& [webhook, touched] : touched_webhooks_) {
    if (touched && touched->owned() && touched->owner_token() == token.value()) all.insert(webhook);
    if (!touched) all.erase(webhook);
  }
  return {all.begin(), all.end()};
}

// What the token's stream begins with; an empty message where it begins otherwise.
const TokenCreated& Planning::created(std::string_view stream) {
  const auto found = tokens_.find(stream);
  if (found != tokens_.end()) return found->second;
  const auto events = log_.read_stream(stream, 0);
  TokenCreated first;
  if (!events.empty()) first = events.front().recorded.event().token_created();
  return tokens_.emplace(std::string(stream), std::move(first)).first->second;
}

void Planning::add(const Recorded& recorded, JobKind kind, std::uint32_t target, std::uint32_t account) {
  const JobKey key{recorded.position(), kind, target};
  StoredJob planned;
  *planned.mutable_key() = reference_to(key);
  planned.set_account(account);
  planned.set_event_id(recorded.event_id());
  planned.set_event_kind(static_cast<std::uint32_t>(recorded.event().kind_case()));
  planned.set_event_stream(recorded.stream());
  planned.set_event_version(recorded.version());
  planned.set_created_us(recorded.recorded_at_us());
  planned.set_due_us(recorded.recorded_at_us());
  planned.set_status(StoredJob::WAITING);
  auto* const webhook = is_about_webhook(kind) ? subscription(target) : nullptr;
  if (webhook) {
    planned.set_last_success_us(webhook->last_success_us());
    planned.set_last_failure_us(webhook->last_failure_us());
  }
  if (webhook && kind == DELIVER_WEBHOOK) {
    // A receiver that fails for days must not fill the memory: what is too much is given up, to be seen.
    if (webhook->waiting() >= limits::deliveries_waiting_max) {
      planned.set_status(StoredJob::DEAD);
      planned.set_finished_us(recorded.recorded_at_us());
    } else {
      webhook->set_waiting(webhook->waiting() + 1);
    }
  }
  touched_jobs_[key] = std::move(planned);
}

void Planning::finish(StoredJob& job, StoredJob::Status status, std::int64_t at_us) {
  if (job.status() == StoredJob::WAITING && job.key().kind() == DELIVER_WEBHOOK) {
    auto* const webhook = subscription(job.key().target());
    if (webhook) webhook->set_waiting(webhook->waiting() - 1);
  }
  job.set_status(status);
  job.set_finished_us(at_us);
}

void Planning::cancel_waiting(const JobSubject& subject, std::int64_t at_us) {
  for (const auto& key : jobs_.waiting_of(subject)) job(key);
  for (auto& [key, touched] : touched_jobs_) {
    if (!touched || subject_of(key) != subject || touched->status() != StoredJob::WAITING) continue;
    finish(*touched, StoredJob::CANCELLED, at_us);
  }
}

Result<void> Planning::create_webhook(const Recorded& recorded, WebhookId id) {
  const auto& created_event = recorded.event().webhook_created();
  const auto account = AccountId::parse(created_event.account_id());
  if (!account) return cannot_plan("its account id is malformed");
  Subscription webhook;
  webhook.set_webhook(id.value());
  webhook.set_account(account->code());
  webhook.set_object_class(created_event.object_class());
  webhook.set_label(created_event.label());
  webhook.set_active(created_event.active());
  webhook.set_version(recorded.version());
  const auto token = recorded.actor().kind() == Actor::TOKEN ? TokenId::parse(recorded.actor().id())
                                                             : std::optional<TokenId>();
  if (token && created(stream_of(*token)).extension() == ZAPIER) {
    webhook.set_owned(true);
    webhook.set_owner_token(token->value());
  }
  touched_webhooks_[id.value()] = std::move(webhook);
  return {};
}

void Planning::update_webhook(const WebhookUpdated& updated, Subscription& webhook) {
  if (updated.has_object_class()) webhook.set_object_class(updated.object_class());
  if (updated.has_label()) webhook.set_label(updated.label());
  if (!updated.has_active()) return;
  webhook.set_active(updated.active());
  if (!updated.active()) return;
  webhook.set_gone(false);
  webhook.set_failing_since_us(0);
  webhook.set_failures(0);
  webhook.set_open_until_us(0);
}

void Planning::end_webhook(std::uint32_t webhook, std::int64_t at_us) {
  cancel_waiting({JobSubject::Group::kDeliveries, webhook}, at_us);
  cancel_waiting({JobSubject::Group::kTests, webhook}, at_us);
  touched_webhooks_[webhook].reset();
}

Result<void> Planning::take_webhook(const Recorded& recorded, WebhookId id) {
  const auto& event = recorded.event();
  if (event.has_webhook_created()) return create_webhook(recorded, id);
  auto* webhook = subscription(id.value());
  if (!webhook) return {};
  if (event.has_webhook_updated()) {
    webhook->set_version(recorded.version());
    update_webhook(event.webhook_updated(), *webhook);
  } else if (event.has_webhook_deleted() ||
             event.webhook_unsubscribed().reason() == WebhookUnsubscribed::TOKEN_DELETED) {
    end_webhook(id.value(), recorded.recorded_at_us());
  } else if (event.has_webhook_unsubscribed()) {
    webhook->set_active(false);
    webhook->set_gone(false);
    cancel_waiting({JobSubject::Group::kDeliveries, id.value()}, recorded.recorded_at_us());
  } else if (event.has_webhook_disabled()) {
    webhook->set_active(false);
  } else if (event.has_webhook_paused()) {
    webhook->set_paused(true);
  } else if (event.has_webhook_resumed()) {
    webhook->set_paused(false);
  } else if (event.has_webhook_triggered()) {
    add(recorded, DELIVER_WEBHOOK, id.value(), webhook->account());
  } else if (event.has_webhook_test_requested()) {
    add(recorded, TEST_WEBHOOK, id.value(), webhook->account());
  }
  return {};
}

namespace {

// Whether the token expired before its connection was issued, and has a new value now: what was planned for
// it has found nothing to do, or been given up.
bool is_pending_again(EventLog& log, const Recorded& recorded) {
  if (!recorded.event().has_token_rotated()) return false;
  Token token;
  for (const auto& earlier : log.read_stream(recorded.stream(), 0)) {
    if (earlier.recorded.version() >= recorded.version()) break;
    evolve(token, earlier.recorded.event());
  }
  return token.status == TokenStatus::kExpired && token.before_expiry == TokenStatus::kPending;
}

}  // namespace

void Planning::take_zapier_token(const Recorded& recorded, TokenId id, std::uint32_t account) {
  const auto& event = recorded.event();
  if (event.has_token_created() || is_pending_again(log_, recorded))
    add(recorded, ISSUE_ZAPIER_CONNECTION, id.value(), account);
  if (event.has_token_deleted()) {
    cancel_waiting({JobSubject::Group::kConnections, id.value()}, recorded.recorded_at_us());
    add(recorded, WITHDRAW_ZAPIER_CONNECTION, id.value(), account);
  }
  const bool webhooks_follow = event.has_token_deleted() || event.has_token_activated() ||
                               event.has_token_deactivated() || event.has_token_expired() ||
                               event.has_token_rotated();
  if (webhooks_follow && !webhooks_made_by(id).empty()) add(recorded, FOLLOW_TOKEN, id.value(), account);
}

Result<void> Planning::take_token(const Recorded& recorded, TokenId id) {
  const auto& event = recorded.event();
  if (token_event_name(event).empty()) return {};
  if (event.has_token_created()) tokens_[recorded.stream()] = event.token_created();
  const auto first = created(recorded.stream());
  const auto account = AccountId::parse(first.account_id());
  if (!account) return cannot_plan("its token's account cannot be told");
  if (first.extension() == ZAPIER) take_zapier_token(recorded, id, account->code());
  for (const auto webhook_number : webhooks_of(*account)) {
    const auto* webhook = subscription(webhook_number);
    if (!webhook->active() || webhook->gone() || webhook->object_class() != "token") continue;
    add(recorded, DELIVER_WEBHOOK, webhook_number, account->code());
  }
  return {};
}

template <class Attempt>
void Planning::note(StoredJob& job, const Attempt& attempt) {
  job.set_attempts(attempt.attempt());
  if (job.history_size() == static_cast<int>(limits::attempts_kept_max)) {
    job.mutable_history()->erase(job.history().begin());
  }
  auto& noted = *job.add_history();
  noted.set_started_at_us(attempt.started_at_us());
  noted.set_duration_us(attempt.duration_us());
  noted.set_status(attempt.status());
  noted.set_failure(attempt.failure());
}

template <class Attempt>
std::int64_t end_of(const Attempt& attempt) {
  return attempt.started_at_us() + static_cast<std::int64_t>(attempt.duration_us());
}

// An attempt counts once: the one behind those that are counted already.
void Planning::take_attempt(const Recorded& recorded, const DeliveryAttempt& attempt) {
  auto* delivery = job(key_of(attempt.job()));
  if (!delivery || delivery->status() == StoredJob::DONE) return;
  if (attempt.attempt() != delivery->attempts() + 1) return;
  note(*delivery, attempt);
  if (attempt.failure() == ATTEMPT_SUCCEEDED) {
    finish(*delivery, StoredJob::DONE, end_of(attempt));
  } else if (delivery->status() != StoredJob::WAITING) {
    // Cancelled while it was under way: that stays.
  } else if (attempt.next_attempt_at_us() == 0) {
    finish(*delivery, StoredJob::DEAD, end_of(attempt));
  } else {
    delivery->set_due_us(attempt.next_attempt_at_us());
  }
  auto* webhook = subscription(attempt.job().target());
  if (webhook && attempt.job().kind() == DELIVER_WEBHOOK) count_attempt(recorded, attempt, *webhook);
}

void Planning::count_attempt(const Recorded& recorded, const DeliveryAttempt& attempt,
                             Subscription& webhook) {
  const auto at_us = end_of(attempt);
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
  const bool gone = attempt.status() == 410;
  const bool failed_too_long =
      std::chrono::microseconds(at_us - webhook.failing_since_us()) >= limits::webhook_failing_time_max;
  if (!webhook.active() || webhook.gone() || (!gone && !failed_too_long)) return;
  if (gone) webhook.set_gone(true);
  add(recorded, STOP_WEBHOOK, webhook.webhook(), webhook.account());
}

void Planning::take_provisioning(const ZapierProvisioningFailed& failed) {
  auto* connection = job(key_of(failed.job()));
  if (!connection || connection->status() != StoredJob::WAITING) return;
  if (failed.attempt() != connection->attempts() + 1) return;
  note(*connection, failed);
  if (failed.next_attempt_at_us() == 0) {
    finish(*connection, StoredJob::DEAD, end_of(failed));
  } else {
    connection->set_due_us(failed.next_attempt_at_us());
  }
}

void Planning::retry(const JobKey& key, std::int64_t at_us) {
  auto* retried = job(key);
  if (!retried || retried->status() == StoredJob::DONE) return;
  auto* webhook = is_about_webhook(key.kind) ? subscription(key.target) : nullptr;
  if (is_about_webhook(key.kind) && !webhook) return;
  if (webhook && key.kind == DELIVER_WEBHOOK) {
    webhook->set_open_until_us(0);
    if (retried->status() != StoredJob::WAITING) webhook->set_waiting(webhook->waiting() + 1);
  }
  retried->set_status(StoredJob::WAITING);
  retried->set_round_begin(retried->attempts());
  retried->set_due_us(at_us);
  retried->set_finished_us(0);
}

Result<void> Planning::take(const Recorded& recorded) {
  const auto& event = recorded.event();
  const auto at_us = recorded.recorded_at_us();
  if (event.has_webhook_deliveries_recorded()) {
    for (const auto& attempt : event.webhook_deliveries_recorded().attempts()) {
      take_attempt(recorded, attempt);
    }
  } else if (event.has_zapier_provisioning_failed()) {
    take_provisioning(event.zapier_provisioning_failed());
  } else if (event.has_jobs_retried()) {
    for (const auto& reference : event.jobs_retried().jobs()) retry(key_of(reference), at_us);
  } else if (event.has_jobs_cancelled()) {
    for (const auto& reference : event.jobs_cancelled().jobs()) {
      auto* cancelled = job(key_of(reference));
      if (cancelled && cancelled->status() != StoredJob::DONE)
        finish(*cancelled, StoredJob::CANCELLED, at_us);
    }
  } else if (const auto webhook = id_of_stream<WebhookId>(recorded.stream(), "webhook-")) {
    return take_webhook(recorded, *webhook);
  } else if (const auto token = id_of_stream<TokenId>(recorded.stream(), "token-")) {
    return take_token(recorded, *token);
  }
  return {};
}

JobPlan Planning::plan(Position position) && {
  JobPlan plan{.position = position, .jobs = {}, .subscriptions = {}, .ended_subscriptions = {}};
  for (auto& [key, touched] : touched_jobs_) {
    if (touched) plan.jobs.push_back(std::move(*touched));
  }
  for (auto& [webhook, touched] : touched_webhooks_) {
    if (touched) {
      plan.subscriptions.push_back(std::move(*touched));
    } else {
      plan.ended_subscriptions.push_back(webhook);
    }
  }
  return plan;
}

}  // namespace mintmark
