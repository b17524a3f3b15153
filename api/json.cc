#include "api/json.h"

#include <boost/json/stream_parser.hpp>

#include "domain/limits.h"

namespace mintmark {

namespace json = boost::json;

Result<json::value> parse_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = limits::json_depth_max;
  json::stream_parser parser(json::storage_ptr(), options);
  boost::system::error_code code;
  const auto read = parser.write_some(text, code);
  if (!code && read < text.size() && text.find_first_not_of(" \t\r\n", read) != std::string_view::npos) {
    code = json::error::extra_data;
  }
  if (!code) parser.finish(code);
  if (code) {
    return fail(ErrorKind::kInvalid,
                fmt::format("body: Not valid JSON near byte {}: {}.", read, code.message()));
  }
  return parser.release();
}

Result<json::object> parse_json_object(std::string_view text) {
  auto value = parse_json(text);
  if (!value) return std::unexpected(std::move(value.error()));
  if (!value->is_object()) return fail(ErrorKind::kInvalid, "body: Must be a JSON object.");
  return std::move(value->as_object());
}

std::optional<std::string> JsonFields::text(std::string_view name, bool nullable) {
  const auto* value = object_.if_contains(name);
  if (!value) return std::nullopt;
  if (value->is_null() && nullable) return "";
  if (!value->is_string()) {
    errors_.add(name, "Must be a string.");
    return std::nullopt;
  }
  return std::string(value->as_string());
}

std::optional<std::string> JsonFields::required_text(std::string_view name) {
  if (!object_.contains(name)) {
    errors_.add(name, "This field is required.");
    return std::nullopt;
  }
  return text(name);
}

std::optional<Time> JsonFields::time(std::string_view name) {
  const auto* value = object_.if_contains(name);
  if (!value || value->is_null()) return std::nullopt;
  const auto time = value->is_string() ? parse_time(value->as_string()) : std::nullopt;
  if (!time) errors_.add(name, "Must be a date in ISO 8601, such as 2030-01-31T12:00:00+00:00.");
  return time;
}

std::optional<bool> JsonFields::boolean(std::string_view name) {
  const auto* value = object_.if_contains(name);
  if (!value) return std::nullopt;
  if (!value->is_bool()) {
    errors_.add(name, "Must be true or false.");
    return std::nullopt;
  }
  return value->as_bool();
}

std::optional<std::int64_t> JsonFields::integer(std::string_view name, std::int64_t min, std::int64_t max) {
  const auto* value = object_.if_contains(name);
  if (!value) return std::nullopt;
  boost::system::error_code code;
  const auto number = value->is_number() ? value->to_number<std::int64_t>(code) : min - 1;
  if (code || number < min || number > max) {
    errors_.add(name, fmt::format("Must be a whole number from {} to {}.", min, max));
    return std::nullopt;
  }
  return number;
}

std::optional<std::vector<std::string>> JsonFields::texts(std::string_view name) {
  if (!object_.contains(name)) return std::nullopt;
  const auto* items = array(name);
  if (!items && !object_.at(name).is_null()) return std::nullopt;
  std::vector<std::string> texts;
  if (!items) return texts;
  for (const auto& item : *items) {
    if (!item.is_string()) {
      errors_.add(name, "Every item must be a string.");
      return std::nullopt;
    }
    texts.emplace_back(item.as_string());
  }
  return texts;
}

std::optional<std::vector<std::string>> JsonFields::ids(std::string_view name) {
  if (!object_.contains(name)) return std::nullopt;
  const auto* items = array(name);
  if (!items && !object_.at(name).is_null()) return std::nullopt;
  std::vector<std::string> ids;
  if (!items) return ids;
  for (const auto& item : *items) {
    const auto* id = item.is_object() ? item.as_object().if_contains("id") : nullptr;
    if (!id || !id->is_string()) {
      errors_.add(name, "Every item must be an object with an id.");
      return std::nullopt;
    }
    ids.emplace_back(id->as_string());
  }
  return ids;
}

const json::array* JsonFields::array(std::string_view name) {
  const auto* value = object_.if_contains(name);
  if (!value || value->is_null()) return nullptr;
  if (!value->is_array()) {
    errors_.add(name, "Must be an array.");
    return nullptr;
  }
  return &value->as_array();
}

const json::object* JsonFields::object(std::string_view name) {
  const auto* value = object_.if_contains(name);
  if (!value || value->is_null()) return nullptr;
  if (!value->is_object()) {
    errors_.add(name, "Must be an object.");
    return nullptr;
  }
  return &value->as_object();
}

}  // namespace mintmark
