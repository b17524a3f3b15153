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

// The index keeps dates in whole seconds, cut: it may refuse a key in the last one, and never lets it in
// behind its end.
bool is_last_second(const std::optional<Time>& end, Time now) {
  return end && now < *end && now >= std::chrono::floor<std::chrono::seconds>(*end);
}

std::optional<Time> end_of(const Event& event) {
  const auto& renewed = event.token_renewed().credentials();
  const auto& rotated = event.token_rotated().credentials();
  const auto at = [](bool given, std::int64_t us) {
    return given ? std::optional(Time(std::chrono::microseconds(us))) : std::nullopt;
  };
  if (event.has_token_created())
    return at(event.token_created().has_expires_at_us(), event.token_created().expires_at_us());
  const auto& credentials = event.has_token_renewed() ? renewed : rotated;
  return at(credentials.has_expires_at_us(), credentials.expires_at_us());
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
    take_due(recorded, token);
    expiries_ += recorded.event().has_token_expired() ? 1U : 0U;
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
  for (const auto& use : recorded.event().tokens_used().uses()) take_use(use);
}

// What the clock does to a token is recorded once, and not before its time.
void Shadow::take_due(const Recorded& recorded, KnownToken& token) {
  const auto& event = recorded.event();
  const auto& state = token.state;
  if (event.has_token_rotated()) token.expired = false;
  const bool completes = event.has_token_renewal_completed();
  if (!event.has_token_expired() && !event.has_token_expiring() && !completes) return;
  const auto& stream = recorded.stream();
  require(is_live(state.status) && state.expires_at, stream + " has no end, and comes to one");
  const auto before = event.has_token_expiring() ? expiring_before : std::chrono::days(0);
  require(recorded.recorded_at_us() >= (*state.expires_at - before).time_since_epoch().count(),
          stream + " comes to an end before its time");
  require(completes == token.renewed.has_value(), stream + " ends the wrong value");
  require(!token.expired, stream + " expires again");
  require(!event.has_token_expiring() || !state.expiring, stream + " is said to expire soon again");
  token.expired = event.has_token_expired();
}

void Shadow::take_use(const TokenUse& use) {
  const Time at{std::chrono::microseconds(use.last_used_at_us())};
  const auto left = uses_left_.find({use.token(), at});
  require(left != uses_left_.end() && left->second > 0,
          fmt::format("token {} was not used then, or that is recorded twice", use.token()));
  --left->second;
  ++uses_recorded_;
  if (const auto used = used_in_life_.find(use.token()); used != used_in_life_.end())
    used->second.recorded.insert(at);
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
    if (const auto end = end_of(event)) token.ends.emplace_back(made->second, *end);
    if (token.current) token.earlier.push_back(*token.current);
    if (token.renewed) token.earlier.push_back(*token.renewed);
    token.current = made->second;
    token.renewed.reset();
  } else if (event.has_token_renewed()) {
    require(made != secrets_.end(), "a value that nobody made");
    if (const auto end = end_of(event)) token.ends.emplace_back(made->second, *end);
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

void Shadow::check_ended(const AuthorizationIndex& index, Time now) const {
  for (const auto& [number, token] : tokens_) {
    const auto id = TokenId::from_value(number);
    for (const auto& [secret, end] : token.ends) {
      require(now < end || verdict_of(index, id, secret, now) != Verdict::kAllowed,
              "a key of " + id.text() + " is let in behind its end");
    }
  }
}

std::string Shadow::use_key(const AuthorizationIndex& index, Dice& dice, Time now) {
  auto ids = tokens();
  if (ids.empty()) return "";
  const auto id = dice.pick(ids);
  const auto& token = tokens_.at(id.value());
  const auto& secret = token.renewed && dice.one_in(2) ? token.renewed : token.current;
  const auto may = [now](Verdict verdict, const AuthorizationIndex::Identity* identity) {
    if (verdict == Verdict::kAllowed) identity->last_use.note(now);
    return verdict == Verdict::kAllowed;
  };
  if (!secret || !index.check(0, id, *secret, now, may)) return id.text() + " may not be used";
  ++uses_left_[{id.value(), std::chrono::floor<std::chrono::seconds>(now)}];
  used_in_life_[id.value()].last = now;
  return id.text() + " is used";
}

void Shadow::begin_life() {
  used_in_life_.clear();
}

void Shadow::check_uses_recorded(bool clock_was_set) const {
  for (const auto& [number, use] : used_in_life_) {
    if (tokens_.at(number).state.status == TokenStatus::kDeleted) continue;
    const auto name = TokenId::from_value(number).text();
    require(!use.recorded.empty(), "that " + name + " was used is not recorded");
    require(clock_was_set || *use.recorded.rbegin() > use.last - std::chrono::seconds(LastUse::resolution_s),
            "the last use of " + name + " is not recorded");
  }
}

std::optional<TokenId> Shadow::find_overdue(Time now) const {
  for (const auto& [number, token] : tokens_) {
    const auto& state = token.state;
    if (is_live(state.status) && state.expires_at && *state.expires_at <= now && !token.expired)
      return TokenId::from_value(number);
  }
  return std::nullopt;
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
    if (!is_last_second(state.expires_at, now)) {
      check(ask(id, *token.current), active && (!state.expires_at || now < *state.expires_at), id, "current");
    }
    if (!token.renewed || !state.renewal || is_last_second(state.renewal->expires_at, now)) continue;
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
