#include "projections/token_status.h"

#include "domain/token.h"

namespace mintmark {

StatusInputs status_inputs(const TokenRow& row) {
  StatusInputs inputs;
  inputs.stored = row.status();
  if (row.has_expires_at_us()) inputs.expires_at_us = row.expires_at_us();
  inputs.renewed = row.has_renewal();
  if (row.renewal().has_expires_at_us()) inputs.renewed_expires_at_us = row.renewal().expires_at_us();
  return inputs;
}

// The events of ComeDue (domain/token.h) may lag a moment behind the clock; what is shown does not.
ShownStatus shown_status(const StatusInputs& inputs, Time now) {
  const auto at = now.time_since_epoch().count();
  const bool swapped = inputs.renewed && at >= inputs.expires_at_us;
  const auto end = swapped ? inputs.renewed_expires_at_us : inputs.expires_at_us;
  // What is recorded as expired stays so where the clock is set back.
  if (at >= end || inputs.stored == TokenRow::EXPIRED) return ShownStatus::kExpired;
  if (inputs.stored == TokenRow::PENDING) return ShownStatus::kPending;
  if (inputs.stored == TokenRow::INACTIVE) return ShownStatus::kInactive;
  if (inputs.renewed && !swapped) return ShownStatus::kRevitalised;
  const bool soon =
      end != StatusInputs::never && at >= end - std::chrono::microseconds(expiring_before).count();
  return soon ? ShownStatus::kExpiring : ShownStatus::kActive;
}

std::string_view status_name(ShownStatus status) {
  switch (status) {
    case ShownStatus::kActive:
      return "active";
    case ShownStatus::kExpired:
      return "expired";
    case ShownStatus::kExpiring:
      return "expiring";
    case ShownStatus::kInactive:
      return "inactive";
    case ShownStatus::kPending:
      return "pending";
    case ShownStatus::kRevitalised:
      return "revitalised";
  }
  return "";
}

std::string_view status_name(const TokenRow& row, Time now) {
  return status_name(shown_status(status_inputs(row), now));
}

}  // namespace mintmark
