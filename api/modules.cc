#include <boost/json/array.hpp>

#include "api/errors.h"
#include "api/handlers.h"
#include "api/list_query.h"
#include "api/module_table.h"

namespace mintmark {
namespace {

boost::json::object represent(const Module& module) {
  return {{"id", module_id(module.number)}, {"name", module.name}};
}

}  // namespace

awaitable<http::Response> list_modules(Context& context) {
  const auto wanted = parse_page_request(context.request.query());
  if (!wanted) co_return error_response(wanted.error());
  boost::json::array all;
  for (const auto& module : context.services.modules.modules()) all.push_back(represent(module));
  const auto total = all.size();
  co_return list_response(slice_of(std::move(all), *wanted), *wanted, total);
}

awaitable<http::Response> get_module(Context& context) {
  const auto number = parse_module_id(context.parameters[0]);
  const auto* const module = number ? context.services.modules.find(*number) : nullptr;
  if (!module) co_return error_response(Error{ErrorKind::kNotFound, {"Module not found."}});
  co_return json_response(200, represent(*module));
}

}  // namespace mintmark
