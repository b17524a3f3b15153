#include <boost/json/array.hpp>

#include "api/errors.h"
#include "api/handlers.h"
#include "api/json.h"
#include "api/list_response.h"
#include "api/representation.h"
#include "api/user_service.h"
#include "domain/account.h"

namespace mintmark {
namespace {

namespace json = boost::json;

Result<json::object> read_own_account(const Context& context) {
  const auto row = context.services.directory.account(context.caller.account);
  if (!row) return fail(ErrorKind::kNotFound, "Account not found.");
  return represent_account(context.services, *row);
}

Result<UpdateAccount> read_update(const Context& context) {
  const auto body = parse_json_object(context.request.body());
  if (!body) return std::unexpected(body.error());
  FieldErrors errors;
  JsonFields fields(*body, errors);
  UpdateAccount update{fields.text("name"), fields.text("description", true), fields.text("external_id"),
                       fields.text("brand")};
  if (errors.any()) return std::move(errors).error();
  return update;
}

}  // namespace

Result<void> check_own_account(const Context& context) {
  if (context.parameters[0] == context.caller.account.text()) return {};
  return fail(ErrorKind::kNotFound, "Account not found.");
}

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
  const auto own = check_own_account(context);
  if (!own) co_return error_response(own.error());
  auto read = [&context] { return read_own_account(context); };
  const auto account = co_await context.services.blocking.run(std::move(read));
  co_return account ? json_response(200, *account) : error_response(account.error());
}

awaitable<http::Response> update_account(Context& context) {
  const auto own = check_own_account(context);
  if (!own) co_return error_response(own.error());
  auto update = read_update(context);
  if (!update) co_return error_response(update.error());
  const auto changed = co_await update_account(context.services, context.caller, std::move(*update));
  if (!changed) co_return error_response(changed.error());
  auto read = [&context] { return read_own_account(context); };
  const auto account = co_await context.services.blocking.run(std::move(read));
  if (!account) co_return error_response(account.error());
  auto response = json_response(200, *account);
  add_position(response, changed->position);
  co_return response;
}

}  // namespace mintmark
