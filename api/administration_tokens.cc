#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <boost/json/array.hpp>

#include "api/administration_commands.h"
#include "api/json.h"
#include "api/representation.h"
#include "api/token_service.h"
#include "domain/limits.h"
#include "projections/token_status.h"

namespace mintmark::administration {

namespace json = boost::json;

namespace {

Result<TokenRow> named_token(const Command& command) {
  FieldErrors errors;
  const auto text = JsonFields(command.members, errors).required_text("id");
  if (errors.any()) return std::move(errors).error();
  const auto id = TokenId::parse(*text);
  auto row = id ? command.services.token_list.find(*id) : std::nullopt;
  if (!row) return fail(ErrorKind::kNotFound, "Token not found.");
  return std::move(*row);
}

// The token that a command names; it works on in that token's account.
awaitable<Result<TokenId>> choose_token(Command& command) {
  auto find = [&command] { return named_token(command); };
  const auto row = co_await command.services.blocking.run(std::move(find));
  if (!row) co_return std::unexpected(row.error());
  command.caller.account = AccountId::parse(row->account_id()).value();
  co_return TokenId::parse(row->token_id()).value();
}

// What opens something with a token, shown once.
void put_shown_value(json::object& result, const TokenValue& value) {
  if (value.key) result["key"] = value.key->text();
  if (value.handle) result["handle"] = value.handle->hex();
}

using StatusChange = awaitable<Result<ChangedToken>> (*)(Services& services, const Caller& caller,
                                                         TokenId id);

awaitable<Outcome> change_token_status(Command& command, StatusChange change) {
  const auto id = co_await choose_token(command);
  if (!id) co_return std::unexpected(id.error());
  const auto changed = co_await change(command.services, command.caller, *id);
  if (!changed) co_return std::unexpected(changed.error());
  co_return json::object{{"id", id->text()},
                         {"status", status_name(changed->row, command.services.clock.now())},
                         {"position", changed->position}};
}

}  // namespace

awaitable<Outcome> create_a_token(Command& command) {
  auto find = [&command] { return named_account(command); };
  const auto account = co_await command.services.blocking.run(std::move(find));
  if (!account) co_return std::unexpected(account.error());
  command.caller.account = *account;
  FieldErrors errors;
  JsonFields fields(command.members, errors);
  NewToken token;
  token.name = fields.required_text("name").value_or("");
  token.description = fields.text("description").value_or("");
  token.external_id = fields.text("external_id").value_or("");
  token.expires_at = fields.time("expiration_date");
  const auto type = fields.text("type").value_or("custom");
  if (type != "custom" && type != "zapier") errors.add("type", "Must be custom or zapier.");
  if (errors.any()) co_return std::move(errors).error();
  token.extension = type == "zapier" ? ZAPIER : CUSTOM;
  const auto created = co_await create_token(command.services, command.caller, std::move(token));
  if (!created) co_return std::unexpected(created.error());
  json::object result{{"id", created->row.token_id()}};
  put_shown_value(result, created->value);
  co_return result;
}

awaitable<Outcome> list_some_tokens(Command& command) {
  auto read = [&command]() -> Outcome {
    const auto& services = command.services;
    const auto account = named_account(command);
    if (!account) return std::unexpected(account.error());
    const auto number = [&](std::string_view name, std::size_t fallback) {
      const auto* value = command.members.if_contains(name);
      boost::system::error_code code;
      const auto given = value ? value->to_number<std::size_t>(code) : fallback;
      return code ? fallback : given;
    };
    const auto limit = std::min(number("limit", limits::page_default), limits::page_max);
    const auto page = services.token_list.page(*account, number("offset", 0), limit);
    json::array tokens;
    for (const auto& row : page.rows) tokens.push_back(represent_token(services, row, services.clock.now()));
    return json::object{{"total", page.total}, {"tokens", std::move(tokens)}};
  };
  co_return co_await command.services.blocking.run(std::move(read));
}

awaitable<Outcome> show_a_token(Command& command) {
  auto read = [&command]() -> Outcome {
    const auto row = named_token(command);
    if (!row) return std::unexpected(row.error());
    return represent_token(command.services, *row, command.services.clock.now());
  };
  co_return co_await command.services.blocking.run(std::move(read));
}

awaitable<Outcome> activate_a_token(Command& command) {
  co_return co_await change_token_status(command, &activate_token);
}

awaitable<Outcome> deactivate_a_token(Command& command) {
  co_return co_await change_token_status(command, &deactivate_token);
}

awaitable<Outcome> rotate_a_token(Command& command) {
  const auto id = co_await choose_token(command);
  if (!id) co_return std::unexpected(id.error());
  const auto rotated = co_await rotate_token(command.services, command.caller, *id, NewExpiry{});
  if (!rotated) co_return std::unexpected(rotated.error());
  json::object result{{"id", id->text()}};
  put_shown_value(result, rotated->value);
  co_return result;
}

awaitable<Outcome> delete_a_token(Command& command) {
  const auto id = co_await choose_token(command);
  if (!id) co_return std::unexpected(id.error());
  const auto position = co_await delete_token(command.services, command.caller, *id);
  if (!position) co_return std::unexpected(position.error());
  co_return json::object{{"id", id->text()}, {"position", *position}};
}

}  // namespace mintmark::administration
