#pragma once

#include <cstdint>
#include <optional>

#include "domain/events.pb.h"
#include "domain/ids.h"
#include "projections/rows.pb.h"

// What events make of a token's row.
namespace mintmark {

// The row that a TokenCreated makes, and what a later event of its stream, but a deletion, does to it.
TokenRow token_row(const Recorded& created);
void change_row(TokenRow& row, const Recorded& recorded);

// Notes a use that was recorded at `recorded_at_us`. False where a newer one is known: nothing changes. A
// time that a wrong clock put into the future gives way.
bool change_last_use(TokenRow& row, std::int64_t last_used_at_us, std::int64_t recorded_at_us);

// The token's type: its account's own extension where it has one.
ExtensionId extension_of(const TokenRow& row);

// What the token was granted, as module_bit()s (domain/token.h).
std::uint64_t permission_set(const TokenRow& row);

// When time does something to the token next, in microseconds since 1970; nothing where it never will.
std::optional<std::int64_t> due_us(const TokenRow& row);

}  // namespace mintmark
