#include "api/client_address.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include "api/header_field.h"

namespace mintmark {
namespace {

namespace ip = boost::asio::ip;

// As the server shows its peers: an IPv4 address that is mapped into IPv6 is that one.
std::optional<ip::address> parse_address(std::string_view text) {
  boost::system::error_code invalid;
  const auto address = ip::make_address(std::string(text), invalid);
  if (invalid) return std::nullopt;
  const bool mapped = address.is_v6() && address.to_v6().is_v4_mapped();
  return mapped ? ip::address(ip::make_address_v4(ip::v4_mapped, address.to_v6())) : address;
}

// An entry of X-Forwarded-For: an address, which some gateways give a port ("192.0.2.1:4711",
// "[2001:db8::1]:4711").
std::optional<ip::address> parse_forwarded(std::string_view entry) {
  if (entry.starts_with('[')) return parse_address(entry.substr(1, entry.find(']') - 1));
  const auto colon = entry.find(':');
  const bool is_only_one = colon == entry.rfind(':');
  return parse_address(is_only_one ? entry.substr(0, colon) : entry);
}

// The entries of all the fields, the last one first.
std::vector<std::string_view> forwarded_from_the_end(const http::Request& request) {
  std::vector<std::string_view> entries;
  for (auto list : request.header_values("X-Forwarded-For")) {
    for (;;) {
      const auto comma = list.find(',');
      entries.push_back(trim_field(list.substr(0, comma)));
      if (comma == std::string_view::npos) break;
      list.remove_prefix(comma + 1);
    }
  }
  std::ranges::reverse(entries);
  return entries;
}

}  // namespace

std::string client_address(const http::Request& request, std::span<const AddressRange> trusted) {
  const auto is_gateway = [trusted](const ip::address& address) {
    return std::ranges::any_of(trusted, [&](const AddressRange& range) { return range.contains(address); });
  };
  const auto peer = trusted.empty() ? std::nullopt : parse_address(request.client_ip());
  if (!peer || !is_gateway(*peer)) return std::string(request.client_ip());
  auto client = *peer;
  for (const auto entry : forwarded_from_the_end(request)) {
    const auto address = parse_forwarded(entry);
    if (!address) break;
    client = *address;
    if (!is_gateway(client)) break;
  }
  return client.to_string();
}

}  // namespace mintmark
