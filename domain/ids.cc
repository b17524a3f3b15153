#include "domain/ids.h"

#include <cassert>

#include <fmt/format.h>

namespace mintmark {
namespace {

// Reads PREFIX-NNN-NNN… with `groups` groups of three digits.
std::optional<std::uint32_t> parse_groups(std::string_view text, std::string_view prefix,
                                          std::size_t groups) {
  if (text.size() != prefix.size() + groups * 4 || !text.starts_with(prefix)) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = prefix.size(); i < text.size(); ++i) {
    const bool dash_expected = (i - prefix.size()) % 4 == 0;
    const char c = text[i];
    if (dash_expected) {
      if (c != '-') return std::nullopt;
    } else {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + static_cast<std::uint32_t>(c - '0');
    }
  }
  return value;
}

}  // namespace

template <class Kind>
NineDigitId<Kind> NineDigitId<Kind>::from_value(std::uint32_t value) {
  assert(value < value_end);
  return NineDigitId(value);
}

template <class Kind>
std::optional<NineDigitId<Kind>> NineDigitId<Kind>::parse(std::string_view text) {
  const auto value = parse_groups(text, Kind::prefix, 3);
  if (!value) return std::nullopt;
  return NineDigitId(*value);
}

template <class Kind>
std::string NineDigitId<Kind>::text() const {
  return fmt::format("{}-{:03}-{:03}-{:03}", Kind::prefix, value_ / 1'000'000, value_ / 1000 % 1000,
                     value_ % 1000);
}

template class NineDigitId<TokenIdKind>;
template class NineDigitId<UserIdKind>;
template class NineDigitId<WebhookIdKind>;

AccountId AccountId::from_value(AccountType type, std::uint32_t value) {
  assert(value < value_end);
  return AccountId(type == AccountType::kVendor ? value : value_end + value);
}

AccountId AccountId::from_code(std::uint32_t code) {
  assert(code < 2 * value_end);
  return AccountId(code);
}

std::optional<AccountId> AccountId::parse(std::string_view text) {
  if (const auto vendor = parse_groups(text, "VA", 2)) return from_value(AccountType::kVendor, *vendor);
  if (const auto provider = parse_groups(text, "PA", 2)) return from_value(AccountType::kProvider, *provider);
  return std::nullopt;
}

std::string AccountId::text() const {
  const auto value = code_ % value_end;
  return fmt::format("{}-{:03}-{:03}", type() == AccountType::kVendor ? "VA" : "PA", value / 1000,
                     value % 1000);
}

ExtensionId ExtensionId::from_value(std::uint32_t value) {
  assert(value >= own_begin && value < value_end);
  return ExtensionId(value);
}

std::optional<ExtensionId> ExtensionId::parse(std::string_view text) {
  for (const auto id : {custom(), zapier()}) {
    if (text == id.text()) return id;
  }
  const auto value = parse_groups(text, "EXT", 2);
  if (!value || *value < own_begin) return std::nullopt;
  return ExtensionId(*value);
}

std::string ExtensionId::text() const {
  if (is_built_in()) return fmt::format("EXT-{:03}", value_);
  return fmt::format("EXT-{:03}-{:03}", value_ / 1000, value_ % 1000);
}

std::string stream_of(TokenId id) {
  return "token-" + id.text();
}
std::string stream_of(UserId id) {
  return "user-" + id.text();
}
std::string stream_of(AccountId id) {
  return "account-" + id.text();
}
std::string stream_of(WebhookId id) {
  return "webhook-" + id.text();
}
std::string stream_of(ExtensionId id) {
  return "extension-" + id.text();
}

}  // namespace mintmark
