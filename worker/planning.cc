#include "worker/planning.h"

#include <set>
#include <string>
#include <utility>

#include "domain/limits.h"
#include "domain/time.h"
#include "domain/token.h"
#include "domain/webhook.h"
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

const StoredJob* Planning::job(const JobKey& key) {
  auto found = jobs_looked_at_.find(key);
  if (found == jobs_looked_at_.end()) {
    auto stored = jobs_.find(key);
    if (!stored) return nullptr;
    found = jobs_looked_at_.emplace(key, Looked<StoredJob>{std::move(stored)}).first;
  }
  return found->second.value ? &*found->second.value : nullptr;
}

const Subscription* Planning::subscription(std::uint32_t webhook) {
  auto found = webhooks_looked_at_.find(webhook);
  if (found == webhooks_looked_at_.end()) {
    auto stored = jobs_.subscription(webhook);
    if (!stored) return nullptr;
    found = webhooks_looked_at_.emplace(webhook, Looked<Subscription>{std::move(stored)}).first;
  }
  return found->second.value ? &*found->second.value : nullptr;
}

StoredJob& Planning::change(const StoredJob& job) {
  auto& looked = jobs_looked_at_.at(key_of(job.key()));
  looked.changed = true;
  return looked.value.value();
}

Subscription& Planning::change(const Subscription& webhook) {
  auto& looked = webhooks_looked_at_.at(webhook.webhook());
  looked.changed = true;
  return looked.value.value();
}

std::vector<std::uint32_t> Planning::webhooks_of(AccountId account) {
  std::set<std::uint32_t> all;
  for (const auto& stored : jobs_.subscriptions_of(account)) all.insert(stored.webhook());
  for (const auto& [webhook, looked] : webhooks_looked_at_) {
    if (looked.value && looked.value->account() == account.code()) all.insert(webhook);
    if (!looked.value) all.erase(webhook);
  }
  return {all.begin(), all.end()};
}

std::vector<std::uint32_t> Planning::webhooks_made_by(TokenId token) {
  std::set<std::uint32_t> all;
  for (const auto& stored : jobs_.subscriptions_made_by(token)) all.insert(stored.webhook());
  for (const auto& [webhook, looked] : webhooks_looked_at_) {
    const auto& value = looked.value;
    if (value && value->owned() && value->owner_token() == token.value()) all.insert(webhook);
    if (!value) all.erase(webhook);
  }
  return {all.begin(), all.end()};
}

// What the token's stream begins with.
const Planning::FirstEvent& Planning::first_of(std::string_view stream) {
  const auto found = tokens_.find(stream);
  if (found != tokens_.end()) return found->second;
  const auto events = log_.read_stream(stream, 0);
  FirstEvent first;
  if (!events.empty()) {
    const auto& recorded = events.front().recorded;
    first = {recorded.event().token_created(), recorded.position()};
  }
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
  const auto* const webhook = is_about_webhook(kind) ? subscription(target) : nullptr;
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
      change(*webhook).set_waiting(webhook->waiting() + 1);
    }
  }
  jobs_looked_at_[key] = {std::move(planned), true};
}

void Planning::finish(const StoredJob& job, StoredJob::Status status, std::int64_t at_us) {
  if (job.status() == StoredJob::WAITING && job.key().kind() == DELIVER_WEBHOOK) {
    const auto* const webhook = subscription(job.key().target());
    if (webhook) change(*webhook).set_waiting(webhook->waiting() - 1);
  }
  auto& finished = change(job);
  finished.set_status(status);
  finished.set_finished_us(at_us);
}

