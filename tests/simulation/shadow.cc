#include "tests/simulation/shadow.h"

#include <chrono>

#include "tests/simulation/trace.h"
#include "worker/job_key.h"

namespace mintmark::testing {
namespace {

using Verdict = AuthorizationIndex::Verdict;

template <class Id>
std::optional<Id> id_of(std::string_view stream, std::string_view prefix) {
  if (!stream.starts_with(prefix)) return std::nullopt;
  return Id::parse(stream.substr(prefix.size()));
}

// A trigger lies in its webhook's stream, or in one of its own that bears the webhook's id.
std::optional<WebhookId> webhook_of_trigger(std::string_view stream) {
  const auto at = stream.find("WH-");
  if (at == std::string_view::npos) return std::nullopt;
  return WebhookId::parse(stream.substr(at, WebhookId::from_value(0).text().size()));
}

// The index keeps dates in whole seconds.
bool is_near(const std::optional<Time>& end, Time now) {
  return end && std::chrono::abs(*end - now) < std::chrono::seconds(2);
}

Verdict verdict_of(const AuthorizationIndex& index, TokenId id, const Secret& secret, Time now) {
  return index.check(0, id, secret, now,
                     [](Verdict verdict, const AuthorizationIndex::Identity*) { return verdict; });
}

}  // namespace

void Shadow::take(const StoredEvent& event) {
  const auto& recorded = event.recorded;
  event_ids_[recorded.position()] = recorded.event_id();
  if (const auto token_id = id_of<TokenId>(recorded.stream(), "token-")) {
    auto& token = tokens_[token_id->value()];
    evolve(token.state, recorded.event());
    take_secret(recorded, token);
  } else if (const auto webhook_id = id_of<WebhookId>(recorded.stream(), "webhook-")) {
    evolve(webhooks_[webhook_id->value()], recorded.event());
  }
  if (recorded.event().has_webhook_triggered()) {
    const auto webhook_id = webhook_of_trigger(recorded.stream());
    require(webhook_id.has_value(), "a trigger of no webhook: " + recorded.stream());
    take_trigger(recorded, webhook_id->value());
  }
  for (const auto& attempt : recorded.event().webhook_deliveries_recorded().attempts()) take_attempt(attempt);
}

void Shadow::take_trigger(const Recorded& recorded, std::uint32_t webhook) {
  triggers_[recorded.position()] = webhook;
  const auto& state = webhooks_[webhook];
  if (state.exists && state.fields.active) return;
  late_triggers_[recorded.position()] = webhook;
  StoredJob job;
  *job.mutable_key() = reference_to({recorded.position(), DELIVER_WEBHOOK, webhook});
  job.set_event_id(recorded.event_id());
  late_messages_.insert(message_id(job));
}

void Shadow::take_secret(const Recorded& recorded, KnownToken& token) {
  const auto& event = recorded.event();
  const auto made = secrets_.find(recorded.event_id());
  if (event.has_token_created() || event.has_token_rotated()) {
    require(made != secrets_.end(), "a value that nobody made");
    if (token.current) token.earlier.push_back(*token.current);
    if (token.renewed) token.earlier.push_back(*token.renewed);
    token.current = made->second;
    token.renewed.reset();
  } else if (event.has_token_renewed()) {
    require(made != secrets_.end(), "a value that nobody made");
    if (token.renewed) token.earlier.push_back(*token.renewed);
    token.renewed = made->second;
  } else if (event.has_token_renewal_completed() && token.renewed) {
    token.earlier.push_back(*token.current);
    token.current = token.renewed;
    token.renewed.reset();
  }
}

// Attempts are recorded in order and once each, none behind a success, and a success only of what a receiver
// has taken.
void Shadow::take_attempt(const DeliveryAttempt& attempt) {
  StoredJob job;
  *job.mutable_key() = attempt.job();
  const auto cause = event_ids_.find(attempt.job().position());
  require(cause != event_ids_.end(), "an attempt at what nothing called for");
  job.set_event_id(cause->second);
  const auto message = message_id(job);
  require(
      attempt.attempt() == ++attempts_[message],
      fmt::format("attempt {} at {} is recorded as the {}.", attempt.attempt(), message, attempts_[message]));
  require(!done_.contains(message), fmt::format("{} is done, and attempted again", message));
  if (attempt.failure() != ATTEMPT_SUCCEEDED) return;
  require(receivers_.has_taken(message), fmt::format("{} is done, and no receiver has it", message));
  done_.insert(message);
}

void Shadow::check_call(const std::string& message) const {
  require(!done_.contains(message), fmt::format("{} is done, and goes out again", message));
  require(!late_messages_.contains(message), fmt::format("{} goes out, and came too late", message));
}

void Shadow::check(Verdict found, bool may, TokenId id, std::string_view which) {
  require((found == Verdict::kAllowed) == may,
          fmt::format("the {} key of {} is {}", which, id.text(), may ? "refused" : "let in"));
}

void Shadow::check_deleted(const AuthorizationIndex& index, EventLog& log, Time now) const {
  for (const auto number : deleted_) {
    const auto id = TokenId::from_value(number);
    const auto token = tokens_.find(number);
    require(token != tokens_.end(), id.text() + " is deleted, and nobody has made it");
    require(!log.read_vault(stream_of(id)), "the data key of " + id.text() + " is there, deleted");
    auto secrets = token->second.earlier;
    for (const auto& secret : {token->second.current, token->second.renewed}) {
      if (secret) secrets.push_back(*secret);
    }
    for (const auto& secret : secrets) {
      require(verdict_of(index, id, secret, now) == Verdict::kUnknown,
              "a key of " + id.text() + " is known, whose deletion was acknowledged");
    }
  }
}

void Shadow::check_index(const AuthorizationIndex& index, Time now) const {
  const auto ask = [&](TokenId id, const Secret& secret) { return verdict_of(index, id, secret, now); };
  for (const auto& [number, token] : tokens_) {
    const auto id = TokenId::from_value(number);
    const auto& state = token.state;
    const bool deleted = state.status == TokenStatus::kDeleted || deleted_.contains(number);
    for (const auto& secret : token.earlier) {
      require(ask(id, secret) == Verdict::kUnknown, "an earlier key of " + id.text() + " is known");
    }
    if (deleted) {
      require(ask(id, *token.current) == Verdict::kUnknown, "the key of " + id.text() + " is known, deleted");
      require(!token.renewed || ask(id, *token.renewed) == Verdict::kUnknown,
              "the new key of " + id.text() + " is known, deleted");
      continue;
    }
    const bool active = state.status == TokenStatus::kActive;
    if (!is_near(state.expires_at, now)) {
      check(ask(id, *token.current), active && (!state.expires_at || now < *state.expires_at), id, "current");
    }
    if (!token.renewed || !state.renewal || is_near(state.renewal->expires_at, now)) continue;
    const auto& end = state.renewal->expires_at;
    check(ask(id, *token.renewed), active && (!end || now < *end), id, "renewed");
  }
}

std::vector<TokenId> Shadow::tokens() const {
  std::vector<TokenId> ids;
  for (const auto& [number, token] : tokens_) {
    if (token.state.status != TokenStatus::kDeleted) ids.push_back(TokenId::from_value(number));
  }
  return ids;
}

std::vector<WebhookId> Shadow::webhooks() const {
  std::vector<WebhookId> ids;
  for (const auto& [number, webhook] : webhooks_) {
    if (webhook.exists) ids.push_back(WebhookId::from_value(number));
  }
  return ids;
}

std::vector<WebhookId> Shadow::webhooks_ever() const {
  std::vector<WebhookId> ids;
  for (const auto& [number, webhook] : webhooks_) ids.push_back(WebhookId::from_value(number));
  return ids;
}

}  // namespace mintmark::testing
