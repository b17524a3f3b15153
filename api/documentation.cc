#include "api/handlers.h"
#include "api/openapi.h"

namespace mintmark {
namespace {

// A page that may load its own style and nothing else, in nobody's frame.
constexpr std::string_view page_security_policy =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

http::Response page(std::string_view content_type, std::string_view body) {
  http::Response response{200, std::string(content_type), std::string(body), {}};
  response.headers.emplace_back("Cache-Control", "no-cache");
  response.headers.emplace_back("Content-Security-Policy", page_security_policy);
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  return response;
}

}  // namespace

awaitable<http::Response> get_openapi(Context&) {
  co_return page("application/json", openapi_document());
}

awaitable<http::Response> get_docs(Context&) {
  co_return page("text/html; charset=utf-8", docs_page());
}

awaitable<http::Response> get_docs_style(Context&) {
  co_return page("text/css; charset=utf-8", docs_style());
}

}  // namespace mintmark
