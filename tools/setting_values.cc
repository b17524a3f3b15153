#include "tools/setting_values.h"

#include <algorithm>
#include <utility>

#include <boost/asio/ip/address.hpp>

namespace mintmark {

Result<ListenAddress> parse_listen_address(const std::string& value) {
  const auto colon = value.rfind(':');
  const auto port =
      colon == std::string::npos ? std::nullopt : parse_number<std::uint16_t>(value.substr(colon + 1));
  if (!port || colon == 0) return fail(ErrorKind::kInvalid, "must be ADDRESS:PORT");
  auto address = value.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  boost::system::error_code code;
  boost::asio::ip::make_address(address, code);
  if (code) return fail(ErrorKind::kInvalid, "must be ADDRESS:PORT with a numeric IPv4 or IPv6 address");
  return ListenAddress{std::move(address), *port};
}

Result<void> set_flag(bool& flag, const std::string& value) {
  if (value != "true" && value != "false") return fail(ErrorKind::kInvalid, "must be true or false");
  flag = value == "true";
  return {};
}

Result<void> set_interval(std::uint32_t& interval_s, const std::string& value) {
  constexpr std::uint32_t interval_s_max = 7 * 24 * 3600;
  const auto seconds = parse_number<std::uint32_t>(value);
  if (!seconds || *seconds > interval_s_max) return fail(ErrorKind::kInvalid, "must be 0 to 604800");
  interval_s = *seconds;
  return {};
}

std::vector<std::string> split_list(std::string_view list) {
  std::vector<std::string> parts;
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    auto part = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (!part.empty()) parts.emplace_back(part);
  }
  return parts;
}

Result<void> set_networks(std::vector<AddressRange>& networks, const std::string& value) {
  std::vector<AddressRange> given;
  for (const auto& text : split_list(value)) {
    const auto network = AddressRange::parse(text);
    if (!network)
      return fail(ErrorKind::kInvalid, "must be networks such as 10.0.0.0/8, separated by commas");
    given.push_back(*network);
  }
  networks = std::move(given);
  return {};
}

}  // namespace mintmark
