#pragma once

#include "api/services.h"
#include "domain/events.pb.h"
#include "domain/ids.h"

namespace mintmark {

// What a token of that account acts as here, by who created it: a user's token as that user's present role,
// also while they are deactivated; an operator's as an owner; one whose creator is erased, or was a token, as
// a member. A gateway does not ask. Blocks on disk.
Role role_of_token(const Services& services, AccountId account, const Actor& creator);

// The same by the token's id: a member where the views do not know it.
Role role_of_token(const Services& services, AccountId account, TokenId token);

// Whether whoever acts as `caller` may do all that `token` may.
bool is_within(Role token, Role caller);

}  // namespace mintmark
