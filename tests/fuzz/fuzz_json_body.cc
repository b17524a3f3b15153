#include <cstddef>
#include <cstdint>
#include <string_view>

#include <boost/json/serialize.hpp>

#include "api/json.h"
#include "api/replay.h"
#include "tests/fuzz/require.h"

// A body of any bytes is an object or refused; its fields, read as a token's, are of the right kind or
// absent.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mintmark;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto body = parse_json_object(text);
  if (!body) {
    testing::require(body.error().kind == ErrorKind::kInvalid, "what is no object is invalid");
    testing::require(body.error().messages.size() == 1, "with one message");
    return 0;
  }
  FieldErrors errors;
  JsonFields fields(*body, errors);
  const auto name = fields.required_text("name");
  fields.text("description", true);
  fields.time("expiration_date");
  if (const auto* extension = fields.object("extension")) JsonFields(*extension, errors).text("id");
  testing::require(name.has_value() || errors.any(), "a required field that is absent is an error");
  testing::require(parse_json_object(boost::json::serialize(*body)).has_value(), "a body is read back");
  static_cast<void>(ReplayOptions::parse(*body));
  return 0;
}
