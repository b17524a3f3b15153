#include <boost/json/array.hpp>

#include "api/errors.h"
#include "api/handlers.h"
#include "api/list_response.h"
#include "api/representation.h"

namespace mintmark {

// The extensions are the kinds of token there are: fixed, so nothing is read.
awaitable<http::Response> list_extensions(Context& context) {
  const auto wanted = parse_list_query(context.request.query());
  if (!wanted) co_return error_response(wanted.error());
  boost::json::array extensions;
  for (const auto extension : {CUSTOM, ZAPIER}) extensions.push_back(represent_extension(extension));
  co_return respond_with_list(std::move(extensions), extension_fields, *wanted);
}

awaitable<http::Response> get_extension(Context& context) {
  for (const auto extension : {CUSTOM, ZAPIER}) {
    if (context.parameters[0] == extension_id(extension))
      co_return json_response(200, represent_extension(extension));
  }
  co_return error_response(Error{ErrorKind::kNotFound, {"Extension not found."}});
}

}  // namespace mintmark
