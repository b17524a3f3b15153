#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "api/caller.h"
#include "api/services.h"
#include "domain/time.h"
#include "projections/rows.pb.h"

// How people prove who they are: passwords, and the sessions that they open, for the REST handlers and the
// administration alike.
namespace mintmark {

// Gives a user of the caller's account a generated password and ends their sessions. kNotFound where the
// account has no such user.
struct NewPassword {
  std::string password;  // shown once; empty where the idempotency key had done it before
  Position position = 0;
};
awaitable<Result<NewPassword>> reset_password(Services& services, const Caller& caller, UserId id);

// Somebody who has signed in. `cookie` proves it, and is stored nowhere.
struct SignedIn {
  std::string cookie;
  UserRow user;
  Time expires_at;
};
// kUnauthenticated, alike in words and work, for an unknown address, a wrong password and a user who is not
// active.
awaitable<Result<SignedIn>> sign_in(Services& services, Caller caller, std::string email,
                                    std::string password);
awaitable<Result<void>> sign_out(Services& services, const Caller& caller, std::string cookie);

// The public id of the cookie's session: the hash in its stream's name, which tells nothing of the cookie.
std::string session_id(const Services& services, const std::string& cookie);
// Ends one of the caller's own sessions. kNotFound where the id is not of such a one.
awaitable<Result<Position>> end_session(Services& services, const Caller& caller, std::string id);

// Gives the caller, who is a user, a password of their own and ends their other sessions: all but `cookie`'s.
// Under a repeated idempotency key it does nothing; kConflict then where the password is not `wanted`.
// kInvalid where `current` is not their password or `wanted` is not one we take.
awaitable<Result<Position>> change_password(Services& services, const Caller& caller, std::string cookie,
                                            std::string current, std::string wanted);

// The open session that the cookie proves; kUnauthenticated where there is none or it has expired. Blocks.
struct OpenSessionView {
  UserRow user;
  Time expires_at;
};
Result<OpenSessionView> find_session(Services& services, const std::string& cookie);

// What a page must send back as X-CSRF-Token with the cookie (OWASP: HMAC-based token bound to the session).
std::string csrf_token(const Services& services, const std::string& cookie);

}  // namespace mintmark
