#include <boost/json/array.hpp>

#include "api/errors.h"
#include "api/handlers.h"
#include "api/list_response.h"
#include "api/module_table.h"

namespace mintmark {
namespace {

boost::json::object represent(const Module& module) {
  return {{"id", module_id(module.number)}, {"name", module.name}};
}

}  // namespace

awaitable<http::Response> list_modules(Context& context) {
  const auto query = parse_list_query(context.request.query());
  if (!query) co_return error_response(query.error());
  boost::json::array all;
  for (const auto& module : context.services.modules.modules()) all.push_back(represent(module));
  co_return respond_with_list(std::move(all), module_fields, *query);
}

awaitable<http::Response> get_module(Context& context) {
  const auto number = parse_module_id(context.parameters[0]);
  const auto* const module = number ? context.services.modules.find(*number) : nullptr;
  if (!module) co_return error_response(Error{ErrorKind::kNotFound, {"Module not found."}});
  co_return json_response(200, represent(*module));
}

}  // namespace mintmark
