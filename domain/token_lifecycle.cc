// What happens to a token's value between its creation and its deletion, and what it may call.
#include <algorithm>

#include <fmt/format.h>

#include "domain/fields.h"
#include "domain/token.h"

namespace mintmark {
namespace {

using Events = std::vector<Event>;

std::unexpected<Error> impossible(std::string_view why) {
  return fail(ErrorKind::kInvalid, fmt::format("status: {}", why));
}

// The next thing that time alone has done to the token, if any.
std::optional<Event> next_due(const Token& token, Time now) {
  if (!is_live(token.status) || !token.expires_at) return std::nullopt;
  Event event;
  if (*token.expires_at <= now && token.renewal) {
    event.mutable_token_renewal_completed();
  } else if (*token.expires_at <= now && token.status != TokenStatus::kExpired) {
    event.mutable_token_expired();
  } else if (*token.expires_at > now && *token.expires_at - expiring_before <= now && !token.expiring &&
             !token.renewal && token.status == TokenStatus::kActive) {
    event.mutable_token_expiring();
  } else {
    return std::nullopt;
  }
  return event;
}

// Brings the token up to date and gives the events that do it.
Events come_due(Token& token, Time now) {
  Events events;
  while (auto event = next_due(token, now)) {
    evolve(token, *event);
    events.push_back(std::move(*event));
  }
  return events;
}

std::int64_t microseconds(Time time) {
  return time.time_since_epoch().count();
}

// Later dates could not be written in the four digits of a year.
constexpr Time last_end =
    std::chrono::sys_days(std::chrono::year(9999) / 12 / 31) + std::chrono::days(1) - std::chrono::seconds(1);

// The new value's end; kInvalid where it lies in the past or nobody can say it. Of a renewed token the value
// that is to take over says how long a life is: the old one's was cut short if it had no end.
Result<std::optional<Time>> new_end(const Token& token, const NewExpiry& wanted, Time now) {
  if (wanted.never) return std::nullopt;
  if (wanted.at && *wanted.at <= now) {
    return fail(ErrorKind::kInvalid, "expiration_date: Must be in the future.");
  }
  if (wanted.at) return wanted.at;
  const auto newest = token.renewal.value_or(Renewal{token.expires_at, token.issued_at});
  if (!newest.expires_at) return std::nullopt;
  if (newest.issued_at == Time())
    return fail(ErrorKind::kInvalid, "expiration_date: This field is required.");
  return std::min(now + (*newest.expires_at - newest.issued_at), last_end);
}

TokenCredentials credentials_of(const NewCredentials& fresh, std::optional<Time> expires_at, Time now) {
  TokenCredentials credentials;
  *credentials.mutable_secret_digest() = fresh.secret_digest;
  *credentials.mutable_secret() = fresh.secret;
  if (fresh.handle_digest) *credentials.mutable_handle_digest() = *fresh.handle_digest;
  if (fresh.handle) *credentials.mutable_handle() = *fresh.handle;
  if (expires_at) credentials.set_expires_at_us(microseconds(*expires_at));
  credentials.set_issued_at_us(microseconds(now));
  return credentials;
}

template <class Message>
Events permissions_event(Message& message, Event& event, std::uint64_t modules) {
  for (std::uint32_t number = 1; number <= module_number_max; ++number) {
    if ((modules & module_bit(number)) != 0) message.add_modules(number);
  }
  return {std::move(event)};
}

}  // namespace

Result<Events> decide(const Token& before, const ComeDue& command) {
  auto token = before;
  return come_due(token, command.now);
}

Result<Events> decide(const Token& before, const ActivateToken& command) {
  if (!is_live(before.status)) return not_found("Token");
  auto token = before;
  auto events = come_due(token, command.now);
  if (token.status == TokenStatus::kPending) return impossible("The token is still being provisioned.");
  if (token.status == TokenStatus::kActive) return impossible("The token is active already.");
  if (token.status == TokenStatus::kExpired) {
    return impossible("The token has expired: rotate it to use it again.");
  }
  Event event;
  event.mutable_token_activated();
  events.push_back(event);
  return events;
}

Result<Events> decide(const Token& before, const DeactivateToken& command) {
  if (!is_live(before.status)) return not_found("Token");
  auto token = before;
  auto events = come_due(token, command.now);
  if (token.status == TokenStatus::kPending) return impossible("The token is still being provisioned.");
  if (token.status == TokenStatus::kInactive) return impossible("The token is inactive already.");
  if (token.status == TokenStatus::kExpired) return impossible("The token has expired already.");
  Event event;
  event.mutable_token_deactivated();
  events.push_back(event);
  return events;
}

Result<Events> decide(const Token& before, const RotateToken& command) {
  if (!is_live(before.status)) return not_found("Token");
  auto token = before;
  auto events = come_due(token, command.now);
  const auto end = new_end(token, command.expiry, command.now);
  if (!end) return std::unexpected(end.error());
  Event event;
  *event.mutable_token_rotated()->mutable_credentials() =
      credentials_of(command.credentials, *end, command.now);
  events.push_back(event);
  return events;
}

Result<Events> decide(const Token& before, const RenewToken& command) {
  if (!is_live(before.status)) return not_found("Token");
  auto token = before;
  auto events = come_due(token, command.now);
  if (token.status == TokenStatus::kPending) return impossible("The token is still being provisioned.");
  if (token.status == TokenStatus::kInactive) return impossible("The token is inactive: activate it first.");
  if (token.status == TokenStatus::kExpired) {
    return impossible("The token has expired: rotate it to use it again.");
  }
  if (token.renewal) return impossible("The token is renewed already, and its old value still good.");
  const auto end = new_end(token, command.expiry, command.now);
  if (!end) return std::unexpected(end.error());
  const auto old_end = token.expires_at.value_or(command.now + renewal_overlap);
  if (*end && **end <= old_end) {
    return fail(ErrorKind::kInvalid, "expiration_date: Must be later than the old value's.");
  }
  Event event;
  auto& renewed = *event.mutable_token_renewed();
  *renewed.mutable_credentials() = credentials_of(command.credentials, *end, command.now);
  renewed.set_old_expires_at_us(microseconds(old_end));
  events.push_back(event);
  return events;
}

Result<Events> decide(const Token& before, const ExchangeHandle& command) {
  if (!is_live(before.status)) return not_found("Token");
  auto token = before;
  auto events = come_due(token, command.now);
  if (token.extension != ZAPIER || token.status != TokenStatus::kActive) {
    return impossible("Only an active Zapier token's handle can be exchanged.");
  }
  Event event;
  event.mutable_handle_exchanged();
  events.push_back(event);
  return events;
}

Result<Events> decide(const Token& token, const GrantPermissions& command) {
  if (!is_live(token.status)) return not_found("Token");
  if (token.permissions && (command.modules & ~*token.permissions) == 0) return Events{};
  Event event;
  return permissions_event(*event.mutable_permissions_granted(), event, command.modules);
}

Result<Events> decide(const Token& token, const RevokePermissions& command) {
  if (!is_live(token.status)) return not_found("Token");
  if ((command.modules & ~(command.known_modules | token.permissions.value_or(0))) != 0) {
    return fail(ErrorKind::kInvalid, "object: There is no such module.");
  }
  if (!token.permissions)
    return fail(ErrorKind::kInvalid, "permissions: The token has every module: grant what it keeps first.");
  const auto held = command.modules & *token.permissions;
  if (held == 0) return Events{};
  Event event;
  return permissions_event(*event.mutable_permissions_revoked(), event, held);
}

bool holds_no_more(const Token& token, std::optional<std::uint64_t> holder) {
  if (!holder) return true;
  return token.permissions && (*token.permissions & ~*holder) == 0;
}

}  // namespace mintmark
