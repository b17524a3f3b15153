#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "api/errors.h"
#include "api/handlers.h"
#include "api/json.h"
#include "api/list_response.h"
#include "api/representation.h"
#include "api/token_service.h"

namespace mintmark {
namespace {

namespace json = boost::json;

// The modules that a request may name, as a set of their bits.
std::uint64_t present_modules(const Services& services) {
  std::uint64_t modules = 0;
  for (const auto& module : services.modules.modules()) modules |= module_bit(module.number);
  return modules;
}
constexpr std::uint64_t modules_ever = ~std::uint64_t{0};

// The module that {"object": {"id": "MD-0001"}} or {"id": "TP-160-984-824-0001"} names, as its bit.
std::optional<std::uint64_t> read_permission(std::uint64_t known, TokenId token, const json::value& value,
                                             FieldErrors& errors) {
  if (!value.is_object()) {
    errors.add("permission", "Must be an object.");
    return std::nullopt;
  }
  JsonFields fields(value.as_object(), errors);
  const auto id = fields.text("id");
  const auto* const object = fields.object("object");
  const auto module = object ? JsonFields(*object, errors).required_text("id") : std::nullopt;
  if (object && !module) return std::nullopt;
  if (!id && !module) {
    errors.add("object", "This field is required.");
    return std::nullopt;
  }
  for (std::uint32_t number = 1; number <= module_number_max; ++number) {
    if ((known & module_bit(number)) == 0) continue;
    const bool id_fits = !id || *id == permission_id(token, number);
    const bool module_fits = !module || *module == module_id(number);
    if (id_fits && module_fits) return module_bit(number);
  }
  errors.add("object", "There is no such module.");
  return std::nullopt;
}

// One permission or an array of them, as a set.
Result<std::uint64_t> read_permissions(std::uint64_t known, TokenId token, const json::value& body) {
  FieldErrors errors;
  std::uint64_t modules = 0;
  if (body.is_array()) {
    if (body.as_array().empty()) errors.add("body", "Must name at least one permission.");
    for (const auto& value : body.as_array()) {
      modules |= read_permission(known, token, value, errors).value_or(std::uint64_t{0});
    }
  } else {
    modules = read_permission(known, token, body, errors).value_or(0);
  }
  if (errors.any()) return std::move(errors).error();
  return modules;
}

// Looking up who granted them blocks.
awaitable<Result<json::array>> represent(const Context& context, const TokenRow& row) {
  auto read = [&context, &row]() -> Result<json::array> {
    NameCache names(context.services, context.caller.account);
    return represent_permissions(names, row);
  };
  co_return co_await context.services.blocking.run(std::move(read));
}

}  // namespace

awaitable<http::Response> list_permissions(Context& context) {
  const auto id = token_in_path(context);
  if (!id) co_return error_response(id.error());
  const auto query = parse_list_query(context.request.query());
  if (!query) co_return error_response(query.error());
  const auto row = co_await find_token(context.services, context.caller, *id);
  if (!row) co_return error_response(row.error());
  auto all = co_await represent(context, *row);
  if (!all) co_return error_response(all.error());
  co_return respond_with_list(std::move(*all), token_permission_fields, *query);
}

awaitable<http::Response> grant_permissions(Context& context) {
  const auto id = token_in_path(context);
  if (!id) co_return error_response(id.error());
  const auto body = parse_json(context.request.body());
  if (!body) co_return error_response(body.error());
  const auto modules = read_permissions(present_modules(context.services), *id, *body);
  if (!modules) co_return error_response(modules.error());
  const auto changed = co_await grant_permissions(context.services, context.caller, *id, *modules);
  if (!changed) co_return error_response(changed.error());
  auto held = co_await represent(context, changed->row);
  if (!held) co_return error_response(held.error());
  json::array granted;
  for (auto& permission : *held) {
    const auto& module = permission.as_object().at("object").as_object().at("id").as_string();
    if ((*modules & module_bit(parse_module_id(module).value())) != 0)
      granted.push_back(std::move(permission));
  }
  const json::value answer =
      body->is_array() || granted.empty() ? json::value(std::move(granted)) : granted.front();
  http::Response response{201, "application/json", json::serialize(answer), {}};
  add_position(response, changed->position);
  co_return response;
}

awaitable<http::Response> revoke_permissions(Context& context) {
  const auto id = token_in_path(context);
  if (!id) co_return error_response(id.error());
  const auto body = parse_json(context.request.body());
  if (!body) co_return error_response(body.error());
  if (!body->is_array()) {
    co_return error_response(Error{ErrorKind::kInvalid, {"body: Must be a JSON array of permissions."}});
  }
  const auto modules = read_permissions(modules_ever, *id, *body);
  if (!modules) co_return error_response(modules.error());
  const auto known = present_modules(context.services);
  const auto changed = co_await revoke_permissions(context.services, context.caller, *id, {*modules, known});
  if (!changed) co_return error_response(changed.error());
  http::Response response;
  add_position(response, changed->position);
  co_return response;
}

}  // namespace mintmark
