#pragma once

#include <optional>
#include <string>

#include "api/caller.h"
#include "api/services.h"
#include "domain/account.h"
#include "domain/ids.h"
#include "projections/rows.pb.h"

// What can be done with accounts and users, for the REST handlers and the administration alike.
namespace mintmark {

// Whether the account's tokens may exchange handles (api/handle_exchange.h).
enum class IsPartner : bool { kNo, kYes };
// What an account says of itself beside its name.
struct AccountFields {
  UpdateAccount update;
  UpdateAccountDetails details;
};
// kInvalid where a field is not one we take.
awaitable<Result<AccountId>> open_account(Services& services, Caller caller, AccountType type,
                                          std::string name, AccountFields fields = {},
                                          IsPartner partner = IsPartner::kNo);

// The caller's own account; gives its row and the position, 0 where nothing changed.
struct ChangedAccount {
  AccountRow row;
  Position position = 0;
};
awaitable<Result<ChangedAccount>> update_account(Services& services, const Caller& caller,
                                                 AccountFields fields);

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
                                                     std::string name, AccountFields fields,
                                                     std::string owner_email, std::string owner_name);

// Who has that e-mail address. Blocks on disk.
std::optional<UserRow> find_user(const Services& services, const std::string& email);

// The form in which an e-mail address is looked up.
std::string lower_case(std::string text);

// The name of the stream that claims the address.
std::string email_stream(std::string_view email_hash);

}  // namespace mintmark
