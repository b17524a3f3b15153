#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/asio/ip/address.hpp>

namespace mintmark {

// A network in CIDR notation, such as 10.0.0.0/8 or fd00::/8.
struct AddressRange {
  boost::asio::ip::address network;
  unsigned prefix_bits;

  // Nothing where the text is not one address, '/' and a length that fits it, or where bits behind the prefix
  // are set.
  static std::optional<AddressRange> parse(std::string_view text);

  // Whether the address lies in it. One of IPv4 lies in none of IPv6, however it may be embedded there.
  bool contains(const boost::asio::ip::address& address) const;
};

// Why no call may go to the address, as a noun phrase that names the kind of address and its range, such as
// "a loopback address (127.0.0.0/8)"; nothing where a call may. Pure.
//
// Callable are the addresses that IANA has given out for use in the whole Internet: those of its registries
// of special-purpose addresses (RFC 6890, in their state of 2025) are not, nor is multicast, nor are the
// addresses where hosting companies answer with a machine's own credentials. `allowed` names exceptions. An
// address that carries one of IPv4 (mapped, compatible, 6to4, NAT64, Teredo, ISATAP) also needs that one to
// be callable.
std::optional<std::string> refuse_address(const boost::asio::ip::address& address,
                                          std::span<const AddressRange> allowed);

}  // namespace mintmark
