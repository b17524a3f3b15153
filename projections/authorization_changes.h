#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "domain/ids.h"
#include "projections/projection.h"
#include "projections/token_id_set.h"
#include "projections/token_table.h"

namespace mintmark {

// What the authorization index remembers beside its table, once: only its writer needs it.
struct AuthorizationHistory {
  TokenIdSet deleted;
  ParkedStreams parked;
};

// One change of a TokenTable, checked already: it applies without a failure.
struct TokenChange {
  enum class Kind : std::uint8_t {
    kInsert,           // record, name
    kRename,           // name
    kSetState,         // record.state
    kExpire,           // for good: see TokenTable::expire()
    kSetKey,           // record.key
    kSetRenewedKey,    // record.renewed_key, and record.key.expires_at of the old one
    kCompleteRenewal,  // where there is one
    kGrant,            // record.permissions, added to those there are
    kRevoke,           // record.permissions, taken away
    kErase,
  };
  Kind kind;
  TokenRecord record;  // its token always
  std::string name;    // encoded
};

// What a batch of events does.
struct AuthorizationChanges {
  std::vector<TokenChange> table;
  std::vector<TokenId> deleted;
  ParkedStreams parked;
};

// Works out what the events, which must follow those that made `table` and `history`, will change; both stay
// as they are. An event that cannot be applied parks its stream and refuses the stream's token; of a parked
// stream only a deletion still counts. An event of a kind that this program does not know parks a token's
// stream too, since it might be a revocation.
AuthorizationChanges plan_changes(std::span<const StoredEvent> events, const TokenTable& table,
                                  const AuthorizationHistory& history);

void apply_changes(std::span<const TokenChange> changes, TokenTable& table);

// A token's name as a header's value can carry it: bytes 0x20 to 0x7E but '%' as they are, every other byte
// and a space at either end as %XX, upper-case (RFC 3986, 2.1).
std::string encode_header_value(std::string_view text);

}  // namespace mintmark
