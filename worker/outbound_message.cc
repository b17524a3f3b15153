#include "worker/outbound_message.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "worker/outbound_target.h"

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
constexpr std::array<bool, 256> token_bytes = [] {
  std::array<bool, 256> all{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) all[static_cast<unsigned char>(c)] = true;
  for (unsigned char c = '0'; c <= '9'; ++c) all[c] = true;
  for (unsigned char c = 'a'; c <= 'z'; ++c) all[c] = all[c & ~0x20U] = true;
  return all;
}();

bool is_token(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return token_bytes[static_cast<unsigned char>(c)]; });
}

// RFC 9110, 5.5: no control character but the tab.
bool is_value(std::string_view text) {
  return std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7F;
  });
}

}  // namespace

std::optional<std::string> refuse_method(std::string_view method) {
  if (is_token(method) && !is_name(method, "CONNECT")) return std::nullopt;
  return "Its method is none that can be sent.";
}

std::optional<std::string> refuse_headers(const OutboundHeaders& headers) {
  for (const auto& [name, value] : headers) {
    if (!is_token(name)) return "A header's name holds what HTTP does not allow in one.";
    const auto is_it = [&name](std::string_view reserved) { return is_name(name, reserved); };
    if (std::ranges::any_of(reserved_names, is_it)) return fmt::format("The header {} cannot be set.", name);
    if (!is_value(value)) return fmt::format("The value of {} holds a control character.", name);
  }
  return std::nullopt;
}

void append_headers(const OutboundHeaders& headers, std::string& out) {
  for (const auto& [name, value] : headers) out.append("\r\n").append(name).append(": ").append(value);
}

bool names_agent(const OutboundHeaders& headers) {
  return std::ranges::any_of(headers, [](const auto& header) { return is_name(header.first, "User-Agent"); });
}

std::string serialize_message(const OutboundRequest& request) {
  constexpr std::size_t fixed_bytes = 64;
  const auto& target = *request.target;
  std::size_t size = fixed_bytes + target.head().size() + request.body.size();
  for (const auto& [name, value] : request.headers) size += name.size() + value.size() + 4;
  std::string out;
  out.reserve(size);
  out.append(target.head());
  append_headers(request.headers, out);
  if (!target.has_agent() && !names_agent(request.headers)) out.append("\r\nUser-Agent: Mintmark");
  // RFC 9110, 8.6: a method without a meaning for content sends no length where there is none.
  const auto& method = target.method();
  const bool bodiless = request.body.empty() &&
                        (method == "GET" || method == "HEAD" || method == "DELETE" || method == "OPTIONS");
  if (!bodiless) out.append("\r\nContent-Length: ").append(std::to_string(request.body.size()));
  return out.append("\r\n\r\n").append(request.body);
}

}  // namespace mintmark
