#pragma once

#include <optional>
#include <string>

#include "api/caller.h"
#include "api/services.h"
#include "domain/ids.h"

// What can be done with the users of the caller's account, for the REST handlers and the administration
// alike. Each gives the position of the change, 0 where nothing changed; kNotFound where the account has no
// such user; kConflict where it would leave the account without an active owner. Concurrent changes are told
// apart by the account's stream members-…, so that two owners cannot take each other away.
namespace mintmark {

// What is absent stays as it is. kInvalid where the name is not one we take, or where `role` and `group` are
// two roles and `role` is not the one that the user has: what was read with both and sent back with another
// group changes the group.
struct MemberUpdate {
  std::optional<std::string> name;
  std::optional<Role> role = {};
  std::optional<Role> group = {};  // the role that the group stands for
};
awaitable<Result<Position>> update_member(Services& services, const Caller& caller, UserId id,
                                          MemberUpdate update);

// When it returns, none of the user's sessions is any good and they cannot sign in.
awaitable<Result<Position>> deactivate_member(Services& services, const Caller& caller, UserId id);
awaitable<Result<Position>> activate_member(Services& services, const Caller& caller, UserId id);

// Forgets the person: name, address and password become unreadable, the address is free again, the sessions
// are over. The id, and the tokens that the user made, stay.
awaitable<Result<Position>> erase_member(Services& services, const Caller& caller, UserId id);

// Closes the caller's own account for good and erases the caller, its last user. kConflict while the account
// has tokens, webhooks or other users: a closed account has nothing left that could authorize. Tokens that
// are created at the same moment are deleted.
awaitable<Result<Position>> close_account(Services& services, const Caller& caller);

}  // namespace mintmark
