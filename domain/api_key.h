#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "domain/ids.h"

namespace mintmark {

// 160 random bits that grant access: the right half of an API key, or a Zapier handle. Printed as 40
// lower-case hex characters. Never log or store one in clear.
struct Secret {
  std::array<std::uint8_t, 20> bytes;

  // Exactly 40 characters 0-9a-f, else nothing.
  static std::optional<Secret> parse(std::string_view hex);
  std::string hex() const;
};

// The left half names the token, the right half proves it: SU-160-984-824:8c8e….
struct ApiKey {
  TokenId id;
  Secret secret;

  static std::optional<ApiKey> parse(std::string_view text);
  std::string text() const { return id.text() + ':' + secret.hex(); }
};

// Reads an Authorization header's value, "ApiKey SU-…:…". The scheme's case does not matter (RFC 9110,
// 11.1), one or more spaces follow it; anything else gives nothing. Neither allocates nor throws.
std::optional<ApiKey> parse_authorization(std::string_view value);

}  // namespace mintmark
