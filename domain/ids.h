#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

// Ids as the contract prints them (CONTRACT.md, Objects). Each is its own type, so that none can be passed
// for another; each is printed by text() and read by parse() alone. Leading zeros count: an id is its digits.
namespace mintmark {

// An id of nine digits in groups of three behind a two-letter prefix: SU-160-984-824.
template <class Kind>
class NineDigitId {
 public:
  static constexpr std::uint32_t value_end = 1'000'000'000;

  // value must be below value_end.
  static NineDigitId from_value(std::uint32_t value);
  static std::optional<NineDigitId> parse(std::string_view text);

  std::string text() const;
  std::uint32_t value() const { return value_; }

  auto operator<=>(const NineDigitId&) const = default;

 private:
  explicit NineDigitId(std::uint32_t value) : value_(value) {}
  std::uint32_t value_;
};

struct TokenIdKind {
  static constexpr std::string_view prefix = "SU";
};
struct UserIdKind {
  static constexpr std::string_view prefix = "UR";
};
struct WebhookIdKind {
  static constexpr std::string_view prefix = "WH";
};
using TokenId = NineDigitId<TokenIdKind>;
using UserId = NineDigitId<UserIdKind>;
using WebhookId = NineDigitId<WebhookIdKind>;
extern template class NineDigitId<TokenIdKind>;
extern template class NineDigitId<UserIdKind>;
extern template class NineDigitId<WebhookIdKind>;

enum class AccountType : std::uint8_t { kVendor, kProvider };

// VA-NNN-NNN for a vendor, PA-NNN-NNN for a provider.
class AccountId {
 public:
  static constexpr std::uint32_t value_end = 1'000'000;

  // value must be below value_end.
  static AccountId from_value(AccountType type, std::uint32_t value);
  static std::optional<AccountId> parse(std::string_view text);

  std::string text() const;
  AccountType type() const { return code_ < value_end ? AccountType::kVendor : AccountType::kProvider; }

  // A number below 2 * value_end that stands for type and digits; from_code takes it back.
  std::uint32_t code() const { return code_; }
  static AccountId from_code(std::uint32_t code);

  auto operator<=>(const AccountId&) const = default;

 private:
  explicit AccountId(std::uint32_t code) : code_(code) {}
  std::uint32_t code_;
};

// EXT-000 and EXT-001 for the extensions that everybody has, EXT-NNN-NNN for an account's own. Ids are
// ordered as their texts are.
class ExtensionId {
 public:
  static constexpr std::uint32_t own_begin = 2'000;  // below it the order would not be the texts'
  static constexpr std::uint32_t value_end = 1'000'000;

  static ExtensionId custom() { return ExtensionId(0); }
  static ExtensionId zapier() { return ExtensionId(1); }
  // An account's own; value must be from own_begin to below value_end.
  static ExtensionId from_value(std::uint32_t value);
  static std::optional<ExtensionId> parse(std::string_view text);

  std::string text() const;
  std::uint32_t value() const { return value_; }
  bool is_built_in() const { return value_ < own_begin; }

  auto operator<=>(const ExtensionId&) const = default;

 private:
  explicit ExtensionId(std::uint32_t value) : value_(value) {}
  std::uint32_t value_;
};

// Names of streams.
std::string stream_of(TokenId id);
std::string stream_of(UserId id);
std::string stream_of(AccountId id);
std::string stream_of(WebhookId id);
std::string stream_of(ExtensionId id);

}  // namespace mintmark

template <class Kind>
struct std::hash<mintmark::NineDigitId<Kind>> {
  std::size_t operator()(mintmark::NineDigitId<Kind> id) const noexcept {
    return std::hash<std::uint32_t>()(id.value());
  }
};
template <>
struct std::hash<mintmark::ExtensionId> {
  std::size_t operator()(mintmark::ExtensionId id) const noexcept {
    return std::hash<std::uint32_t>()(id.value());
  }
};
template <>
struct std::hash<mintmark::AccountId> {
  std::size_t operator()(mintmark::AccountId id) const noexcept {
    return std::hash<std::uint32_t>()(id.code());
  }
};
