#pragma once

#include <string>
#include <string_view>

// The OpenAPI 3.0 document (api/openapi.json) and what is made of it. tests/api/openapi_test.cc holds it to
// the routes and to the published contract. Thread-safe, without I/O: the files are part of the program.
namespace mintmark {

// The document with the program's version in it, as JSON.
const std::string& openapi_document();

// The same as a page of HTML, without a script, and its style.
const std::string& docs_page();
std::string_view docs_style();

}  // namespace mintmark
