#include "api/console.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "api/console_files.h"
#include "api/errors.h"
#include "api/header_field.h"
#include "api/http/ascii.h"
#include "domain/ids.h"

namespace mintmark {
namespace {

constexpr std::string_view index_path = "/index.html";
constexpr std::string_view assets_folder = "/assets/";

// The addresses of the console's views (api/console/src/router.ts): each is the one page, which then shows
// the view.
constexpr std::array<std::string_view, 8> views = {"/",        "/activity", "/deliveries", "/general",
                                                   "/sign-in", "/tokens",   "/users",      "/webhooks"};
constexpr std::string_view token_view = "/tokens/";
constexpr std::string_view webhook_view = "/webhooks/";

// Scripts, styles and requests to this server and nothing else; no inline script or style; in nobody's frame.
constexpr std::string_view console_security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

constexpr std::string_view allowed_methods = "GET, HEAD, OPTIONS";

// Takes what stands before the separator, and the separator, off the text.
std::string_view take(std::string_view& text, char separator) {
  const auto end = std::min(text.find(separator), text.size());
  const auto item = trim_field(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return item;
}

// Whether a weight such as "q=0.5" is zero: "q=0" or "q=0.000" (RFC 9110, 12.4.2).
bool is_zero_weight(std::string_view parameter) {
  if (parameter.size() < 2 || !http::ascii_iequals(parameter.substr(0, 2), "q=")) return false;
  return parameter.find_first_not_of("0.", 2) == parameter.npos;
}

// Whether Accept-Encoding takes gzip (RFC 9110, 12.5.3).
bool accepts_gzip(std::string_view field) {
  bool any = false;
  while (!field.empty()) {
    auto coding = take(field, ',');
    const auto name = take(coding, ';');
    const bool accepted = !is_zero_weight(trim_field(coding));
    if (http::ascii_iequals(name, "gzip") || http::ascii_iequals(name, "x-gzip")) return accepted;
    if (name == "*") any = accepted;
  }
  return any;
}

bool is_view(std::string_view path) {
  if (std::ranges::find(views, path) != views.end()) return true;
  if (path.starts_with(webhook_view)) return WebhookId::parse(path.substr(webhook_view.size())).has_value();
  return path.starts_with(token_view) && TokenId::parse(path.substr(token_view.size()));
}

const ConsoleFile* find_file(std::string_view path) {
  if (is_view(path)) return find_console_file(index_path);
  return path.starts_with(assets_folder) ? find_console_file(path) : nullptr;
}

http::Response file_response(const http::Request& request, const ConsoleFile& file) {
  const bool is_asset = file.path.starts_with(assets_folder);
  const bool compressed = !file.gzip.empty() && accepts_gzip(request.header("Accept-Encoding").value_or(""));
  http::Response response{
      200, std::string(file.content_type), std::string(compressed ? file.gzip : file.bytes), {}};
  auto& headers = response.headers;
  if (compressed) headers.emplace_back("Content-Encoding", "gzip");
  headers.emplace_back("Vary", "Accept-Encoding");
  // The name of an asset holds the hash of its content; the page names the assets and has to be fresh.
  headers.emplace_back("Cache-Control", is_asset ? "public, max-age=31536000, immutable" : "no-cache");
  headers.emplace_back("Content-Security-Policy", console_security_policy);
  headers.emplace_back("X-Content-Type-Options", "nosniff");
  headers.emplace_back("X-Frame-Options", "DENY");
  headers.emplace_back("Referrer-Policy", "no-referrer");
  headers.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
  headers.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
  return response;
}

}  // namespace

std::optional<http::Response> answer_console(const http::Request& request) {
  const auto* file = find_file(request.path());
  if (!file) return std::nullopt;
  if (request.method() == "GET" || request.method() == "HEAD") return file_response(request, *file);
  if (request.method() != "OPTIONS") return method_not_allowed(allowed_methods);
  http::Response response;
  response.headers.emplace_back("Allow", allowed_methods);
  return response;
}

}  // namespace mintmark
