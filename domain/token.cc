#include "domain/token.h"

#include "domain/fields.h"
#include "domain/limits.h"

namespace mintmark {
namespace {

using Events = std::vector<Event>;

}  // namespace

Result<Events> decide(const Token& token, const CreateToken& command) {
  if (token.status != TokenStatus::kAbsent) return fail(ErrorKind::kTaken, "id: This token id is taken.");
  FieldErrors errors;
  errors.check_required_text("name", command.name, limits::token_name_max);
  errors.check_text("description", command.description, limits::token_description_max);
  errors.check_text("external_id", command.external_id, limits::token_external_id_max);
  if (command.extension != CUSTOM && command.extension != ZAPIER) {
    errors.add("extension", "Must be custom or zapier.");
  }
  if (command.own_extension && command.extension != CUSTOM) {
    errors.add("extension", "An extension of your own makes custom tokens.");
  }
  if (command.expires_at && *command.expires_at <= command.now) {
    errors.add("expiration_date", "Must be in the future.");
  }
  if (errors.any()) return std::move(errors).error();

  Event event;
  auto& created = *event.mutable_token_created();
  created.set_token_id(command.id.text());
  created.set_account_id(command.account.text());
  created.set_extension(command.extension);
  created.set_name(command.name);
  created.set_description(command.description);
  created.set_external_id(command.external_id);
  if (command.expires_at) created.set_expires_at_us(command.expires_at->time_since_epoch().count());
  created.set_issued_at_us(command.now.time_since_epoch().count());
  const auto& credentials = command.credentials;
  *created.mutable_secret_digest() = credentials.secret_digest;
  *created.mutable_secret() = credentials.secret;
  if (credentials.handle_digest) *created.mutable_handle_digest() = *credentials.handle_digest;
  if (credentials.handle) *created.mutable_handle() = *credentials.handle;
  if (command.own_extension) created.set_extension_id(command.own_extension->text());
  if (!command.permissions) return Events{event};

  Token fresh;
  evolve(fresh, event);
  auto granted = decide(fresh, GrantPermissions{*command.permissions});
  granted->insert(granted->begin(), std::move(event));
  return granted;
}

Result<Events> decide(const Token& token, const UpdateToken& command) {
  if (!is_live(token.status)) return not_found("Token");
  FieldErrors errors;
  if (command.name) errors.check_required_text("name", *command.name, limits::token_name_max);
  if (command.description)
    errors.check_text("description", *command.description, limits::token_description_max);
  if (command.external_id)
    errors.check_text("external_id", *command.external_id, limits::token_external_id_max);
  if (errors.any()) return std::move(errors).error();

  Event event;
  auto& updated = *event.mutable_token_updated();
  if (command.name && *command.name != token.name) updated.set_name(*command.name);
  if (command.description && *command.description != token.description) {
    updated.set_description(*command.description);
  }
  if (command.external_id && *command.external_id != token.external_id) {
    updated.set_external_id(*command.external_id);
  }
  const bool changes = updated.has_name() || updated.has_description() || updated.has_external_id();
  return changes ? Events{event} : Events{};
}

Result<Events> decide(const Token& token, const RevealToken&) {
  if (!is_live(token.status)) return not_found("Token");
  Event event;
  event.mutable_token_revealed();
  return Events{event};
}

Result<Events> decide(const Token& token, const DeleteToken&) {
  if (!is_live(token.status)) return not_found("Token");
  Event event;
  event.mutable_token_deleted();
  return Events{event};
}

Result<Events> decide(const Token& token, const IssueZapierConnection& command) {
  if (token.status != TokenStatus::kPending || token.extension != ZAPIER) return Events{};
  Event event;
  event.mutable_zapier_connection_issued()->set_connection_id(command.connection_id);
  return Events{event};
}

Result<Events> decide(const Token& token, const WithdrawZapierConnection&) {
  if (token.status != TokenStatus::kDeleted || token.connection_id.empty()) return Events{};
  Event event;
  event.mutable_zapier_connection_withdrawn()->set_connection_id(token.connection_id);
  return Events{event};
}

namespace {

std::optional<Time> time_of(bool present, std::int64_t microseconds) {
  return present ? std::optional(Time(std::chrono::microseconds(microseconds))) : std::nullopt;
}

Renewal value_of(const TokenCredentials& credentials) {
  return {time_of(credentials.has_expires_at_us(), credentials.expires_at_us()),
          Time(std::chrono::microseconds(credentials.issued_at_us()))};
}

// The token's one value is this from here on.
void take_value(Token& token, const Renewal& value) {
  token.expires_at = value.expires_at;
  token.issued_at = value.issued_at;
  token.expiring = false;
  token.renewal.reset();
  if (token.status == TokenStatus::kExpired) token.status = token.before_expiry;
}

void expire(Token& token) {
  if (!is_live(token.status) || token.status == TokenStatus::kExpired) return;
  token.before_expiry = token.status;
  token.status = TokenStatus::kExpired;
}

// What waited for its connection is active from here on, if only once it has a new value.
void issue_connection(Token& token, const ZapierConnectionIssued& issued) {
  token.connection_id = issued.connection_id();
  auto& status = token.status == TokenStatus::kExpired ? token.before_expiry : token.status;
  if (status == TokenStatus::kPending) status = TokenStatus::kActive;
}

template <class Message>
std::uint64_t modules_of(const Message& message) {
  std::uint64_t modules = 0;
  for (const auto number : message.modules()) {
    if (number >= 1 && number <= module_number_max) modules |= module_bit(number);
  }
  return modules;
}

void create(Token& token, const TokenCreated& created) {
  token.status = created.extension() == ZAPIER ? TokenStatus::kPending : TokenStatus::kActive;
  token.account = AccountId::parse(created.account_id());
  token.extension = created.extension();
  token.name = created.name();
  token.description = created.description();
  token.external_id = created.external_id();
  token.expires_at = time_of(created.has_expires_at_us(), created.expires_at_us());
  token.issued_at = Time(std::chrono::microseconds(created.issued_at_us()));
}

void update(Token& token, const TokenUpdated& updated) {
  if (updated.has_name()) token.name = updated.name();
  if (updated.has_description()) token.description = updated.description();
  if (updated.has_external_id()) token.external_id = updated.external_id();
}

void renew(Token& token, const TokenRenewed& renewed) {
  token.renewal = value_of(renewed.credentials());
  token.expires_at = Time(std::chrono::microseconds(renewed.old_expires_at_us()));
}

}  // namespace

void evolve(Token& token, const Event& event) {
  if (event.has_token_created()) {
    create(token, event.token_created());
  } else if (event.has_token_updated()) {
    update(token, event.token_updated());
  } else if (event.has_token_deleted()) {
    token.status = TokenStatus::kDeleted;
  } else if (event.has_token_activated()) {
    if (is_live(token.status)) token.status = TokenStatus::kActive;
  } else if (event.has_token_deactivated()) {
    if (is_live(token.status)) token.status = TokenStatus::kInactive;
  } else if (event.has_token_rotated()) {
    take_value(token, value_of(event.token_rotated().credentials()));
  } else if (event.has_token_renewed()) {
    renew(token, event.token_renewed());
  } else if (event.has_token_renewal_completed()) {
    if (token.renewal) take_value(token, Renewal(*token.renewal));
  } else if (event.has_token_expiring()) {
    token.expiring = true;
  } else if (event.has_token_expired()) {
    expire(token);
  } else if (event.has_permissions_granted()) {
    token.permissions = token.permissions.value_or(0) | modules_of(event.permissions_granted());
  } else if (event.has_permissions_revoked()) {
    token.permissions = token.permissions.value_or(0) & ~modules_of(event.permissions_revoked());
  } else if (event.has_zapier_connection_issued()) {
    issue_connection(token, event.zapier_connection_issued());
  } else if (event.has_zapier_connection_withdrawn()) {
    token.connection_id.clear();
  }
}

std::string extension_id(Extension extension) {
  return extension == ZAPIER ? "EXT-001" : "EXT-000";
}

std::string extension_name(Extension extension) {
  return extension == ZAPIER ? "zapier" : "custom";
}

}  // namespace mintmark
