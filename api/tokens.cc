#include <boost/json/array.hpp>

#include "api/authentication.h"
#include "api/errors.h"
#include "api/handle_exchange.h"
#include "api/handlers.h"
#include "api/json.h"
#include "api/representation.h"
#include "api/token_page.h"
#include "api/token_service.h"

namespace mintmark {
namespace {

namespace json = boost::json;

// {"id": "EXT-000"} or {"name": "custom"}, or both if they agree.
struct ExtensionReference {
  std::optional<std::string> id;
  std::optional<std::string> name;

  bool fits(std::string_view of_id, std::string_view of_name) const {
    return (id || name) && (!id || *id == of_id) && (!name || *name == of_name);
  }
};

std::optional<Extension> find_built_in(const ExtensionReference& reference) {
  for (const auto extension : {CUSTOM, ZAPIER}) {
    if (reference.fits(extension_id(extension), extension_name(extension))) return extension;
  }
  return std::nullopt;
}

// Whether a body names a type that is none of the built-in ones; what is wrong with it is told later.
bool names_own_extension(const json::object& body) {
  FieldErrors ignored;
  const auto* object = JsonFields(body, ignored).object("extension");
  if (!object) return false;
  JsonFields fields(*object, ignored);
  const ExtensionReference reference{fields.text("id"), fields.text("name")};
  return (reference.id || reference.name) && !find_built_in(reference);
}

// `own`: the account's own extensions.
void read_extension(const json::object& body, const std::vector<ExtensionRow>& own, JsonFields& fields,
                    FieldErrors& errors, NewToken& token) {
  if (!body.contains("extension")) return errors.add("extension", "This field is required.");
  const auto* object = fields.object("extension");
  if (!object) {
    if (body.at("extension").is_null()) errors.add("extension", "This field may not be null.");
    return;
  }
  JsonFields members(*object, errors);
  const ExtensionReference reference{members.text("id"), members.text("name")};
  if (const auto built_in = find_built_in(reference)) {
    token.extension = *built_in;
    return;
  }
  for (const auto& row : own) {
    if (!reference.fits(row.extension_id(), row.details().name())) continue;
    token.own_extension = ExtensionId::parse(row.extension_id());
    return;
  }
  errors.add("extension", "There is no such extension.");
}

// An owner may be named, and then it is the caller's own account.
void check_owner(const Context& context, JsonFields& fields, FieldErrors& errors) {
  const auto* owner = fields.object("owner");
  if (!owner) return;
  const auto id = JsonFields(*owner, errors).text("id");
  if (id && *id != context.caller.account.text()) errors.add("owner", "There is no such account.");
}

Result<NewToken> read_new_token(const Context& context, const json::object& body,
                                const std::vector<ExtensionRow>& own) {
  FieldErrors errors;
  JsonFields fields(body, errors);
  NewToken token;
  token.name = fields.required_text("name").value_or("");
  token.description = fields.text("description", true).value_or("");
  token.external_id = fields.text("external_id", true).value_or("");
  token.expires_at = fields.time("expiration_date");
  read_extension(body, own, fields, errors, token);
  check_owner(context, fields, errors);
  if (errors.any()) return std::move(errors).error();
  return token;
}

Result<UpdateToken> read_token_update(const Context& context) {
  const auto body = parse_json_object(context.request.body());
  if (!body) return std::unexpected(body.error());
  FieldErrors errors;
  JsonFields fields(*body, errors);
  UpdateToken update{fields.text("name"), fields.text("description", true), fields.text("external_id", true)};
  if (errors.any()) return std::move(errors).error();
  return update;
}

void put_value(json::object& token, const TokenValue& value, const std::optional<TokenValue>& renewed = {}) {
  if (value.key) token["token"] = value.key->text();
  if (value.handle) token["handle"] = value.handle->hex();
  if (renewed && renewed->key) token["renewed_token"] = renewed->key->text();
  if (renewed && renewed->handle) token["renewed_token"] = renewed->handle->hex();
}

// {"expiration_date": date or null}, or no body.
Result<NewExpiry> read_new_expiry(const Context& context) {
  NewExpiry expiry;
  if (context.request.body().empty()) return expiry;
  const auto body = parse_json_object(context.request.body());
  if (!body) return std::unexpected(body.error());
  FieldErrors errors;
  JsonFields fields(*body, errors);
  expiry.at = fields.time("expiration_date");
  const auto* const date = body->if_contains("expiration_date");
  expiry.never = date && date->is_null();
  if (errors.any()) return std::move(errors).error();
  return expiry;
}

// Looking up the names in a row blocks.
awaitable<Result<json::object>> represent(Services& services, const TokenRow& row) {
  auto read = [&services, &row]() -> Result<json::object> {
    return represent_token(services, row, services.clock.now());
  };
  co_return co_await services.blocking.run(std::move(read));
}

awaitable<http::Response> respond(Services& services, const Result<ChangedToken>& changed) {
  if (!changed) co_return error_response(changed.error());
  const auto token = co_await represent(services, changed->row);
  if (!token) co_return error_response(token.error());
  auto response = json_response(200, *token);
  add_position(response, changed->position);
  co_return response;
}

awaitable<http::Response> respond(Services& services, const Result<TokenWithValue>& changed) {
  if (!changed) co_return error_response(changed.error());
  auto token = co_await represent(services, changed->row);
  if (!token) co_return error_response(token.error());
  put_value(*token, changed->value, changed->renewed);
  auto response = json_response(200, *token);
  response.headers.emplace_back("Cache-Control", "no-store");
  add_position(response, changed->position);
  co_return response;
}

using ChangeStatus = awaitable<Result<ChangedToken>> (*)(Services& services, const Caller& caller,
                                                         TokenId id);

awaitable<http::Response> change_status(Context& context, ChangeStatus change) {
  const auto id = token_in_path(context);
  if (!id) co_return error_response(id.error());
  const auto changed = co_await change(context.services, context.caller, *id);
  co_return co_await respond(context.services, changed);
}

using ReplaceValue = awaitable<Result<TokenWithValue>> (*)(Services& services, const Caller& caller,
                                                           TokenId id, NewExpiry expiry);

awaitable<http::Response> replace_value(Context& context, ReplaceValue replace) {
  const auto id = token_in_path(context);
  if (!id) co_return error_response(id.error());
  const auto expiry = read_new_expiry(context);
  if (!expiry) co_return error_response(expiry.error());
  const auto changed = co_await replace(context.services, context.caller, *id, *expiry);
  co_return co_await respond(context.services, changed);
}

awaitable<http::Response> create(Context& context, const json::object& body) {
  auto& services = context.services;
  std::vector<ExtensionRow> own;
  if (names_own_extension(body)) {
    auto find = [&services, account = context.caller.account]() -> Result<std::vector<ExtensionRow>> {
      return services.extensions.of(account);
    };
    auto found = co_await services.blocking.run(std::move(find));
    if (!found) co_return error_response(found.error());
    own = std::move(*found);
  }
  auto wanted = read_new_token(context, body, own);
  if (!wanted) co_return error_response(wanted.error());
  const auto created = co_await create_token(services, context.caller, std::move(*wanted));
  if (!created) co_return error_response(created.error());
  auto token = co_await represent(services, created->row);
  if (!token) co_return error_response(token.error());
  put_value(*token, created->value);
  auto response = json_response(201, *token);
  response.headers.emplace_back("Cache-Control", "no-store");
  add_position(response, created->position);
  co_return response;
}

// Whatever is wrong with a handle is told in the same words, and counted against who asks.
awaitable<http::Response> exchange(Context& context, const json::object& body) {
  const auto* handle = body.if_contains("handle");
  std::string text = handle && handle->is_string() ? std::string(handle->as_string()) : "";
  const auto exchanged = co_await exchange_handle(context.services, context.caller, std::move(text));
  if (!exchanged) {
    const auto& error = exchanged.error();
    if (error.kind != ErrorKind::kInvalid) co_return error_response(error);
    const auto wait = context.throttle.failed(AuthenticationFailure::kHandle, context.caller.client_ip);
    co_return wait ? too_many_requests(*wait) : error_response(error);
  }
  auto token = co_await represent(context.services, exchanged->row);
  if (!token) co_return error_response(token.error());
  (*token)["token"] = exchanged->secret.hex();
  auto response = json_response(200, *token);
  response.headers.emplace_back("Cache-Control", "no-store");
  add_position(response, exchanged->position);
  co_return response;
}

}  // namespace

Result<TokenId> token_in_path(const Context& context) {
  const auto id = TokenId::parse(context.parameters[0]);
  if (!id) return fail(ErrorKind::kNotFound, "Token not found.");
  return *id;
}

awaitable<http::Response> list_tokens(Context& context) {
  const auto wanted = parse_list_query(context.request.query());
  if (!wanted) co_return error_response(wanted.error());
  auto read = [&context, &wanted]() -> Result<http::Response> {
    return answer_token_list(context.services, context.caller, *wanted);
  };
  auto& services = context.services;
  if (!is_plain(*wanted)) co_return co_await services.scans.answer(context.caller.account, std::move(read));
  auto response = co_await services.blocking.run(std::move(read));
  co_return response ? std::move(*response) : error_response(response.error());
}

// With a name or a type a token is created; without either a partner's token exchanges a handle.
awaitable<http::Response> create_token(Context& context) {
  const auto body = parse_json_object(context.request.body());
  if (body && !body->contains("name") && !body->contains("extension")) {
    const auto partner = co_await is_partner(context.services, context.caller);
    if (!partner) co_return error_response(partner.error());
    if (*partner) co_return co_await exchange(context, *body);
    if (body->contains("handle")) {
      co_return error_response(Error{ErrorKind::kForbidden, {"Only a partner's token exchanges handles."}});
    }
  }
  const auto permitted = check_modules(context.services, context.caller, context.request);
  if (!permitted) co_return error_response(permitted.error());
  if (!body) co_return error_response(body.error());
  co_return co_await create(context, *body);
}

awaitable<http::Response> get_token(Context& context) {
  const auto id = token_in_path(context);
  if (!id) co_return error_response(id.error());
  const auto row = co_await find_token(context.services, context.caller, *id);
  if (!row) co_return error_response(row.error());
  const auto token = co_await represent(context.services, *row);
  co_return token ? json_response(200, *token) : error_response(token.error());
}

awaitable<http::Response> update_token(Context& context) {
  const auto id = token_in_path(context);
  if (!id) co_return error_response(id.error());
  auto update = read_token_update(context);
  if (!update) co_return error_response(update.error());
  const auto changed = co_await update_token(context.services, context.caller, *id, std::move(*update));
  co_return co_await respond(context.services, changed);
}

awaitable<http::Response> activate_token(Context& context) {
  co_return co_await change_status(context, &activate_token);
}

awaitable<http::Response> deactivate_token(Context& context) {
  co_return co_await change_status(context, &deactivate_token);
}

awaitable<http::Response> rotate_token(Context& context) {
  co_return co_await replace_value(context, &rotate_token);
}

awaitable<http::Response> renew_token(Context& context) {
  co_return co_await replace_value(context, &renew_token);
}

awaitable<http::Response> delete_token(Context& context) {
  const auto id = token_in_path(context);
  if (!id) co_return error_response(id.error());
  const auto position = co_await delete_token(context.services, context.caller, *id);
  if (!position) co_return error_response(position.error());
  http::Response response;
  add_position(response, *position);
  co_return response;
}

awaitable<http::Response> reveal_token(Context& context) {
  const auto id = token_in_path(context);
  if (!id) co_return error_response(id.error());
  const auto revealed = co_await reveal_token(context.services, context.caller, *id);
  if (!revealed) co_return error_response(revealed.error());
  json::object body{{"id", id->text()}, {"token", nullptr}, {"handle", nullptr}, {"renewed_token", nullptr}};
  put_value(body, revealed->value, revealed->renewed);
  auto response = json_response(200, body);
  response.headers.emplace_back("Cache-Control", "no-store");
  add_position(response, revealed->position);
  co_return response;
}

}  // namespace mintmark
