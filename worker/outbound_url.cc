#include "worker/outbound_url.h"

#include <algorithm>
#include <utility>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

namespace mintmark {
namespace {

namespace urls = boost::urls;

constexpr std::size_t host_bytes_max = 253;  // RFC 1035, 2.3.4
constexpr std::size_t label_bytes_max = 63;

std::unexpected<OutboundError> invalid(std::string reason) {
  return std::unexpected(OutboundError{OutboundFailure::kInvalidUrl, std::move(reason)});
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= label_bytes_max && std::ranges::all_of(label, [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
  });
}

// Where the last label is a number, inet_aton(3) and browsers read an IPv4 address.
bool looks_like_a_number(std::string_view label) {
  return std::ranges::all_of(label, is_digit) || label.starts_with("0x");
}

bool is_name(std::string_view host) {
  if (host.size() > host_bytes_max) return false;
  for (;;) {
    const auto dot = host.find('.');
    const auto label = host.substr(0, dot);
    if (!is_label(label)) return false;
    if (dot == std::string_view::npos) return !looks_like_a_number(label);
    host.remove_prefix(dot + 1);
  }
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return lower;
}

std::optional<boost::asio::ip::address> address_of(const urls::url_view& url) {
  boost::system::error_code error;
  if (url.host_type() == urls::host_type::ipv4) {
    const std::string text(url.encoded_host());
    auto address = boost::asio::ip::make_address_v4(text, error);
    if (!error) return address;
  }
  if (url.host_type() == urls::host_type::ipv6) {
    const auto bracketed = url.encoded_host();
    const std::string text(bracketed.substr(1, bracketed.size() - 2));
    auto address = boost::asio::ip::make_address_v6(text, error);
    if (!error && text.find('%') == std::string::npos) return address;
  }
  return std::nullopt;
}

// The authority as RFC 3986, 3.2 delimits it. Boost.URL 1.81 ends it sooner where an address or a port is
// followed by more ("1.2.3.4.5", ":80a"), and takes the rest for a path.
bool is_all_authority(std::string_view text, const urls::url_view& url) {
  const auto begin = text.find("//") + 2;
  const auto end = std::min(text.find_first_of("/?#", begin), text.size());
  const auto parsed = url.encoded_authority();
  return text.substr(begin, end - begin) == std::string_view(parsed.data(), parsed.size());
}

std::expected<void, OutboundError> set_host(OutboundUrl& out, const urls::url_view& url) {
  out.address = address_of(url);
  if (out.address) {
    out.host = out.address->to_string();
    return {};
  }
  if (url.host_type() != urls::host_type::name)
    return invalid("Its host is not an address that can be called.");
  out.host = lower_case(std::string_view(url.encoded_host().data(), url.encoded_host().size()));
  if (out.host.ends_with('.')) out.host.pop_back();
  if (!is_name(out.host)) {
    return invalid("Its host must be a name in ASCII, four decimal numbers or an IPv6 address in brackets.");
  }
  return {};
}

std::expected<void, OutboundError> set_port(OutboundUrl& out, const urls::url_view& url) {
  out.port = out.tls ? 443 : 80;
  if (url.port().empty()) return {};
  out.port = url.port_number();  // 0 where it does not fit
  if (out.port == 0) return invalid("Its port must be 1 to 65535.");
  return {};
}

}  // namespace

std::expected<OutboundUrl, OutboundError> parse_outbound_url(std::string_view text) {
  const auto parsed = urls::parse_uri(urls::string_view(text.data(), text.size()));
  if (parsed.has_error()) return invalid("It is not an absolute URL.");
  const auto& url = *parsed;
  const bool http = url.scheme_id() == urls::scheme::http;
  if (!http && url.scheme_id() != urls::scheme::https) return invalid("Its scheme must be http or https.");
  if (!url.has_authority() || url.encoded_host().empty()) return invalid("It has no host.");
  if (url.has_userinfo()) return invalid("It must not carry a user or password.");

  if (!is_all_authority(text, url)) return invalid("Its host or port is not well-formed.");

  OutboundUrl out{.tls = !http, .host = {}, .port = 0, .address = {}, .authority = {}, .target = {}};
  if (const auto host = set_host(out, url); !host) return std::unexpected(host.error());
  if (const auto port = set_port(out, url); !port) return std::unexpected(port.error());
  const bool is_v6 = out.address && out.address->is_v6();
  out.authority = is_v6 ? fmt::format("[{}]", out.host) : out.host;
  if (out.port != (out.tls ? 443 : 80)) out.authority += fmt::format(":{}", out.port);
  const auto path = url.encoded_path();
  const auto query = url.encoded_query();
  out.target.assign(path.data(), path.size());
  if (!out.target.starts_with('/')) out.target.insert(0, 1, '/');
  if (url.has_query()) out.target.append("?").append(query.data(), query.size());
  return out;
}

std::expected<void, OutboundError> check_policy(const OutboundUrl& url, const OutboundPolicy& policy) {
  const auto allows = [&url](std::uint16_t port) { return port == 0 || port == url.port; };
  if (std::ranges::none_of(policy.allowed_ports, allows)) {
    return std::unexpected(OutboundError{OutboundFailure::kPortRefused,
                                         fmt::format("Port {} is none that calls may go to.", url.port)});
  }
  if (!url.address) return {};
  const auto refused = refuse_address(*url.address, policy.allowed_networks);
  if (!refused) return {};
  return std::unexpected(
      OutboundError{OutboundFailure::kAddressRefused, fmt::format("Its host is {}.", *refused)});
}

std::expected<OutboundUrl, OutboundError> check_outbound_url(std::string_view text,
                                                             const OutboundPolicy& policy) {
  auto url = parse_outbound_url(text);
  if (!url) return url;
  auto checked = check_policy(*url, policy);
  if (!checked) return std::unexpected(std::move(checked.error()));
  return url;
}

}  // namespace mintmark
