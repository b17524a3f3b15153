#pragma once

#include <string>

#include "api/caller.h"
#include "api/services.h"
#include "domain/api_key.h"
#include "projections/rows.pb.h"

// The exchange (CONTRACT.md, Objects): a partner, Zapier's app, gets a Zapier token's key for the handle that
// its user has pasted.
namespace mintmark {

// Whether the caller is a token of an account that the operator has marked as a partner's.
awaitable<Result<bool>> is_partner(Services& services, const Caller& caller);

struct ExchangedHandle {
  TokenRow row;
  Secret secret;  // the right half of the token's key
  Position position = 0;
};
// `handle` as it was pasted: alone, or before "@" and an endpoint, with spaces around it. Records the
// exchange. While a token is renewed, each of its handles gives the key that came with it. Of a pending token
// it waits for the provisioning, limits::provisioning_wait_time_max at most, then kUnavailable. Every other
// handle that is not an active token's is kInvalid, all in the same words. Does not block.
awaitable<Result<ExchangedHandle>> exchange_handle(Services& services, const Caller& caller,
                                                   std::string handle);

}  // namespace mintmark
