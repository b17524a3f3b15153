#include "domain/user.h"

#include <fmt/format.h>

#include "domain/fields.h"
#include "domain/limits.h"
#include "domain/text.h"

namespace mintmark {

namespace {

using Events = std::vector<Event>;

bool is_there(const User& user) {
  return user.exists && !user.erased;
}

bool is_last_owner(const User& user, std::size_t other_active_owners) {
  return user.role == OWNER && user.active && other_active_owners == 0;
}

std::unexpected<Error> last_owner() {
  return fail(ErrorKind::kConflict, "This is the account's last active owner; make somebody else one first.");
}

bool is_role(Role role) {
  return role == OWNER || role == MEMBER || role == AUDITOR;
}

}  // namespace

Result<Events> decide(const User& user, const AddUser& command) {
  if (user.exists) return fail(ErrorKind::kTaken, "id: This user id is taken.");
  FieldErrors errors;
  errors.check_required_text("name", command.profile.name(), limits::user_name_max);
  if (!is_email(command.profile.email())) errors.add("email", "Enter a valid e-mail address.");
  if (!is_role(command.role)) errors.add("role", "Must be owner, member or auditor.");
  if (errors.any()) return std::move(errors).error();
  Event event;
  auto& added = *event.mutable_user_added();
  added.set_user_id(command.id.text());
  added.set_account_id(command.account.text());
  added.set_role(command.role);
  *added.mutable_profile() = command.sealed_profile;
  added.set_email_hash(command.email_hash);
  return Events{event};
}

Result<Events> decide(const User& user, const SetPassword& command) {
  if (!is_there(user)) return not_found("User");
  Event event;
  *event.mutable_password_set()->mutable_password_hash() = command.password_hash;
  return Events{event};
}

Result<Events> decide(const User& user, const UpdateUser& command) {
  if (!is_there(user)) return not_found("User");
  FieldErrors errors;
  if (command.profile) errors.check_required_text("name", command.profile->name(), limits::user_name_max);
  if (command.role && !is_role(*command.role)) errors.add("role", "Must be owner, member or auditor.");
  if (errors.any()) return std::move(errors).error();
  const bool new_role = command.role && *command.role != user.role;
  if (new_role && is_last_owner(user, command.other_active_owners)) return last_owner();
  if (!new_role && !command.sealed_profile) return Events{};
  Event event;
  auto& updated = *event.mutable_user_updated();
  if (new_role) updated.set_role(*command.role);
  if (command.sealed_profile) *updated.mutable_profile() = *command.sealed_profile;
  return Events{event};
}

Result<Events> decide(const User& user, const DeactivateUser& command) {
  if (!is_there(user)) return not_found("User");
  if (!user.active) return Events{};
  if (is_last_owner(user, command.other_active_owners)) return last_owner();
  Event event;
  event.mutable_user_deactivated();
  return Events{event};
}

Result<Events> decide(const User& user, const ActivateUser&) {
  if (!is_there(user)) return not_found("User");
  if (user.active) return Events{};
  Event event;
  event.mutable_user_activated();
  return Events{event};
}

Result<Events> decide(const User& user, const EraseUser& command) {
  if (!is_there(user)) return not_found("User");
  if (is_last_owner(user, command.other_active_owners)) return last_owner();
  Event event;
  event.mutable_user_erased()->set_email_hash(user.email_hash);
  return Events{event};
}

Result<Events> decide(const User& user, const EndSessions& command) {
  if (!is_there(user)) return not_found("User");
  Event event;
  event.mutable_sessions_ended()->set_kept_session(command.kept_session);
  return Events{event};
}

void evolve(User& user, const Event& event) {
  if (event.has_user_added()) {
    user.exists = true;
    user.account = AccountId::parse(event.user_added().account_id());
    user.role = event.user_added().role();
    user.profile = event.user_added().profile();
    user.email_hash = event.user_added().email_hash();
  } else if (event.has_password_set()) {
    user.password_hash = event.password_set().password_hash();
  } else if (event.has_user_updated()) {
    const auto& updated = event.user_updated();
    if (updated.has_role()) user.role = updated.role();
    if (updated.has_profile()) user.profile = updated.profile();
  } else if (event.has_user_deactivated()) {
    user.active = false;
  } else if (event.has_user_activated()) {
    user.active = true;
  } else if (event.has_user_erased()) {
    user.active = false;
    user.erased = true;
    user.profile.reset();
    user.password_hash.reset();
  }
}

void evolve(EmailClaim& claim, const Event& event) {
  if (event.has_email_reserved()) {
    claim.user = UserId::parse(event.email_reserved().user_id());
  } else if (event.has_email_released()) {
    claim.user.reset();
  }
}

Result<void> check_password(std::string_view password) {
  const auto characters = count_code_points(password);
  if (!characters) return fail(ErrorKind::kInvalid, "password: Must be valid UTF-8.");
  if (*characters < limits::password_min) {
    return fail(ErrorKind::kInvalid,
                fmt::format("password: Use at least {} characters.", limits::password_min));
  }
  if (password.size() > limits::password_max) {
    return fail(ErrorKind::kInvalid, fmt::format("password: Use at most {} bytes.", limits::password_max));
  }
  return {};
}

std::string role_name(Role role) {
  if (role == OWNER) return "owner";
  if (role == MEMBER) return "member";
  return "auditor";
}

std::optional<Role> parse_role(std::string_view name) {
  if (name == "owner") return OWNER;
  if (name == "member") return MEMBER;
  if (name == "auditor") return AUDITOR;
  return std::nullopt;
}

}  // namespace mintmark
