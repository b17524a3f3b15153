#pragma once

#include <optional>
#include <string>

#include "api/caller.h"
#include "api/commands.h"
#include "api/services.h"
#include "domain/api_key.h"
#include "domain/token.h"
#include "projections/rows.pb.h"

// What can be done with tokens, for the REST handlers and the administration alike. An account sees its own
// tokens alone: any other is kNotFound.
namespace mintmark {

struct NewToken {
  Extension extension = CUSTOM;
  std::string name;
  std::string description;
  std::string external_id;
  std::optional<Time> expires_at;
};

// A token as it was made, and its value: `key` of a custom token, `handle` of a Zapier token.
struct TokenValue {
  std::optional<ApiKey> key;
  std::optional<Secret> handle;
};
struct CreatedToken {
  TokenRow row;
  TokenValue value;
  Position position = 0;
};

// Under a repeated idempotency key this is the first answer again; kConflict where that token is deleted by
// now, because its value is destroyed.
awaitable<Result<CreatedToken>> create_token(Services& services, const Caller& caller, NewToken token);

struct ChangedToken {
  TokenRow row;
  Position position = 0;  // 0 where nothing changed
};
awaitable<Result<ChangedToken>> update_token(Services& services, const Caller& caller, TokenId id,
                                             UpdateToken update);

// The value, after recording that it was looked at.
struct RevealedToken {
  TokenValue value;
  Position position = 0;
};
awaitable<Result<RevealedToken>> reveal_token(Services& services, const Caller& caller, TokenId id);

// When it returns, the authorization index refuses the token and its value is destroyed. Gives the position.
awaitable<Result<Position>> delete_token(Services& services, const Caller& caller, TokenId id);

awaitable<Result<TokenRow>> find_token(Services& services, const Caller& caller, TokenId id);

}  // namespace mintmark
