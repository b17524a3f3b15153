#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "domain/error.h"
#include "worker/outbound_address.h"

// Values of settings in their text form. What fails leaves what it should have set as it was, and says what
// is wrong with the value, as in "must be true or false".
namespace mintmark {

// The whole of the text as a number.
template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = !text.empty() && code == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(number) : std::nullopt;
}

struct ListenAddress {
  std::string address;
  std::uint16_t port;
};
// ADDRESS:PORT or [ADDRESS]:PORT.
Result<ListenAddress> parse_listen_address(const std::string& value);

// true or false.
Result<void> set_flag(bool& flag, const std::string& value);

// Seconds, up to a week.
Result<void> set_interval(std::uint32_t& interval_s, const std::string& value);

// A whole number from 1 to `max`.
template <class Number>
Result<void> set_count(Number& number, const std::string& value, std::size_t max) {
  const auto given = parse_number<std::size_t>(value);
  if (!given || *given == 0 || *given > max)
    return fail(ErrorKind::kInvalid, fmt::format("must be 1 to {}", max));
  number = Number(static_cast<std::int64_t>(*given));
  return {};
}

// The parts between commas, without the spaces around them.
std::vector<std::string> split_list(std::string_view list);

// Networks in CIDR notation, separated by commas.
Result<void> set_networks(std::vector<AddressRange>& networks, const std::string& value);

}  // namespace mintmark