void Planning::cancel_waiting(const JobSubject& subject, std::int64_t at_us) {
  for (const auto& key : jobs_.waiting_of(subject)) job(key);
  for (const auto& [key, looked] : jobs_looked_at_) {
    const auto& waiting = looked.value;
    if (!waiting || subject_of(key) != subject || waiting->status() != StoredJob::WAITING) continue;
    finish(*waiting, StoredJob::CANCELLED, at_us);
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
  const bool owned = token && first_of(stream_of(*token)).created.extension() == ZAPIER;
  if (owned) {
    webhook.set_owned(true);
    webhook.set_owner_token(token->value());
  }
  webhooks_looked_at_[id.value()] = {std::move(webhook), true};
  // What the token has become since somebody asked for the webhook with its key was told to the others alone.
  if (owned) add(recorded, FOLLOW_TOKEN, token->value(), account->code());
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
  webhooks_looked_at_[webhook] = {std::nullopt, true};
}

Result<void> Planning::take_webhook(const Recorded& recorded, WebhookId id) {
  const auto& event = recorded.event();
  if (event.has_webhook_created()) return create_webhook(recorded, id);
  const auto* webhook = subscription(id.value());
  if (!webhook) return {};
  if (event.has_webhook_updated()) {
    change(*webhook).set_version(recorded.version());
    update_webhook(event.webhook_updated(), change(*webhook));
  } else if (ends_webhook(event)) {
    end_webhook(id.value(), recorded.recorded_at_us());
  } else if (event.has_webhook_unsubscribed()) {
    change(*webhook).set_active(false);
    change(*webhook).set_gone(false);
    cancel_waiting({JobSubject::Group::kDeliveries, id.value()}, recorded.recorded_at_us());
  } else if (event.has_webhook_disabled()) {
    change(*webhook).set_active(false);
  } else if (event.has_webhook_paused()) {
    change(*webhook).set_paused(true);
  } else if (event.has_webhook_resumed()) {
    change(*webhook).set_paused(false);
  } else {
    take_trigger(recorded, id);
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

// Nobody has held the webhook still between the decision and this event: one that is gone by now is not
// called, and what was wanted of one that is not active any more is cancelled, to be seen.
void Planning::take_trigger(const Recorded& recorded, WebhookId id) {
  const auto* webhook = subscription(id.value());
  if (!webhook || jobs_.is_parked(stream_of(id))) return;
  if (recorded.event().has_webhook_test_requested()) {
    add(recorded, TEST_WEBHOOK, id.value(), webhook->account());
  } else if (recorded.event().has_webhook_triggered()) {
    add(recorded, DELIVER_WEBHOOK, id.value(), webhook->account());
    if (webhook->active()) return;
    finish(*job({recorded.position(), DELIVER_WEBHOOK, id.value()}), StoredJob::CANCELLED,
           recorded.recorded_at_us());
  }
}

void Planning::take_zapier_token(const Recorded& recorded, TokenId id, std::uint32_t account) {
  const auto& event = recorded.event();
  if (event.has_token_created() || is_pending_again(log_, recorded))
    add(recorded, ISSUE_ZAPIER_CONNECTION, id.value(), account);
  if (event.has_token_deleted()) {
    cancel_waiting({JobSubject::Group::kConnections, id.value()}, recorded.recorded_at_us());
    // One that was given up waited for somebody to retry it.
    const auto* issue = job({first_of(recorded.stream()).position, ISSUE_ZAPIER_CONNECTION, id.value()});
    if (issue && issue->status() == StoredJob::DEAD) {
      finish(*issue, StoredJob::CANCELLED, recorded.recorded_at_us());
    }
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
  if (event.has_token_created()) tokens_[recorded.stream()] = {event.token_created(), recorded.position()};
  const auto first = first_of(recorded.stream()).created;
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
      const auto* cancelled = job(key_of(reference));
      if (cancelled && cancelled->status() != StoredJob::DONE)
        finish(*cancelled, StoredJob::CANCELLED, at_us);
    }
  } else if (const auto webhook = id_of_stream<WebhookId>(recorded.stream(), "webhook-")) {
    return take_webhook(recorded, *webhook);
  } else if (const auto triggered = webhook_of_trigger(recorded.stream())) {
    take_trigger(recorded, *triggered);
  } else if (const auto token = id_of_stream<TokenId>(recorded.stream(), "token-")) {
    return take_token(recorded, *token);
  }
  return {};
}

JobPlan Planning::plan(Position position) && {
  JobPlan plan{.position = position, .jobs = {}, .subscriptions = {}, .ended_subscriptions = {}};
  for (auto& [key, looked] : jobs_looked_at_) {
    if (looked.value && looked.changed) plan.jobs.push_back(std::move(*looked.value));
  }
  for (auto& [webhook, looked] : webhooks_looked_at_) {
    if (!looked.changed) continue;
    if (looked.value) {
      plan.subscriptions.push_back(std::move(*looked.value));
    } else {
      plan.ended_subscriptions.push_back(webhook);
    }
  }
  return plan;
}

}  // namespace mintmark
