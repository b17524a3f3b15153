#include "api/forward_auth.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "api/http/date.h"
#include "api/request_id.h"

namespace mintmark {
namespace {

constexpr std::string_view authorize_path = "/authorize";
struct Refusal {
  int status;
  std::string_view head;
};
constexpr Refusal unauthorized{
    401, "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: ApiKey realm=\"mintmark\"\r\nContent-Length: 0\r\n"};
constexpr Refusal forbidden{403, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n"};
constexpr int allowed_status = 204;
constexpr std::string_view allowed_head = "HTTP/1.1 204 No Content\r\n";

// How an answer's head ends.
struct HeadEnd {
  std::optional<std::string_view>
      request_id;  // the client's own; to make one up would cost as much as a check
  bool keep_alive;
};

void append_field(std::string_view name, std::string_view value, std::string& out) {
  out += name;
  out += value;
  out += "\r\n";
}

void end_head(const HeadEnd& end, std::string& out) {
  if (end.request_id) append_field("X-Request-Id: ", *end.request_id, out);
  out += "Date: ";
  out += http::date();
  out += end.keep_alive ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n";
}

// Ids in text without a string of their own: to_chars of each group.
void append_digits(std::uint32_t value, int groups, std::string& out) {
  std::array<char, 12> text{};
  for (int i = groups * 4; i > 0; i -= 4) {
    const auto group = value % 1000;
    value /= 1000;
    const auto at = static_cast<std::size_t>(i - 4);
    text[at] = '-';
    text[at + 1] = static_cast<char>('0' + group / 100);
    text[at + 2] = static_cast<char>('0' + group / 10 % 10);
    text[at + 3] = static_cast<char>('0' + group % 10);
  }
  out.append(text.data(), static_cast<std::size_t>(groups) * 4);
}

void append_allowed(const AuthorizationIndex::Identity& identity, const HeadEnd& end, std::string& out) {
  out += allowed_head;
  const auto account = identity.account;
  out += "X-Mintmark-Account: ";
  out += account.type() == AccountType::kVendor ? "VA" : "PA";
  append_digits(account.code() % AccountId::value_end, 2, out);
  out += "\r\nX-Mintmark-Token: ";
  out += TokenIdKind::prefix;
  append_digits(identity.token.value(), 3, out);
  append_field("\r\nX-Mintmark-Name: ", identity.name, out);
  append_field("X-Mintmark-Type: ", identity.extension == ZAPIER ? "zapier" : "custom", out);
  end_head(end, out);
}

// What the gateway tells of the request that its client made.
struct Original {
  std::string_view method;  // empty where it is not told
  std::string_view uri;
};

bool is_original_method(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

// A space would be how a proxy joins two fields into one.
bool is_original_path(std::string_view text) {
  return text.starts_with('/') && text.find_first_of(" \t") == std::string_view::npos;
}

// Takes in what a field says. False where it comes twice, or makes no sense, or says something else than what
// was told before: a gateway sets one pair of fields and may pass on its client's, and we cannot know which
// are whose.
bool take_original(const http::Request& request, std::string_view name, bool (*makes_sense)(std::string_view),
                   std::string_view& told) {
  const auto value = request.header(name);
  if (!value) return true;
  if (!makes_sense(*value) || request.header_count(name) != 1) return false;
  if (told.empty()) told = *value;
  return told == *value;
}

// Nothing where it makes no sense, or is told in two ways that differ.
std::optional<Original> original_of(const http::Request& request) {
  Original original;
  // Envoy asks with the client's own method, and with its path behind ours.
  const auto appended = request.target().substr(authorize_path.size());
  if (appended.starts_with('/')) {
    if (!is_original_method(request.method())) return std::nullopt;
    original = {request.method(), appended};
  }
  const bool agree = take_original(request, "X-Original-Method", is_original_method, original.method) &&
                     take_original(request, "X-Forwarded-Method", is_original_method, original.method) &&
                     take_original(request, "X-Original-URI", is_original_path, original.uri) &&
                     take_original(request, "X-Forwarded-Uri", is_original_path, original.uri);
  return agree ? std::optional(original) : std::nullopt;
}

}  // namespace

bool is_forward_auth(const http::Request& request) {
  const auto target = request.target();
  if (!target.starts_with(authorize_path)) return false;
  const auto rest = target.substr(authorize_path.size());
  return rest.empty() || rest.front() == '/' || rest.front() == '?';
}

int answer_forward_auth(const Services& services, const http::Request& request, std::size_t reader,
                        bool keep_alive, std::string& out) {
  const auto authorization = request.header("Authorization");
  // A second Authorization field is how a client would show us one key and the API another.
  const bool single = authorization && request.header_count("Authorization") == 1;
  const auto key = single ? parse_authorization(*authorization) : std::nullopt;
  const HeadEnd end{given_request_id(request), keep_alive};
  const auto refuse = [&](const Refusal& refusal) {
    out += refusal.head;
    end_head(end, out);
    return refusal.status;
  };
  if (!key) return refuse(unauthorized);
  const auto now = services.clock.now();
  return services.authorization_index.check(
      reader, key->id, key->secret, now,
      [&](AuthorizationIndex::Verdict verdict, const AuthorizationIndex::Identity* identity) {
        if (verdict == AuthorizationIndex::Verdict::kUnknown) return refuse(unauthorized);
        const auto original = original_of(request);
        const bool may = verdict == AuthorizationIndex::Verdict::kAllowed && original &&
                         services.modules.allows(identity->permissions, original->method, original->uri);
        if (!may) return refuse(forbidden);
        identity->last_use.note(now);
        append_allowed(*identity, end, out);
        return allowed_status;
      });
}

}  // namespace mintmark
