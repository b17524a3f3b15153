#include "worker/outbound_message.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

namespace mintmark {
namespace {

// What says where a message goes and where it ends, and what belongs to one connection.
constexpr std::array<std::string_view, 12> reserved_names{
    "connection", "content-length",   "expect",  "host",    "http2-settings",    "keep-alive",
    "te",         "proxy-connection", "trailer", "upgrade", "transfer-encoding", "proxy-authorization"};

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

bool is_name(std::string_view name, std::string_view wanted) {
  return std::ranges::equal(name, wanted, {}, lower, lower);
}

// RFC 9110, 5.6.2
bool is_token(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [marks](char c) {
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || marks.find(c) != marks.npos;
  });
}

// RFC 9110, 5.5: no control character but the tab.
bool is_value(std::string_view text) {
  return std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7F;
  });
}

}  // namespace

std::optional<std::string> refuse_message(const OutboundRequest& request) {
  if (!is_token(request.method) || is_name(request.method, "CONNECT")) {
    return "Its method is none that can be sent.";
  }
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name)) return "A header's name holds what HTTP does not allow in one.";
    const auto is_it = [&name](std::string_view reserved) { return is_name(name, reserved); };
    if (std::ranges::any_of(reserved_names, is_it)) return fmt::format("The header {} cannot be set.", name);
    if (!is_value(value)) return fmt::format("The value of {} holds a control character.", name);
  }
  return std::nullopt;
}

std::string serialize_message(const OutboundRequest& request, const OutboundUrl& url) {
  constexpr std::size_t fixed_bytes = 128;
  std::size_t size = fixed_bytes + url.target.size() + url.authority.size() + request.body.size();
  for (const auto& [name, value] : request.headers) size += name.size() + value.size() + 4;
  std::string out;
  out.reserve(size);
  out.append(request.method)
      .append(" ")
      .append(url.target)
      .append(" HTTP/1.1\r\nHost: ")
      .append(url.authority);
  bool has_agent = false;
  for (const auto& [name, value] : request.headers) {
    out.append("\r\n").append(name).append(": ").append(value);
    has_agent = has_agent || is_name(name, "User-Agent");
  }
  if (!has_agent) out.append("\r\nUser-Agent: Mintmark");
  // RFC 9110, 8.6: a method without a meaning for content sends no length where there is none.
  const bool bodiless = request.body.empty() && (request.method == "GET" || request.method == "HEAD" ||
                                                 request.method == "DELETE" || request.method == "OPTIONS");
  if (!bodiless) out.append("\r\nContent-Length: ").append(std::to_string(request.body.size()));
  return out.append("\r\n\r\n").append(request.body);
}

}  // namespace mintmark
