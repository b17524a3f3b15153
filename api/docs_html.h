#pragma once

#include <string>

#include <boost/json/object.hpp>

namespace mintmark {

// An OpenAPI 3.0 document as one page of HTML: an index, each operation under its operationId as anchor, each
// schema under its name. Takes the parts of OpenAPI that our own document uses; throws
// boost::system::system_error or std::out_of_range where a part that it needs is missing.
std::string render_docs(const boost::json::object& document);

}  // namespace mintmark
