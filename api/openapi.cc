#include "api/openapi.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "api/docs_html.h"

// The assembler takes the bytes in as they are, which costs no compile time.
__asm__(".section .rodata\n.global mintmark_openapi\nmintmark_openapi:\n.incbin \"" MINTMARK_OPENAPI_FILE
        "\"\n.global mintmark_openapi_end\nmintmark_openapi_end:\n"
        ".global mintmark_docs_style\nmintmark_docs_style:\n.incbin \"" MINTMARK_DOCS_STYLE_FILE
        "\"\n.global mintmark_docs_style_end\nmintmark_docs_style_end:\n.text\n");
extern "C" {
extern const char mintmark_openapi[];
extern const char mintmark_openapi_end[];
extern const char mintmark_docs_style[];
extern const char mintmark_docs_style_end[];
}

namespace mintmark {
namespace {

namespace json = boost::json;

json::object make_document() {
  auto document = json::parse(std::string_view(mintmark_openapi, mintmark_openapi_end)).as_object();
  document.at("info").as_object()["version"] = MINTMARK_VERSION;
  return document;
}

}  // namespace

const std::string& openapi_document() {
  static const std::string text = json::serialize(make_document());
  return text;
}

const std::string& docs_page() {
  static const std::string page = render_docs(make_document());
  return page;
}

std::string_view docs_style() {
  return {mintmark_docs_style, mintmark_docs_style_end};
}

}  // namespace mintmark
