#include "worker/outbound_address.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <vector>

#include <fmt/format.h>

namespace mintmark {
namespace {

using boost::asio::ip::address;
using boost::asio::ip::address_v4;
using boost::asio::ip::address_v6;

struct NamedRange {
  AddressRange range;
  std::string_view kind;
};

NamedRange named(const char* network, unsigned prefix_bits, std::string_view kind) {
  return {{boost::asio::ip::make_address(network), prefix_bits}, kind};
}

// https://www.iana.org/assignments/iana-ipv4-special-registry, iana-ipv6-special-registry and the address
// space registries beside them. The narrower range first where two overlap: it says more.
const std::vector<NamedRange>& refused_ranges() {
  static const std::vector<NamedRange> ranges{
      named("0.0.0.0", 8, "an unspecified address"),
      named("10.0.0.0", 8, "a private address"),
      named("100.64.0.0", 10, "a carrier's shared address"),
      named("127.0.0.0", 8, "a loopback address"),
      named("169.254.169.254", 32, "a metadata address"),
      named("169.254.0.0", 16, "a link-local address"),
      named("172.16.0.0", 12, "a private address"),
      named("192.0.0.0", 24, "a reserved address"),
      named("192.0.2.0", 24, "a documentation address"),
      named("192.88.99.0", 24, "a relay's address"),
      named("192.168.0.0", 16, "a private address"),
      named("198.18.0.0", 15, "a benchmarking address"),
      named("198.51.100.0", 24, "a documentation address"),
      named("203.0.113.0", 24, "a documentation address"),
      // Public by its number, and answered by the machine's own host in Azure.
      named("168.63.129.16", 32, "a metadata address"),
      named("224.0.0.0", 4, "a multicast address"),
      named("240.0.0.0", 4, "a reserved address"),
      named("::", 128, "an unspecified address"),
      named("::1", 128, "a loopback address"),
      named("::ffff:0:0", 96, "an IPv4-mapped address"),
      named("64:ff9b::", 96, "a NAT64 address"),
      named("64:ff9b:1::", 48, "a NAT64 address"),
      named("100::", 64, "a discarding address"),
      named("2001::", 32, "a Teredo address"),
      named("2001:2::", 48, "a benchmarking address"),
      named("2001::", 23, "a reserved address"),
      named("2001:db8::", 32, "a documentation address"),
      named("2002::", 16, "a 6to4 address"),
      named("3fff::", 20, "a documentation address"),
      named("fd00:ec2::254", 128, "a metadata address"),
      named("fc00::", 7, "a private address"),
      named("fe80::", 10, "a link-local address"),
      named("fec0::", 10, "a site-local address"),
      named("ff00::", 8, "a multicast address"),
  };
  return ranges;
}

// All that IANA has given out for global unicast.
const AddressRange& global_unicast() {
  static const AddressRange range{boost::asio::ip::make_address("2000::"), 3};
  return range;
}

template <class Bytes>
bool shares_prefix(const Bytes& left, const Bytes& right, unsigned bits) {
  const std::size_t whole = bits / 8;
  if (!std::equal(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(whole), right.begin()))
    return false;
  const unsigned rest = bits % 8;
  return rest == 0 || ((left[whole] ^ right[whole]) >> (8 - rest)) == 0;
}

template <class Bytes>
bool is_prefix_only(const Bytes& bytes, unsigned bits) {
  for (std::size_t bit = bits; bit < bytes.size() * 8; ++bit) {
    if ((bytes[bit / 8] & (0x80U >> (bit % 8))) != 0) return false;
  }
  return true;
}

address_v4 embedded_at(const address_v6::bytes_type& bytes, std::size_t offset, unsigned flip = 0) {
  address_v4::bytes_type v4;
  for (std::size_t i = 0; i < v4.size(); ++i) {
    v4.at(i) = static_cast<std::uint8_t>(bytes.at(offset + i) ^ flip);
  }
  return address_v4(v4);
}

bool starts_with(const address_v6::bytes_type& bytes, std::initializer_list<unsigned> prefix) {
  return std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

// The addresses of IPv4 that a packet to this one may end at.
std::vector<address_v4> embedded_in(const address_v6& v6) {
  const auto bytes = v6.to_bytes();
  std::vector<address_v4> found;
  const bool zeros = std::all_of(bytes.begin(), bytes.begin() + 10, [](auto byte) { return byte == 0; });
  const bool mapped = bytes[10] == 0xFF && bytes[11] == 0xFF;
  const bool compatible = bytes[10] == 0 && bytes[11] == 0;
  if (zeros && (mapped || compatible)) found.push_back(embedded_at(bytes, 12));
  if (starts_with(bytes, {0x00, 0x64, 0xFF, 0x9B})) found.push_back(embedded_at(bytes, 12));
  if (starts_with(bytes, {0x20, 0x02})) found.push_back(embedded_at(bytes, 2));
  if (starts_with(bytes, {0x20, 0x01, 0x00, 0x00})) {  // RFC 4380, 4: the client's, inverted
    found.push_back(embedded_at(bytes, 4));
    found.push_back(embedded_at(bytes, 12, 0xFF));
  }
  // RFC 5214, 6.1
  const bool isatap = (bytes[8] & 0xFDU) == 0 && bytes[9] == 0 && bytes[10] == 0x5E && bytes[11] == 0xFE;
  if (isatap) found.push_back(embedded_at(bytes, 12));
  return found;
}

std::optional<std::string> refuse_embedded(const address_v6& v6, std::span<const AddressRange> allowed) {
  for (const auto& v4 : embedded_in(v6)) {
    const auto refused = refuse_address(v4, allowed);
    if (refused) return fmt::format("an address that carries {}", *refused);
  }
  return std::nullopt;
}

}  // namespace

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  boost::system::error_code error;
  const auto network = boost::asio::ip::make_address(std::string(text.substr(0, slash)), error);
  if (error || (network.is_v6() && network.to_v6().scope_id() != 0)) return std::nullopt;
  const auto length = text.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, failure] = std::from_chars(length.data(), length.data() + length.size(), bits);
  if (failure != std::errc() || end != length.data() + length.size()) return std::nullopt;
  if (bits > (network.is_v4() ? 32U : 128U)) return std::nullopt;
  const bool exact = network.is_v4() ? is_prefix_only(network.to_v4().to_bytes(), bits)
                                     : is_prefix_only(network.to_v6().to_bytes(), bits);
  if (!exact) return std::nullopt;
  return AddressRange{network, bits};
}

