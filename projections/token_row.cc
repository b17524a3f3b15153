#include "projections/token_row.h"

#include <algorithm>
#include <chrono>

#include "domain/token.h"
#include "projections/created.h"

namespace mintmark {
namespace {

// The row's one value is this from here on.
template <class Value>
void take_value(TokenRow& row, const Value& value) {
  row.clear_expires_at_us();
  if (value.has_expires_at_us()) row.set_expires_at_us(value.expires_at_us());
  row.set_issued_at_us(value.issued_at_us());
  row.clear_expiring();
  if (row.status() == TokenRow::EXPIRED) row.set_status(row.before_expiry());
  row.clear_before_expiry();
  row.clear_renewal();
}

void expire_row(TokenRow& row) {
  if (row.status() == TokenRow::EXPIRED) return;
  row.set_before_expiry(row.status());
  row.set_status(TokenRow::EXPIRED);
}

void connect_row(TokenRow& row) {
  if (row.status() == TokenRow::PENDING) row.set_status(TokenRow::ACTIVE);
  if (row.before_expiry() == TokenRow::PENDING) row.set_before_expiry(TokenRow::ACTIVE);
  row.clear_provisioning();
}

void renew(TokenRow& row, const TokenRenewed& renewed) {
  auto& renewal = *row.mutable_renewal();
  renewal.Clear();
  const auto& credentials = renewed.credentials();
  if (credentials.has_expires_at_us()) renewal.set_expires_at_us(credentials.expires_at_us());
  renewal.set_issued_at_us(credentials.issued_at_us());
  row.set_expires_at_us(renewed.old_expires_at_us());
}

void grant(TokenRow& row, const Recorded& recorded) {
  row.set_restricted(true);
  auto& permissions = *row.mutable_permissions();
  for (const auto module : recorded.event().permissions_granted().modules()) {
    const auto place = std::ranges::lower_bound(permissions, module, {}, &PermissionRow::module);
    if (place != permissions.end() && place->module() == module) continue;
    const auto index = static_cast<int>(place - permissions.begin());
    auto& permission = *permissions.Add();
    permission.set_module(module);
    *permission.mutable_granted() = created_by(recorded);
    for (int i = permissions.size() - 1; i > index; --i) permissions.SwapElements(i, i - 1);
  }
}

void revoke(TokenRow& row, const PermissionsRevoked& revoked) {
  auto& permissions = *row.mutable_permissions();
  for (const auto module : revoked.modules()) {
    const auto place = std::ranges::find(permissions, module, &PermissionRow::module);
    if (place != permissions.end()) permissions.erase(place);
  }
}

void fail_provisioning(TokenRow& row, const ZapierProvisioningFailed& failed) {
  auto& provisioning = *row.mutable_provisioning();
  *provisioning.mutable_job() = failed.job();
  provisioning.set_attempts(failed.attempt());
  provisioning.set_next_attempt_at_us(failed.next_attempt_at_us());
  auto& attempt = *provisioning.mutable_attempt();
  attempt.set_started_at_us(failed.started_at_us());
  attempt.set_duration_us(failed.duration_us());
  attempt.set_status(failed.status());
  attempt.set_failure(failed.failure());
}

}  // namespace

std::optional<std::int64_t> due_us(const TokenRow& row) {
  // The rules of ComeDue (domain/token.h).
  if (!row.has_expires_at_us() || row.status() == TokenRow::EXPIRED) return std::nullopt;
  const bool says_it_expires = row.status() == TokenRow::ACTIVE && !row.expiring() && !row.has_renewal();
  if (!says_it_expires) return row.expires_at_us();
  return row.expires_at_us() - std::chrono::microseconds(expiring_before).count();
}

TokenRow token_row(const Recorded& recorded) {
  const auto& created = recorded.event().token_created();
  TokenRow row;
  row.set_token_id(created.token_id());
  row.set_account_id(created.account_id());
  row.set_extension(created.extension());
  row.set_extension_id(created.extension_id());
  row.set_name(created.name());
  row.set_description(created.description());
  row.set_external_id(created.external_id());
  row.set_status(created.extension() == ZAPIER ? TokenRow::PENDING : TokenRow::ACTIVE);
  *row.mutable_created() = created_by(recorded);
  if (created.has_expires_at_us()) row.set_expires_at_us(created.expires_at_us());
  row.set_version(recorded.version());
  row.set_created_position(recorded.position());
  row.set_issued_at_us(created.issued_at_us());
  return row;
}

void change_row(TokenRow& row, const Recorded& recorded) {
  const auto& event = recorded.event();
  row.set_version(recorded.version());
  if (event.has_token_updated()) {
    const auto& updated = event.token_updated();
    if (updated.has_name()) row.set_name(updated.name());
    if (updated.has_description()) row.set_description(updated.description());
    if (updated.has_external_id()) row.set_external_id(updated.external_id());
  } else if (event.has_zapier_connection_issued()) {
    connect_row(row);
  } else if (event.has_zapier_provisioning_failed()) {
    fail_provisioning(row, event.zapier_provisioning_failed());
  } else if (event.has_token_activated()) {
    row.set_status(TokenRow::ACTIVE);
  } else if (event.has_token_deactivated()) {
    row.set_status(TokenRow::INACTIVE);
  } else if (event.has_token_rotated()) {
    take_value(row, event.token_rotated().credentials());
  } else if (event.has_token_renewed()) {
    renew(row, event.token_renewed());
  } else if (event.has_token_renewal_completed()) {
    if (row.has_renewal()) take_value(row, RenewalRow(row.renewal()));
  } else if (event.has_token_expiring()) {
    row.set_expiring(true);
  } else if (event.has_token_expired()) {
    expire_row(row);
  } else if (event.has_permissions_granted()) {
    grant(row, recorded);
  } else if (event.has_permissions_revoked()) {
    revoke(row, event.permissions_revoked());
  }
}

bool change_last_use(TokenRow& row, std::int64_t last_used_at_us, std::int64_t recorded_at_us) {
  const bool is_newer = !row.has_last_used_at_us() || row.last_used_at_us() < last_used_at_us ||
                        row.last_used_at_us() > recorded_at_us;
  if (is_newer) row.set_last_used_at_us(last_used_at_us);
  return is_newer;
}

ExtensionId extension_of(const TokenRow& row) {
  if (row.extension() == ZAPIER) return ExtensionId::zapier();
  return ExtensionId::parse(row.extension_id()).value_or(ExtensionId::custom());
}

std::uint64_t permission_set(const TokenRow& row) {
  std::uint64_t set = 0;
  for (const auto& permission : row.permissions()) set |= module_bit(permission.module());
  return set;
}

}  // namespace mintmark
