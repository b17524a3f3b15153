#include "domain/user.h"

#include <fmt/format.h>

#include "domain/fields.h"
#include "domain/limits.h"
#include "domain/text.h"

namespace mintmark {

using Events = std::vector<Event>;

Result<Events> decide(const User& user, const AddUser& command) {
  if (user.exists) return fail(ErrorKind::kConflict, "id: This user id is taken.");
  FieldErrors errors;
  errors.check_required_text("name", command.profile.name(), limits::user_name_max);
  if (!is_email(command.profile.email())) errors.add("email", "Enter a valid e-mail address.");
  if (command.role != OWNER && command.role != MEMBER && command.role != AUDITOR) {
    errors.add("role", "Must be owner, member or auditor.");
  }
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
  if (!user.exists) return fail(ErrorKind::kNotFound, "User not found.");
  Event event;
  *event.mutable_password_set()->mutable_password_hash() = command.password_hash;
  return Events{event};
}

void evolve(User& user, const Event& event) {
  if (event.has_user_added()) {
    user.exists = true;
    user.account = AccountId::parse(event.user_added().account_id());
    user.role = event.user_added().role();
    user.profile = event.user_added().profile();
  } else if (event.has_password_set()) {
    user.password_hash = event.password_set().password_hash();
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
