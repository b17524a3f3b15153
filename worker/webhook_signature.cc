#include "worker/webhook_signature.h"

#include <algorithm>
#include <cstddef>
#include <stdexcept>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

namespace mintmark {
namespace {

constexpr std::chrono::seconds jwt_life{600};  // the call's own processing_timeout

void require(bool done) {
  if (!done) throw std::runtime_error("a webhook's call cannot be signed");
}

// OpenSSL 3 looks an algorithm up by its name, which costs more than a short message's digest: once for all.
EVP_MAC* hmac() {
  static EVP_MAC* const found = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  return found;
}

std::string_view view_of(const WebhookKey::Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

void append_base64(std::string_view bytes, std::string& out) {
  const auto begin = out.size();
  const auto size = (bytes.size() + 2) / 3 * 4;
  out.resize(begin + size + 1);  // OpenSSL puts a NUL behind it
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()) + begin,
                  reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(begin + size);
}

// RFC 4648, 5, without padding.
void append_base64url(std::string_view bytes, std::string& out) {
  const auto begin = static_cast<std::ptrdiff_t>(out.size());
  append_base64(bytes, out);
  std::replace(out.begin() + begin, out.end(), '+', '-');
  std::replace(out.begin() + begin, out.end(), '/', '_');
  out.resize(out.find_last_not_of('=') + 1);
}

void append_unescaped(std::string_view text, std::string& json) {
  const auto needs_escape = [](char c) { return c < 0x20 || c == '"' || c == '\\' || c == 0x7F; };
  if (std::ranges::any_of(text, needs_escape)) throw std::logic_error("an id that JSON would have to escape");
  json.append(text);
}

// A JWT in the compact form of RFC 7515, 7.1: HEADER.CLAIMS.SIGNATURE, each in base64url, signed over the
// first two with their dot (HS256: RFC 7518, 3.2). No `iat`: some libraries refuse a token that is issued in
// their future, so a clock a second slow would do.
std::string make_jwt(const WebhookKey& key, std::string_view webhook_id, std::string_view message_id,
                     std::chrono::sys_seconds now) {
  constexpr std::string_view header = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.";  // {"alg":"HS256","typ":"JWT"}
  std::string claims = R"({"exp":)";
  claims.append(std::to_string((now + jwt_life).time_since_epoch().count()));
  claims.append(R"(,"iss":"mintmark","jti":")");
  append_unescaped(message_id, claims);
  claims.append(R"(","sub":")");
  append_unescaped(webhook_id, claims);
  claims.append(R"("})");
  std::string jwt(header);
  append_base64url(claims, jwt);
  const auto digest = key.digest({jwt});
  jwt.append(1, '.');
  append_base64url(view_of(digest), jwt);
  return jwt;
}

}  // namespace

void WebhookKey::Free::operator()(EVP_MAC_CTX* context) const {
  EVP_MAC_CTX_free(context);
}

WebhookKey::WebhookKey(std::string_view secret) : keyed_(EVP_MAC_CTX_new(hmac())) {
  char sha256[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256, 0),
                                   OSSL_PARAM_construct_end()};
  // A null pointer would stand for no key rather than for an empty one.
  const auto* const key = reinterpret_cast<const unsigned char*>(secret.empty() ? "" : secret.data());
  require(keyed_ && EVP_MAC_init(keyed_.get(), key, secret.size(), parameters) == 1);
}

WebhookKey::Digest WebhookKey::digest(std::initializer_list<std::string_view> pieces) const {
  const Context context(EVP_MAC_CTX_dup(keyed_.get()));
  require(context != nullptr);
  for (const auto piece : pieces) {
    const auto* const bytes = reinterpret_cast<const unsigned char*>(piece.data());
    require(EVP_MAC_update(context.get(), bytes, piece.size()) == 1);
  }
  Digest digest{};
  std::size_t size = 0;
  require(EVP_MAC_final(context.get(), digest.data(), &size, digest.size()) == 1 && size == digest.size());
  return digest;
}

std::vector<std::pair<std::string, std::string>> sign_webhook_call(const WebhookSecrets& secrets,
                                                                   std::string_view webhook_id,
                                                                   std::string_view message_id, Time now,
                                                                   std::string_view body) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  auto timestamp = std::to_string(seconds.time_since_epoch().count());
  std::string signatures;
  const auto sign = [&](const WebhookKey& key) {
    signatures.append(signatures.empty() ? "v1," : " v1,");
    append_base64(view_of(key.digest({message_id, ".", timestamp, ".", body})), signatures);
  };
  sign(secrets.current);
  if (secrets.previous && now < secrets.previous_until) sign(*secrets.previous);
  auto bearer = "Bearer " + make_jwt(secrets.current, webhook_id, message_id, seconds);
  std::vector<std::pair<std::string, std::string>> headers;
  headers.reserve(5);
  headers.emplace_back("Authorization", bearer);
  headers.emplace_back("Authentication", std::move(bearer));
  headers.emplace_back("webhook-id", message_id);
  headers.emplace_back("webhook-timestamp", std::move(timestamp));
  headers.emplace_back("webhook-signature", std::move(signatures));
  return headers;
}

}  // namespace mintmark