bool AddressRange::contains(const address& other) const {
  if (network.is_v4() != other.is_v4()) return false;
  if (network.is_v4()) {
    return shares_prefix(network.to_v4().to_bytes(), other.to_v4().to_bytes(), prefix_bits);
  }
  return shares_prefix(network.to_v6().to_bytes(), other.to_v6().to_bytes(), prefix_bits);
}

std::optional<std::string> refuse_address(const address& wanted, std::span<const AddressRange> allowed) {
  const auto has_it = [&wanted](const AddressRange& range) { return range.contains(wanted); };
  const bool excepted = std::ranges::any_of(allowed, has_it);
  if (!excepted) {
    for (const auto& [range, kind] : refused_ranges()) {
      if (range.contains(wanted)) {
        return fmt::format("{} ({}/{})", kind, range.network.to_string(), range.prefix_bits);
      }
    }
    if (wanted.is_v6() && !global_unicast().contains(wanted)) {
      return "an address outside of global unicast (2000::/3)";
    }
  }
  // ::1 and :: have the form of an embedded address, but are none.
  const bool plain = wanted.is_v4() || wanted.is_loopback() || wanted.is_unspecified();
  return plain ? std::nullopt : refuse_embedded(wanted.to_v6(), allowed);
}

}  // namespace mintmark
