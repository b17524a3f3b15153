#pragma once

#include <optional>
#include <string>

#include "api/caller.h"
#include "api/commands.h"
#include "api/services.h"
#include "api/token_values.h"
#include "domain/token.h"
#include "projections/rows.pb.h"

// What can be done with tokens, for the REST handlers and the administration alike. An account sees its own
// tokens alone: any other is kNotFound.
namespace mintmark {

struct NewToken {
  Extension extension = CUSTOM;
  std::optional<ExtensionId> own_extension = {};  // one of the account's own; `extension` is CUSTOM then
  std::string name;
  std::string description;
  std::string external_id;
  std::optional<Time> expires_at;
};

// A token as it was made, and its value.
struct CreatedToken {
  TokenRow row;
  TokenValue value;
  Position position = 0;
};

// Under a repeated idempotency key this is the first answer again; kConflict where that token is deleted by
// now, because its value is destroyed, and where the extension has as many tokens as it may. kNotFound where
// the account is closed meanwhile, kInvalid where the extension is not there, or deleted meanwhile.
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
  std::optional<TokenValue> renewed;
  Position position = 0;
};
awaitable<Result<RevealedToken>> reveal_token(Services& services, const Caller& caller, TokenId id);

// When it returns, the authorization index refuses the token and its value is destroyed. Gives the position.
awaitable<Result<Position>> delete_token(Services& services, const Caller& caller, TokenId id);

// Turns the token on or off. kInvalid where its status rules that out.
awaitable<Result<ChangedToken>> activate_token(Services& services, const Caller& caller, TokenId id);
awaitable<Result<ChangedToken>> deactivate_token(Services& services, const Caller& caller, TokenId id);

// A new value in the place of the old one, or beside it: see RotateToken and RenewToken (domain/token.h).
// `value` is the one that the token has now, `renewed` the new one of a renewal. Under a repeated idempotency
// key this is the first answer again, as far as the values go. kForbidden where the token holds permissions
// that its caller does not: the caller would get them.
struct TokenWithValue {
  TokenRow row;
  TokenValue value;
  std::optional<TokenValue> renewed;
  Position position = 0;
};
awaitable<Result<TokenWithValue>> rotate_token(Services& services, const Caller& caller, TokenId id,
                                               NewExpiry expiry);
awaitable<Result<TokenWithValue>> renew_token(Services& services, const Caller& caller, TokenId id,
                                              NewExpiry expiry);

// `modules` is a set of module_bit()s. kForbidden where the caller grants what it does not hold, or to a
// token that acts in a role that allows more than the caller's.
awaitable<Result<ChangedToken>> grant_permissions(Services& services, const Caller& caller, TokenId id,
                                                  std::uint64_t modules);
awaitable<Result<ChangedToken>> revoke_permissions(Services& services, const Caller& caller, TokenId id,
                                                   RevokePermissions revoke);

awaitable<Result<TokenRow>> find_token(Services& services, const Caller& caller, TokenId id);

}  // namespace mintmark
