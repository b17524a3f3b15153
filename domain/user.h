#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/error.h"
#include "domain/events.pb.h"
#include "domain/ids.h"

// The user aggregate, stream user-UR-…. Names, e-mail addresses and password hashes are sealed under the
// user's own data key, so that a person can be erased although the log is immutable. Pure, as domain/token.h.
namespace mintmark {

struct User {
  bool exists = false;
  std::optional<AccountId> account;
  Role role = ROLE_UNSPECIFIED;
  std::optional<Sealed> profile;        // a UserProfile
  std::optional<Sealed> password_hash;  // none until a password is set
};

struct AddUser {
  UserId id;
  AccountId account;
  Role role;
  UserProfile profile;    // checked, not stored
  Sealed sealed_profile;  // stored
  std::string email_hash;
};

struct SetPassword {
  Sealed password_hash;
};

// Each returns the events to append; kInvalid where a field breaks a rule, kConflict where the user to add
// exists, kNotFound where the other does not.
Result<std::vector<Event>> decide(const User& user, const AddUser& command);
Result<std::vector<Event>> decide(const User& user, const SetPassword& command);

// Total: an event of another kind of stream changes nothing.
void evolve(User& user, const Event& event);

// Whether a password is one we take: limits::password_min code points to limits::password_max bytes, UTF-8.
Result<void> check_password(std::string_view password);

// owner, member, auditor.
std::string role_name(Role role);
std::optional<Role> parse_role(std::string_view name);

}  // namespace mintmark
