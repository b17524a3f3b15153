#pragma once

#include <optional>
#include <string>

#include "api/caller.h"
#include "api/services.h"
#include "domain/ids.h"
#include "domain/time.h"
#include "projections/rows.pb.h"

// What can be done with accounts, users and their sessions, for the REST handlers and the administration
// alike.
namespace mintmark {

// Whether the account's tokens may exchange handles (api/handle_exchange.h).
enum class IsPartner : bool { kNo, kYes };
awaitable<Result<AccountId>> open_account(Services& services, Caller caller, AccountType type,
                                          std::string name, IsPartner partner = IsPartner::kNo);

struct UpdateAccount;
struct UpdateAccountDetails;
// The caller's own account; gives its row and the position, 0 where nothing changed.
struct ChangedAccount {
  AccountRow row;
  Position position = 0;
};
awaitable<Result<ChangedAccount>> update_account(Services& services, const Caller& caller,
                                                 UpdateAccount update, UpdateAccountDetails details);

struct NewUser {
  AccountId account;
  std::string email;
  std::string name;
  Role role = OWNER;
};
// `password` is a generated one, shown once: only its Argon2id hash is kept, sealed.
struct AddedUser {
  UserId id;
  std::string password;  // empty where the idempotency key had added the user before
  Position position = 0;
};
// kConflict where the e-mail address has a user, kNotFound where there is no such account.
awaitable<Result<AddedUser>> add_user(Services& services, Caller caller, NewUser user);

// A vendor's account together with its first owner, all or none; kConflict where the e-mail address has a
// user.
struct OpenedAccount {
  AccountId account;
  AddedUser owner;
};
awaitable<Result<OpenedAccount>> open_vendor_account(Services& services, const Caller& caller,
                                                     std::string name, std::string owner_email,
                                                     std::string owner_name);

// Gives the user of that e-mail address a generated password and ends their sessions. kNotFound where there
// is none.
awaitable<Result<std::string>> reset_password(Services& services, Caller caller, std::string email);

// Who has that e-mail address. Blocks on disk.
std::optional<UserRow> find_user(const Services& services, const std::string& email);

// The form in which an e-mail address is looked up.
std::string lower_case(std::string text);

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

// The user with that e-mail address. Blocks.
std::optional<UserRow> find_user_by_email(const Services& services, const std::string& email);
// The name of the stream that claims the address.
std::string email_stream(std::string_view email_hash);

// The open session that the cookie proves; kUnauthenticated where there is none or it has expired. Blocks.
struct OpenSessionView {
  UserRow user;
  Time expires_at;
};
Result<OpenSessionView> find_session(Services& services, const std::string& cookie);

// What a page must send back as X-CSRF-Token with the cookie (OWASP: HMAC-based token bound to the session).
std::string csrf_token(const Services& services, const std::string& cookie);

}  // namespace mintmark
