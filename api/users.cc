#include <boost/json/array.hpp>

#include "api/errors.h"
#include "api/handlers.h"
#include "api/json.h"
#include "api/list_response.h"
#include "api/membership.h"
#include "api/representation.h"
#include "api/session_service.h"
#include "api/user_service.h"

namespace mintmark {
namespace {

namespace json = boost::json;

// The user in the path, whose account is the caller's.
Result<UserId> user_in_path(const Context& context) {
  const auto id = UserId::parse(context.parameters[1]);
  if (!id) return not_found("User");
  return *id;
}

Result<json::object> read_user(const Context& context, UserId id) {
  const auto row = context.services.directory.user(id);
  if (!row || row->erased() || row->account_id() != context.caller.account.text()) return not_found("User");
  return represent_user(context.services, *row, context.caller.account);
}

// `role` "owner".
std::optional<Role> read_role(JsonFields& fields, FieldErrors& errors) {
  const auto name = fields.text("role");
  const auto role = name ? parse_role(*name) : std::nullopt;
  if (name && !role) errors.add("role", "Must be owner, member or auditor.");
  return role;
}

// The role that `groups` [{"id": "UG-000-001"}] stands for.
std::optional<Role> read_group(JsonFields& fields, FieldErrors& errors) {
  const auto* groups = fields.array("groups");
  if (!groups) return std::nullopt;
  if (groups->size() != 1 || !groups->front().is_object()) {
    errors.add("groups", "Must hold one group, as {\"id\": \"UG-000-001\"}.");
    return std::nullopt;
  }
  const auto id = JsonFields(groups->front().as_object(), errors).required_text("id");
  const auto role = id ? role_of_group(*id) : std::nullopt;
  if (id && !role) errors.add("groups", "There is no such group.");
  return role;
}

Result<NewUser> read_new_user(const Context& context) {
  const auto body = parse_json_object(context.request.body());
  if (!body) return std::unexpected(body.error());
  FieldErrors errors;
  JsonFields fields(*body, errors);
  const auto email = fields.required_text("email").value_or("");
  const auto name = fields.text("name").value_or(email.substr(0, email.find('@')));
  if (!body->contains("groups") && !body->contains("role")) errors.add("groups", "This field is required.");
  const auto role = read_role(fields, errors);
  const auto group = read_group(fields, errors);
  if (group && role && *group != *role) errors.add("groups", "Does not agree with role.");
  if (!errors.any() && !role && !group) errors.add("groups", "This field may not be null.");
  if (errors.any()) return std::move(errors).error();
  return NewUser{context.caller.account, email, name, group.value_or(role.value_or(ROLE_UNSPECIFIED))};
}

Result<MemberUpdate> read_user_update(const Context& context) {
  const auto body = parse_json_object(context.request.body());
  if (!body) return std::unexpected(body.error());
  FieldErrors errors;
  JsonFields fields(*body, errors);
  MemberUpdate update{fields.text("name"), read_role(fields, errors), read_group(fields, errors)};
  if (errors.any()) return std::move(errors).error();
  return update;
}

// The user as they are after a change that was written at that position.
awaitable<http::Response> changed_user(Context& context, int status, UserId id, Position position) {
  auto read = [&context, id] { return read_user(context, id); };
  const auto user = co_await context.services.blocking.run(std::move(read));
  if (!user) co_return error_response(user.error());
  auto response = json_response(status, *user);
  add_position(response, position);
  co_return response;
}

// The same with a password that is shown this once; null where that was before.
awaitable<http::Response> user_with_password(Context& context, int status, UserId id,
                                             const NewPassword& made) {
  auto read = [&context, id] { return read_user(context, id); };
  auto user = co_await context.services.blocking.run(std::move(read));
  if (!user) co_return error_response(user.error());
  (*user)["password"] = made.password.empty() ? json::value(nullptr) : json::value(made.password);
  auto response = json_response(status, *user);
  response.headers.emplace_back("Cache-Control", "no-store");
  add_position(response, made.position);
  co_return response;
}

using Change = awaitable<Result<Position>> (*)(Services& services, const Caller& caller, UserId id);

awaitable<http::Response> change_user(Context& context, Change change) {
  const auto id = user_in_path(context);
  if (!id) co_return error_response(id.error());
  const auto position = co_await change(context.services, context.caller, *id);
  if (!position) co_return error_response(position.error());
  co_return co_await changed_user(context, 200, *id, *position);
}

}  // namespace

awaitable<http::Response> list_users(Context& context) {
  const auto wanted = parse_list_query(context.request.query());
  if (!wanted) co_return error_response(wanted.error());
  auto read = [&context, &wanted]() -> Result<http::Response> {
    json::array users;
    for (const auto& row : context.services.directory.users(context.caller.account)) {
      users.push_back(represent_user(context.services, row, context.caller.account));
    }
    return respond_with_list(std::move(users), user_fields, *wanted);
  };
  co_return co_await context.services.scans.answer(context.caller.account, std::move(read));
}

awaitable<http::Response> create_user(Context& context) {
  auto wanted = read_new_user(context);
  if (!wanted) co_return error_response(wanted.error());
  const auto added = co_await add_user(context.services, context.caller, std::move(*wanted));
  if (!added) co_return error_response(added.error());
  const NewPassword made{added->password, added->position};
  co_return co_await user_with_password(context, 201, added->id, made);
}

awaitable<http::Response> get_user(Context& context) {
  const auto id = user_in_path(context);
  if (!id) co_return error_response(id.error());
  auto read = [&context, &id] { return read_user(context, *id); };
  const auto user = co_await context.services.blocking.run(std::move(read));
  co_return user ? json_response(200, *user) : error_response(user.error());
}

awaitable<http::Response> update_user(Context& context) {
  const auto id = user_in_path(context);
  if (!id) co_return error_response(id.error());
  auto update = read_user_update(context);
  if (!update) co_return error_response(update.error());
  const auto position = co_await update_member(context.services, context.caller, *id, std::move(*update));
  if (!position) co_return error_response(position.error());
  co_return co_await changed_user(context, 200, *id, *position);
}

awaitable<http::Response> delete_user(Context& context) {
  const auto id = user_in_path(context);
  if (!id) co_return error_response(id.error());
  const auto position = co_await erase_member(context.services, context.caller, *id);
  if (!position) co_return error_response(position.error());
  http::Response response;
  add_position(response, *position);
  co_return response;
}

awaitable<http::Response> activate_user(Context& context) {
  return change_user(context, activate_member);
}

awaitable<http::Response> deactivate_user(Context& context) {
  return change_user(context, deactivate_member);
}

// Of others alone: whoever has got hold of a session must know its password to change that.
awaitable<http::Response> reset_password(Context& context) {
  const auto id = user_in_path(context);
  if (!id) co_return error_response(id.error());
  if (id->text() == context.caller.actor.id()) {
    co_return error_response(
        Error{ErrorKind::kInvalid, {"user: Change your own password with /auth/password."}});
  }
  const auto made = co_await reset_password(context.services, context.caller, *id);
  if (!made) co_return error_response(made.error());
  co_return co_await user_with_password(context, 200, *id, *made);
}

}  // namespace mintmark
