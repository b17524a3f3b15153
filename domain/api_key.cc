#include "domain/api_key.h"

#include <cstddef>

namespace mintmark {
namespace {

constexpr std::size_t token_id_length = 14;  // SU-NNN-NNN-NNN

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::optional<Secret> Secret::parse(std::string_view hex) {
  Secret secret{};
  if (hex.size() != secret.bytes.size() * 2) return std::nullopt;
  for (std::size_t i = 0; i < secret.bytes.size(); ++i) {
    const int high = hex_digit(hex[2 * i]);
    const int low = hex_digit(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    secret.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return secret;
}

std::string Secret::hex() const {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const auto byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::optional<ApiKey> ApiKey::parse(std::string_view text) {
  if (text.size() <= token_id_length || text[token_id_length] != ':') return std::nullopt;
  const auto id = TokenId::parse(text.substr(0, token_id_length));
  if (!id) return std::nullopt;
  const auto secret = Secret::parse(text.substr(token_id_length + 1));
  if (!secret) return std::nullopt;
  return ApiKey{*id, *secret};
}

std::optional<ApiKey> parse_authorization(std::string_view value) {
  constexpr std::string_view scheme = "apikey";
  if (value.size() <= scheme.size()) return std::nullopt;
  for (std::size_t i = 0; i < scheme.size(); ++i) {
    const char c = value[i];
    const char lower = (c >= 'A' && c <= 'Z') ? static_cast<char>(c - 'A' + 'a') : c;
    if (lower != scheme[i]) return std::nullopt;
  }
  value.remove_prefix(scheme.size());
  const auto start = value.find_first_not_of(' ');
  if (start == 0 || start == std::string_view::npos) return std::nullopt;
  return ApiKey::parse(value.substr(start));
}

}  // namespace mintmark
