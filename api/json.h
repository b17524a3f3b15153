#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "domain/error.h"
#include "domain/fields.h"
#include "domain/time.h"

namespace mintmark {

// A request's body as a JSON object (RFC 8259), at most limits::json_depth_max deep; of members with one name
// the last counts. kInvalid otherwise, naming the place.
Result<boost::json::object> parse_json_object(std::string_view text);

// The same of any JSON value.
Result<boost::json::value> parse_json(std::string_view text);

// Reads the members of a body; what is wrong with one goes to `errors` and reads as absent. Members that
// nobody asks for are ignored: clients send back whole objects.
class JsonFields {
 public:
  JsonFields(const boost::json::object& object, FieldErrors& errors) : object_(object), errors_(errors) {}

  // A string; null where `nullable` reads as empty.
  std::optional<std::string> text(std::string_view name, bool nullable = false);
  std::optional<std::string> required_text(std::string_view name);
  // A date; null reads as absent.
  std::optional<Time> time(std::string_view name);
  // true or false.
  std::optional<bool> boolean(std::string_view name);
  // A whole number from `min` to `max`.
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t min, std::int64_t max);
  // An array of strings; null reads as an empty one.
  std::optional<std::vector<std::string>> texts(std::string_view name);
  // The ids in an array of objects that have one, [{"id": "…"}, …]; null reads as an empty one.
  std::optional<std::vector<std::string>> ids(std::string_view name);
  // The member as an array; null reads as absent.
  const boost::json::array* array(std::string_view name);
  // The member as an object.
  const boost::json::object* object(std::string_view name);

 private:
  const boost::json::object& object_;
  FieldErrors& errors_;
};

}  // namespace mintmark
