#include <boost/json/array.hpp>

#include "api/errors.h"
#include "api/handlers.h"
#include "api/json.h"
#include "api/list_response.h"
#include "api/membership.h"
#include "api/representation.h"
#include "api/user_service.h"
#include "domain/account.h"

namespace mintmark {
namespace {

namespace json = boost::json;

Result<json::object> read_own_account(const Context& context) {
  const auto row = context.services.directory.account(context.caller.account);
  if (!row) return fail(ErrorKind::kNotFound, "Account not found.");
  return represent_account(context.services, *row, context.caller.account);
}

// A list of texts; null empties it.
void read_texts(const json::object& body, std::string_view name, JsonFields& fields, FieldErrors& errors,
                StringList* (*list)(AccountDetailsUpdated&), AccountDetailsUpdated& details) {
  if (!body.contains(name)) return;
  const auto* array = fields.array(name);
  if (!array && !body.at(name).is_null()) return;
  auto& texts = *list(details);
  if (!array) return;
  for (const auto& item : *array) {
    if (!item.is_string()) return errors.add(name, "Every item must be a string.");
    texts.add_values(std::string(item.as_string()));
  }
}

// [{"id": "…"}, …], whose ids are kept.
void read_industries(JsonFields& fields, FieldErrors& errors, AccountDetailsUpdated& details) {
  const auto* array = fields.array("industries");
  if (!array) return;
  auto& industries = *details.mutable_industries();
  for (const auto& item : *array) {
    if (!item.is_object()) return errors.add("industries", "Every item must be an object with an id.");
    const auto id = JsonFields(item.as_object(), errors).required_text("id");
    if (id) industries.add_values(*id);
  }
}

AccountDetailsUpdated read_details(const json::object& body, JsonFields& fields, FieldErrors& errors) {
  AccountDetailsUpdated details;
  if (const auto text = fields.text("overview", true)) details.set_overview(*text);
  if (const auto text = fields.text("headquarters", true)) details.set_headquarters(*text);
  const auto* is_public = body.if_contains("public");
  if (is_public && !is_public->is_null()) {
    if (const auto wanted = fields.boolean("public")) details.set_is_public(*wanted);
  }
  using Details = AccountDetailsUpdated;
  read_texts(body, "countries", fields, errors, [](Details& of) { return of.mutable_countries(); }, details);
  read_texts(body, "languages", fields, errors, [](Details& of) { return of.mutable_languages(); }, details);
  read_texts(body, "websites", fields, errors, [](Details& of) { return of.mutable_websites(); }, details);
  read_industries(fields, errors, details);
  return details;
}

// All but the name.
AccountFields read_account_fields(const json::object& body, JsonFields& fields, FieldErrors& errors) {
  return {{{}, fields.text("description", true), fields.text("external_id"), fields.text("brand")},
          {read_details(body, fields, errors)}};
}

Result<AccountFields> read_account_update(const Context& context) {
  const auto body = parse_json_object(context.request.body());
  if (!body) return std::unexpected(body.error());
  FieldErrors errors;
  JsonFields fields(*body, errors);
  auto input = read_account_fields(*body, fields, errors);
  input.update.name = fields.text("name");
  if (errors.any()) return std::move(errors).error();
  return input;
}

struct NewVendor {
  std::string name;
  AccountFields fields;
  struct Owner {
    std::string email;
    std::string name;
  };
  std::optional<Owner> owner;
};

Result<NewVendor> read_new_vendor(const Context& context) {
  const auto body = parse_json_object(context.request.body());
  if (!body) return std::unexpected(body.error());
  FieldErrors errors;
  JsonFields fields(*body, errors);
  NewVendor wanted{fields.required_text("name").value_or(""), read_account_fields(*body, fields, errors), {}};
  if (const auto* const owner = fields.object("owner")) {
    JsonFields owner_fields(*owner, errors);
    auto email = owner_fields.required_text("email").value_or("");
    auto name = owner_fields.text("name").value_or(email.substr(0, email.find('@')));
    wanted.owner = NewVendor::Owner{std::move(email), std::move(name)};
  }
  if (errors.any()) return std::move(errors).error();
  return wanted;
}

awaitable<http::Response> open_without_owner(Context& context, NewVendor wanted) {
  auto& services = context.services;
  const auto id = co_await open_account(services, context.caller, AccountType::kVendor,
                                        std::move(wanted.name), std::move(wanted.fields));
  if (!id) co_return error_response(id.error());
  auto read = [&services, &id, viewer = context.caller.account]() -> Result<json::object> {
    const auto row = services.directory.account(*id);
    if (!row) return fail(ErrorKind::kNotFound, "Account not found.");
    return represent_account(services, *row, viewer);
  };
  const auto account = co_await services.blocking.run(std::move(read));
  co_return account ? json_response(201, *account) : error_response(account.error());
}

awaitable<http::Response> open_with_owner(Context& context, NewVendor wanted, NewVendor::Owner first) {
  auto& services = context.services;
  const auto opened =
      co_await open_vendor_account(services, context.caller, std::move(wanted.name), std::move(wanted.fields),
                                   std::move(first.email), std::move(first.name));
  if (!opened) co_return error_response(opened.error());
  auto read = [&services, &opened, viewer = context.caller.account]() -> Result<json::object> {
    const auto row = services.directory.account(opened->account);
    const auto user = services.directory.user(opened->owner.id);
    if (!row || !user) return fail(ErrorKind::kNotFound, "Account not found.");
    auto account = represent_account(services, *row, viewer);
    auto owner = represent_user(services, *user, viewer);
    const auto& password = opened->owner.password;
    owner["password"] = password.empty() ? json::value(nullptr) : json::value(password);
    account["owner"] = std::move(owner);
    return account;
  };
  const auto account = co_await services.blocking.run(std::move(read));
  if (!account) co_return error_response(account.error());
  auto response = json_response(201, *account);
  response.headers.emplace_back("Cache-Control", "no-store");
  add_position(response, opened->owner.position);
  co_return response;
}

}  // namespace

awaitable<http::Response> list_accounts(Context& context) {
  const auto wanted = parse_list_query(context.request.query());
  if (!wanted) co_return error_response(wanted.error());
  auto read = [&context] { return read_own_account(context); };
  auto account = co_await context.services.blocking.run(std::move(read));
  if (!account) co_return error_response(account.error());
  json::array accounts;
  accounts.push_back(std::move(*account));
  co_return respond_with_list(std::move(accounts), account_fields, *wanted);
}

awaitable<http::Response> get_account(Context& context) {
  auto read = [&context] { return read_own_account(context); };
  const auto account = co_await context.services.blocking.run(std::move(read));
  co_return account ? json_response(200, *account) : error_response(account.error());
}

awaitable<http::Response> update_account(Context& context) {
  auto input = read_account_update(context);
  if (!input) co_return error_response(input.error());
  const auto changed = co_await update_account(context.services, context.caller, std::move(*input));
  if (!changed) co_return error_response(changed.error());
  auto read = [&context] { return read_own_account(context); };
  const auto account = co_await context.services.blocking.run(std::move(read));
  if (!account) co_return error_response(account.error());
  auto response = json_response(200, *account);
  add_position(response, changed->position);
  co_return response;
}

// Without an owner the account is empty until the operator adds one.
awaitable<http::Response> create_account(Context& context) {
  if (context.caller.account.type() != AccountType::kProvider) {
    co_return error_response(
        Error{ErrorKind::kForbidden, {"Only a provider's owners open accounts; ask the operator."}});
  }
  auto wanted = read_new_vendor(context);
  if (!wanted) co_return error_response(wanted.error());
  if (!wanted->owner) co_return co_await open_without_owner(context, std::move(*wanted));
  auto owner = std::move(*wanted->owner);
  co_return co_await open_with_owner(context, std::move(*wanted), std::move(owner));
}

awaitable<http::Response> delete_account(Context& context) {
  const auto position = co_await close_account(context.services, context.caller);
  if (!position) co_return error_response(position.error());
  http::Response response;
  add_position(response, *position);
  co_return response;
}

}  // namespace mintmark
