#include "worker/zapier.h"

#include <algorithm>
#include <chrono>
#include <type_traits>
#include <utility>

#include <boost/json/serialize.hpp>

#include "domain/limits.h"
#include "domain/token.h"
#include "domain/webhook.h"
#include "eventstore/vault.h"
#include "worker/outcome.h"
#include "worker/webhook_calls.h"
#include "worker/webhook_signature.h"

namespace mintmark {
namespace {

template <class Aggregate>
Aggregate fold(const std::vector<StoredEvent>& stream) {
  Aggregate aggregate;
  for (const auto& event : stream) evolve(aggregate, event.recorded.event());
  return aggregate;
}

bool is_withdrawn(const std::vector<StoredEvent>& stream) {
  return std::ranges::any_of(stream, [](const StoredEvent& event) {
    return event.recorded.event().has_zapier_connection_withdrawn();
  });
}

Result<std::vector<Event>> decide_withdrawal(const std::vector<StoredEvent>& stream, bool told) {
  const auto token = fold<Token>(stream);
  auto events = decide(token, WithdrawZapierConnection{});
  if (!events || !events->empty() || !told || is_withdrawn(stream)) return events;
  if (token.status != TokenStatus::kDeleted) return events;
  Event event;
  event.mutable_zapier_connection_withdrawn();
  return std::vector<Event>{event};
}

Result<void> without_position(const Result<Position>& recorded) {
  if (!recorded) return std::unexpected(recorded.error());
  return {};
}

// Decides on the webhook as it is now and records what that gives.
template <class Command>
Result<void> record_for(EventLog& log, const Clock& clock, Random& random, const StoredJob& job,
                        std::uint32_t webhook, const Command& command) {
  Outcome outcome{stream_of(WebhookId::from_value(webhook)), "webhooks", job.event_id(), false, {}};
  if constexpr (std::is_same_v<Command, UnsubscribeWebhook>) {
    if (command.reason == WebhookUnsubscribed::TOKEN_DELETED) {
      outcome.frees_space = true;
      outcome.vault_writes.push_back(Vault::destroy(outcome.stream));
    }
  }
  return without_position(record_outcome(
      log, clock, random, outcome,
      [&command](const std::vector<StoredEvent>& stream) { return decide(fold<Webhook>(stream), command); }));
}

}  // namespace

bool is_connection_due(EventLog& log, const JobKey& key, bool has_provisioning_url) {
  const auto stream = log.read_stream(stream_of(token_of(key)), 0);
  const auto token = fold<Token>(stream);
  if (key.kind == ISSUE_ZAPIER_CONNECTION) return token.status == TokenStatus::kPending;
  if (token.status != TokenStatus::kDeleted || is_withdrawn(stream)) return false;
  return has_provisioning_url || !token.connection_id.empty();
}

OutboundRequest provisioning_call(EventLog& log, const StoredJob& job, const std::string& url,
                                  const std::string& secret, Time now) {
  auto said = token_data(log, job.event_stream(), job.event_version());
  const bool issues = job.key().kind() == ISSUE_ZAPIER_CONNECTION;
  const boost::json::object body{{"event", issues ? "token.created" : "token.deleted"},
                                 {"token", std::move(said)}};
  OutboundRequest request{"POST", url, {{"Content-Type", "application/json"}}, boost::json::serialize(body)};
  if (secret.empty()) {
    request.headers.emplace_back("webhook-id", message_id(job));
    return request;
  }
  for (auto& header :
       sign_webhook_call({WebhookKey(secret)}, "provisioning", message_id(job), now, request.body)) {
    request.headers.push_back(std::move(header));
  }
  return request;
}

Result<void> record_connection(EventLog& log, const Clock& clock, Random& random, const StoredJob& job,
                               bool told) {
  const bool issues = job.key().kind() == ISSUE_ZAPIER_CONNECTION;
  const Outcome outcome{stream_of(token_of(key_of(job.key()))), "zapier", job.event_id(), !issues, {}};
  return without_position(record_outcome(
      log, clock, random, outcome, [&](const std::vector<StoredEvent>& stream) -> Result<std::vector<Event>> {
        if (!issues) return decide_withdrawal(stream, told);
        return decide(fold<Token>(stream), IssueZapierConnection{job.event_id()});
      }));
}

Result<void> record_provisioning_failure(EventLog& log, const Clock& clock, Random& random,
                                         const StoredJob& job, const ZapierProvisioningFailed& failed) {
  const Outcome outcome{stream_of(token_of(key_of(job.key()))), "zapier", job.event_id(), false, {}};
  return without_position(record_outcome(
      log, clock, random, outcome, [&failed](const std::vector<StoredEvent>&) -> Result<std::vector<Event>> {
        Event event;
        *event.mutable_zapier_provisioning_failed() = failed;
        return std::vector<Event>{event};
      }));
}

Result<void> let_webhooks_follow(EventLog& log, JobStore& jobs, const Clock& clock, Random& random,
                                 const StoredJob& job) {
  const auto id = token_of(key_of(job.key()));
  const auto token = fold<Token>(log.read_stream(stream_of(id), 0));
  for (const auto& webhook : jobs.subscriptions_made_by(id)) {
    Result<void> done;
    switch (token.status) {
      case TokenStatus::kDeleted:
        done = record_for(log, clock, random, job, webhook.webhook(),
                          UnsubscribeWebhook{WebhookUnsubscribed::TOKEN_DELETED});
        break;
      case TokenStatus::kInactive:
      case TokenStatus::kExpired:
        done = record_for(log, clock, random, job, webhook.webhook(), PauseWebhook{id});
        break;
      case TokenStatus::kActive:
        done = record_for(log, clock, random, job, webhook.webhook(), ResumeWebhook{id});
        break;
      case TokenStatus::kAbsent:
      case TokenStatus::kPending:
        break;
    }
    if (!done) return done;
  }
  return {};
}

Result<void> stop_webhook(EventLog& log, JobStore& jobs, const Clock& clock, Random& random,
                          const StoredJob& job) {
  const auto webhook = jobs.subscription(job.key().target());
  if (!webhook) return {};
  if (webhook->gone()) {
    return record_for(log, clock, random, job, webhook->webhook(),
                      UnsubscribeWebhook{WebhookUnsubscribed::GONE});
  }
  // It may have been started anew since, and have failed again.
  const Time failing_since{std::chrono::microseconds(webhook->failing_since_us())};
  const bool fails_too_long =
      webhook->failing_since_us() != 0 && clock.now() - failing_since >= limits::webhook_failing_time_max;
  if (!fails_too_long) return {};
  return record_for(log, clock, random, job, webhook->webhook(), DisableWebhook{failing_since});
}

}  // namespace mintmark
