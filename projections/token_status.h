#pragma once

#include <cstdint>
#include <string_view>

#include "domain/time.h"
#include "projections/rows.pb.h"

// The one place that says what status a token has. It depends on the time, so no row can store it.
namespace mintmark {

// All of a row that its status depends on: lists keep it in memory for every token. What is added here is
// read by shown_status alone.
struct StatusInputs {
  static constexpr std::int64_t never = INT64_MAX;

  std::int64_t expires_at_us = never;
  std::int64_t renewed_expires_at_us = never;  // of the renewed value
  bool renewed = false;
  TokenRow::Status stored = TokenRow::STATUS_UNSPECIFIED;
};
StatusInputs status_inputs(const TokenRow& row);

// In the order of their names, so that sorting by status compares these.
enum class ShownStatus : std::uint8_t { kActive, kExpired, kExpiring, kInactive, kPending, kRevitalised };

ShownStatus shown_status(const StatusInputs& inputs, Time now);

// The contract's word for it: active, expired, expiring, inactive, pending, revitalised.
std::string_view status_name(ShownStatus status);
std::string_view status_name(const TokenRow& row, Time now);

}  // namespace mintmark
