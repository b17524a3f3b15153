#include <limits>

#include <boost/json/array.hpp>

#include "api/errors.h"
#include "api/extension_service.h"
#include "api/handlers.h"
#include "api/json.h"
#include "api/list_response.h"
#include "api/representation.h"
#include "domain/limits.h"

namespace mintmark {
namespace {

namespace json = boost::json;

// The account's own extension in the path, to be changed. What everybody has is nobody's to change.
Result<ExtensionId> own_extension_in_path(const Context& context) {
  const auto id = ExtensionId::parse(context.parameters[0]);
  if (!id) return not_found("Extension");
  if (id->is_built_in())
    return fail(ErrorKind::kForbidden, "This extension is built in and does not change.");
  return *id;
}

StringList list_of(const std::vector<std::string>& values) {
  StringList list;
  for (const auto& value : values) list.add_values(value);
  return list;
}

// {"account": {"tokens": 5}}; without a number there is no limit.
void read_constraints(JsonFields& fields, FieldErrors& errors, ExtensionDetails& details) {
  const auto* constraints = fields.object("constraints");
  if (!constraints) return;
  auto& wanted = *details.mutable_constraints();
  const auto* account = JsonFields(*constraints, errors).object("account");
  if (!account) return;
  const auto tokens = JsonFields(*account, errors).integer("tokens", 0, limits::extension_tokens_max);
  if (tokens) wanted.set_account_tokens(static_cast<std::uint32_t>(*tokens));
}

void check_owner(const Context& context, JsonFields& fields, FieldErrors& errors) {
  const auto* owner = fields.object("owner");
  if (!owner) return;
  const auto id = JsonFields(*owner, errors).text("id");
  if (id && *id != context.caller.account.text()) errors.add("owner", "There is no such account.");
}

// Members that are not a client's to set, such as `system`, are ignored: clients send back whole objects.
Result<ExtensionDetails> read_details(const Context& context) {
  const auto body = parse_json_object(context.request.body());
  if (!body) return std::unexpected(body.error());
  using Number = std::numeric_limits<std::int32_t>;
  FieldErrors errors;
  JsonFields fields(*body, errors);
  ExtensionDetails details;
  if (const auto text = fields.text("name")) details.set_name(*text);
  if (const auto text = fields.text("description")) details.set_description(*text);
  if (const auto text = fields.text("external_id", true)) details.set_external_id(*text);
  if (const auto text = fields.text("subtitle", true)) details.set_subtitle(*text);
  if (const auto text = fields.text("overview", true)) details.set_overview(*text);
  if (const auto text = fields.text("portal")) details.set_portal(*text);
  if (const auto text = fields.text("status")) details.set_status(*text);
  if (const auto flag = fields.boolean("featured")) details.set_featured(*flag);
  if (const auto number = fields.integer("priority", Number::min(), Number::max())) {
    details.set_priority(static_cast<std::int32_t>(*number));
  }
  if (const auto texts = fields.texts("websites")) *details.mutable_websites() = list_of(*texts);
  if (const auto ids = fields.ids("categories")) *details.mutable_categories() = list_of(*ids);
  if (const auto ids = fields.ids("industries")) *details.mutable_industries() = list_of(*ids);
  read_constraints(fields, errors, details);
  check_owner(context, fields, errors);
  if (errors.any()) return std::move(errors).error();
  return details;
}

Result<json::object> read_extension(Services& services, AccountId account, ExtensionId id) {
  if (id.is_built_in()) return represent_extension(id == ExtensionId::zapier() ? ZAPIER : CUSTOM);
  const auto row = services.extensions.find(id);
  if (!row || row->deleted() || row->account_id() != account.text()) return not_found("Extension");
  NameCache names(services, account);
  return represent_extension(names, *row);
}

awaitable<http::Response> answer_extension(Context& context, int status, Result<ChangedExtension> changed) {
  if (!changed) co_return error_response(changed.error());
  auto& services = context.services;
  auto read = [&services, account = context.caller.account, id = changed->id] {
    return read_extension(services, account, id);
  };
  const auto extension = co_await services.blocking.run(std::move(read));
  if (!extension) co_return error_response(extension.error());
  auto response = json_response(status, *extension);
  add_position(response, changed->position);
  co_return response;
}

}  // namespace

// Those that everybody has, and the account's own.
awaitable<http::Response> list_extensions(Context& context) {
  const auto wanted = parse_list_query(context.request.query());
  if (!wanted) co_return error_response(wanted.error());
  auto read = [&context, &wanted]() -> Result<http::Response> {
    json::array extensions;
    for (const auto extension : {CUSTOM, ZAPIER}) extensions.push_back(represent_extension(extension));
    NameCache names(context.services, context.caller.account);
    for (const auto& row : context.services.extensions.of(context.caller.account)) {
      extensions.push_back(represent_extension(names, row));
    }
    return respond_with_list(std::move(extensions), extension_fields, *wanted);
  };
  co_return co_await context.services.scans.answer(context.caller.account, std::move(read));
}

awaitable<http::Response> create_extension(Context& context) {
  auto details = read_details(context);
  if (!details) co_return error_response(details.error());
  auto created = co_await create_extension(context.services, context.caller, std::move(*details));
  co_return co_await answer_extension(context, 201, std::move(created));
}

awaitable<http::Response> get_extension(Context& context) {
  const auto id = ExtensionId::parse(context.parameters[0]);
  if (!id) co_return error_response(not_found("Extension").error());
  co_return co_await answer_extension(context, 200, ChangedExtension{*id, 0});
}

awaitable<http::Response> update_extension(Context& context) {
  const auto id = own_extension_in_path(context);
  if (!id) co_return error_response(id.error());
  auto details = read_details(context);
  if (!details) co_return error_response(details.error());
  auto changed = co_await update_extension(context.services, context.caller, *id, std::move(*details));
  co_return co_await answer_extension(context, 200, std::move(changed));
}

awaitable<http::Response> delete_extension(Context& context) {
  const auto id = own_extension_in_path(context);
  if (!id) co_return error_response(id.error());
  const auto deleted = co_await delete_extension(context.services, context.caller, *id);
  if (!deleted) co_return error_response(deleted.error());
  http::Response response;
  add_position(response, deleted->position);
  co_return response;
}

}  // namespace mintmark
