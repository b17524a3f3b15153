#include "api/administration.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "api/administration_commands.h"
#include "api/json.h"
#include "api/membership.h"
#include "api/representation.h"
#include "api/session_service.h"
#include "api/token_service.h"
#include "api/user_service.h"
#include "domain/user.h"

namespace mintmark {

namespace json = boost::json;

namespace administration {
namespace {

std::unexpected<Error> no_such(std::string_view field) {
  return fail(ErrorKind::kInvalid, fmt::format("{}: There is no such {}.", field, field));
}

}  // namespace

Result<AccountId> named_account(const Command& command) {
  FieldErrors errors;
  const auto text = JsonFields(command.members, errors).required_text("account");
  if (errors.any()) return std::move(errors).error();
  const auto id = AccountId::parse(*text);
  if (!id || !command.services.directory.account(*id)) return no_such("account");
  return *id;
}

namespace {

awaitable<Outcome> open_an_account(Command& command) {
  FieldErrors errors;
  JsonFields fields(command.members, errors);
  auto name = fields.required_text("name");
  const auto type = fields.text("type").value_or("vendor");
  if (type != "vendor" && type != "provider") errors.add("type", "Must be vendor or provider.");
  if (errors.any()) co_return std::move(errors).error();
  const auto account_type = type == "vendor" ? AccountType::kVendor : AccountType::kProvider;
  const auto id = co_await open_account(command.services, command.caller, account_type, std::move(*name));
  if (!id) co_return std::unexpected(id.error());
  co_return json::object{{"account", id->text()}};
}

awaitable<Outcome> list_all_accounts(Command& command) {
  auto read = [&command]() -> Outcome {
    json::array accounts;
    for (const auto& row : command.services.directory.accounts()) {
      accounts.push_back(represent_account(command.services, row, std::nullopt));
    }
    return json::object{{"accounts", std::move(accounts)}};
  };
  co_return co_await command.services.blocking.run(std::move(read));
}

awaitable<Outcome> rename_an_account(Command& command) {
  auto find = [&command] { return named_account(command); };
  const auto account = co_await command.services.blocking.run(std::move(find));
  if (!account) co_return std::unexpected(account.error());
  FieldErrors errors;
  auto name = JsonFields(command.members, errors).required_text("name");
  if (errors.any()) co_return std::move(errors).error();
  command.caller.account = *account;
  AccountFields fields;
  fields.update.name = std::move(name);
  const auto changed = co_await update_account(command.services, command.caller, std::move(fields));
  if (!changed) co_return std::unexpected(changed.error());
  co_return json::object{{"account", account->text()}, {"name", changed->row.name()}};
}

// Whom an account gets without a word about the role: its owner first, then members.
Role role_of_next(const Services& services, AccountId account) {
  const auto is_owner = [](const UserRow& user) {
    return user.role() == OWNER && !user.inactive() && !user.erased();
  };
  return std::ranges::any_of(services.directory.users(account), is_owner) ? MEMBER : OWNER;
}

awaitable<Outcome> add_a_user(Command& command) {
  std::optional<Role> role;
  auto find = [&command, &role] {
    auto account = named_account(command);
    if (account) role = role_of_next(command.services, *account);
    return account;
  };
  const auto account = co_await command.services.blocking.run(std::move(find));
  if (!account) co_return std::unexpected(account.error());
  FieldErrors errors;
  JsonFields fields(command.members, errors);
  const auto email = fields.required_text("email");
  const auto name = fields.text("name");
  if (const auto given = fields.text("role")) role = parse_role(*given);
  if (!role) errors.add("role", "Must be owner, member or auditor.");
  if (errors.any()) co_return std::move(errors).error();
  NewUser user{*account, *email, name.value_or(email->substr(0, email->find('@'))), *role};
  const auto added = co_await add_user(command.services, command.caller, std::move(user));
  if (!added) co_return std::unexpected(added.error());
  co_return json::object{{"user", added->id.text()}, {"email", *email}, {"password", added->password}};
}

awaitable<Outcome> list_all_users(Command& command) {
  auto read = [&command]() -> Outcome {
    const auto account = named_account(command);
    if (!account) return std::unexpected(account.error());
    json::array users;
    for (const auto& row : command.services.directory.users(*account)) {
      users.push_back(represent_user(command.services, row, std::nullopt));
    }
    return json::object{{"users", std::move(users)}};
  };
  co_return co_await command.services.blocking.run(std::move(read));
}

// The user whose address a command names; it works on in that user's account.
awaitable<Result<UserId>> named_user(Command& command) {
  FieldErrors errors;
  const auto email = JsonFields(command.members, errors).required_text("email");
  if (errors.any()) co_return std::move(errors).error();
  auto find = [&command, &email]() -> Result<UserRow> {
    auto row = find_user(command.services, *email);
    if (!row) return fail(ErrorKind::kNotFound, "There is no user with this e-mail address.");
    return std::move(*row);
  };
  const auto row = co_await command.services.blocking.run(std::move(find));
  if (!row) co_return std::unexpected(row.error());
  command.caller.account = AccountId::parse(row->account_id()).value();
  co_return UserId::parse(row->user_id()).value();
}

awaitable<Outcome> give_new_password(Command& command) {
  const auto id = co_await named_user(command);
  if (!id) co_return std::unexpected(id.error());
  const auto reset = co_await reset_password(command.services, command.caller, *id);
  if (!reset) co_return std::unexpected(reset.error());
  co_return json::object{{"email", command.members.at("email")}, {"password", reset->password}};
}

awaitable<Outcome> give_a_role(Command& command) {
  FieldErrors errors;
  const auto role = parse_role(JsonFields(command.members, errors).required_text("role").value_or(""));
  if (!role && !errors.any()) errors.add("role", "Must be owner, member or auditor.");
  if (errors.any()) co_return std::move(errors).error();
  const auto id = co_await named_user(command);
  if (!id) co_return std::unexpected(id.error());
  const auto changed = co_await update_member(command.services, command.caller, *id,
                                              MemberUpdate{.name = {}, .role = role, .group = {}});
  if (!changed) co_return std::unexpected(changed.error());
  co_return json::object{{"user", id->text()}, {"role", role_name(*role)}};
}

awaitable<Outcome> activate_a_user(Command& command) {
  const auto id = co_await named_user(command);
  if (!id) co_return std::unexpected(id.error());
  const auto changed = co_await activate_member(command.services, command.caller, *id);
  if (!changed) co_return std::unexpected(changed.error());
  co_return json::object{{"user", id->text()}, {"status", "active"}};
}

awaitable<Outcome> deactivate_a_user(Command& command) {
  const auto id = co_await named_user(command);
  if (!id) co_return std::unexpected(id.error());
  const auto changed = co_await deactivate_member(command.services, command.caller, *id);
  if (!changed) co_return std::unexpected(changed.error());
  co_return json::object{{"user", id->text()}, {"status", "inactive"}};
}

// An account of the partner's own, and a token of it that may exchange handles and nothing else.
awaitable<Outcome> create_a_partner(Command& command) {
  FieldErrors errors;
  auto name = JsonFields(command.members, errors).required_text("name");
  if (errors.any()) co_return std::move(errors).error();
  auto& services = command.services;
  const auto account =
      co_await open_account(services, command.caller, AccountType::kVendor, *name, {}, IsPartner::kYes);
  if (!account) co_return std::unexpected(account.error());
  command.caller.account = *account;
  command.caller.permissions = 0;
  NewToken wanted;
  wanted.name = std::move(*name);
  const auto token = co_await create_token(services, command.caller, std::move(wanted));
  if (!token) co_return std::unexpected(token.error());
  co_return json::object{{"id", token->row.token_id()}, {"key", token->value.key->text()}};
}

struct Entry {
  std::string_view name;
  awaitable<Outcome> (*run)(Command& command);
};

constexpr std::array commands = std::to_array<Entry>({
    {"account.open", open_an_account},
    {"account.list", list_all_accounts},
    {"account.rename", rename_an_account},
    {"user.add", add_a_user},
    {"user.list", list_all_users},
    {"user.password", give_new_password},
    {"user.role", give_a_role},
    {"user.activate", activate_a_user},
    {"user.deactivate", deactivate_a_user},
    {"partner.create", create_a_partner},
    {"token.create", create_a_token},
    {"token.list", list_some_tokens},
    {"token.show", show_a_token},
    {"token.activate", activate_a_token},
    {"token.deactivate", deactivate_a_token},
    {"token.rotate", rotate_a_token},
    {"token.delete", delete_a_token},
    {"job.list", list_some_jobs},
    {"job.retry", retry_some_jobs},
    {"job.cancel", cancel_a_job},
    {"replay", replay},
    {"verify", verify},
    {"tree_head.sign", sign_a_tree_head},
    {"tree_head.key", show_the_tree_head_key},
    {"backup", back_up},
    {"keys.rotate", rotate_keys},
});

}  // namespace
}  // namespace administration

awaitable<Result<json::object>> Administration::run(std::string operator_name, json::object members,
                                                    LineOutput& output, std::stop_token gone) {
  Caller caller{.actor = {},
                .account = AccountId::from_code(0),
                .role = OWNER,
                .request_id = services_.random.event_id(services_.clock.now()).text(),
                .client_ip = {},
                .idempotency_key = {}};
  caller.actor.set_kind(Actor::OPERATOR);
  caller.actor.set_id(std::move(operator_name));
  FieldErrors errors;
  const auto name = JsonFields(members, errors).required_text("command");
  if (errors.any()) co_return std::move(errors).error();
  for (const auto& entry : administration::commands) {
    if (entry.name != *name) continue;
    std::stop_source ends;
    const auto end = [&ends] { ends.request_stop(); };
    const std::stop_callback with_the_server(stop_.get_token(), end);
    const std::stop_callback with_who_waits(std::move(gone), end);
    administration::Command command{
        services_,          log_,   tree_heads_,      key_rotation_, std::move(caller),
        std::move(members), output, ends.get_token(), verifying_};
    co_return co_await entry.run(command);
  }
  co_return fail(ErrorKind::kInvalid, fmt::format("command: There is no command {}.", *name));
}

}  // namespace mintmark
