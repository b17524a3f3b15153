#pragma once

#include <string>
#include <string_view>

#include <boost/json/object.hpp>

namespace mintmark {

// An event as EventRepresentation shows it, as a line of a table (RFC 4180), and the line that names the
// columns. What a spreadsheet would take for a formula begins with an apostrophe.
std::string csv_event(const boost::json::object& event);
std::string csv_header();
// A text as a field of such a line.
std::string csv_field(std::string_view text);

}  // namespace mintmark
