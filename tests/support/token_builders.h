#pragma once

#include <chrono>
#include <string>

#include "domain/token.h"

// A token, SU-160-984-824, for tests of its aggregate: the command that makes it and the event that comes of
// it.
namespace mintmark::testing {

inline const Time creation_time = std::chrono::sys_days(std::chrono::year(2026) / 11 / 23);

inline SecretDigest digest(char byte) {
  SecretDigest result;
  result.set_pepper(1);
  result.set_digest(std::string(16, byte));
  return result;
}

inline Sealed sealed(char byte) {
  Sealed result;
  result.set_nonce(std::string(24, byte));
  result.set_ciphertext(std::string(36, byte));
  return result;
}

inline CreateToken create_token(Extension extension = CUSTOM) {
  CreateToken command{.id = TokenId::from_value(160'984'824),
                      .account = AccountId::from_value(AccountType::kVendor, 1),
                      .extension = extension,
                      .name = "Billing",
                      .description = "Nightly export",
                      .external_id = "crm-7",
                      .expires_at = std::nullopt,
                      .now = creation_time,
                      .credentials = {digest(1), sealed(2), std::nullopt, std::nullopt},
                      .permissions = std::nullopt};
  if (extension == ZAPIER) command.credentials = {digest(1), sealed(2), digest(3), sealed(4)};
  return command;
}

inline Event created(Extension extension = CUSTOM) {
  Event event;
  auto& fields = *event.mutable_token_created();
  fields.set_token_id("SU-160-984-824");
  fields.set_account_id("VA-000-001");
  fields.set_extension(extension);
  fields.set_name("Billing");
  fields.set_description("Nightly export");
  fields.set_external_id("crm-7");
  fields.set_issued_at_us(creation_time.time_since_epoch().count());
  *fields.mutable_secret_digest() = digest(1);
  *fields.mutable_secret() = sealed(2);
  if (extension == ZAPIER) {
    *fields.mutable_handle_digest() = digest(3);
    *fields.mutable_handle() = sealed(4);
  }
  return event;
}

}  // namespace mintmark::testing
