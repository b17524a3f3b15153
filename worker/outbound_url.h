#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/asio/ip/address.hpp>

#include "worker/outbound_client.h"
#include "worker/outbound_policy.h"

namespace mintmark {

// Where a call goes, taken apart.
struct OutboundUrl {
  bool tls;
  std::string host;  // lower case, without the brackets of IPv6 and without a dot at its end
  std::uint16_t port;
  std::optional<boost::asio::ip::address> address;  // where the host is one
  std::string authority;                            // as a Host field has it
  std::string target;                               // path and query, as a request line has them
};

// Takes an absolute http or https URL apart (RFC 3986): no user or password, and a host that is a name in
// ASCII, an IPv4 address of four decimal numbers or an IPv6 address without a zone. Other spellings of an
// address (hexadecimal, octal, fewer numbers, other scripts' digits) are refused, since programs differ in
// what they read there. A fragment is dropped. Fails with kInvalidUrl alone. Pure; the reason in an error
// says what is wrong without quoting the URL.
std::expected<OutboundUrl, OutboundError> parse_outbound_url(std::string_view url);

// Fails where the policy keeps calls from the URL, as far as that can be told without asking anybody: the
// port, and the host where it is an address.
std::expected<void, OutboundError> check_policy(const OutboundUrl& url, const OutboundPolicy& policy);

// Both.
std::expected<OutboundUrl, OutboundError> check_outbound_url(std::string_view url,
                                                             const OutboundPolicy& policy);

}  // namespace mintmark
