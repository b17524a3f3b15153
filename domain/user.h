#pragma once

#include <cstddef>
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
  bool active = true;
  bool erased = false;  // for good
  std::optional<AccountId> account;
  Role role = ROLE_UNSPECIFIED;
  std::optional<Sealed> profile;        // a UserProfile
  std::optional<Sealed> password_hash;  // none until a password is set
  std::string email_hash;
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

// In the commands that may take an owner away, `other_active_owners` counts the account's other users who are
// owners and active. Without any, they are kConflict for its last one.

// What is absent stays as it is.
struct UpdateUser {
  std::optional<Role> role;
  std::optional<UserProfile> profile;    // checked, not stored
  std::optional<Sealed> sealed_profile;  // stored
  std::size_t other_active_owners = 0;
};
struct DeactivateUser {
  std::size_t other_active_owners = 0;
};
struct ActivateUser {};
// The data key must be destroyed, and the claim on the address released, in the same append.
struct EraseUser {
  std::size_t other_active_owners = 0;
};
struct EndSessions {
  std::string kept_session;  // the hash in its stream's name, or empty
};

// Each returns the events to append, none where nothing changes; kInvalid where a field breaks a rule,
// kTaken where the user to add exists, kNotFound where the other does not or is erased.
Result<std::vector<Event>> decide(const User& user, const AddUser& command);
Result<std::vector<Event>> decide(const User& user, const SetPassword& command);
Result<std::vector<Event>> decide(const User& user, const UpdateUser& command);
Result<std::vector<Event>> decide(const User& user, const DeactivateUser& command);
Result<std::vector<Event>> decide(const User& user, const ActivateUser& command);
Result<std::vector<Event>> decide(const User& user, const EraseUser& command);
Result<std::vector<Event>> decide(const User& user, const EndSessions& command);

// Total: an event of another kind of stream changes nothing.
void evolve(User& user, const Event& event);

// Who holds an e-mail address: stream email-<hash>. Nobody, until it is reserved and once it is released.
struct EmailClaim {
  std::optional<UserId> user;
};
void evolve(EmailClaim& claim, const Event& event);

// Whether a password is one we take: limits::password_min code points to limits::password_max bytes, UTF-8.
Result<void> check_password(std::string_view password);

// owner, member, auditor.
std::string role_name(Role role);
std::optional<Role> parse_role(std::string_view name);

}  // namespace mintmark
