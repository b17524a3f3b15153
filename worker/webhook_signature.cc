#include "worker/webhook_signature.h"

#include <array>
#include <cstdlib>
#include <memory>
#include <stdexcept>

#include <jwt.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace mintmark {
namespace {

constexpr std::chrono::seconds jwt_life{600};  // the call's own processing_timeout

constexpr std::size_t sha256_bytes = 32;
constexpr std::size_t sha256_base64_bytes = 44;

void require(bool done) {
  if (!done) throw std::runtime_error("a webhook's call cannot be signed");
}

// No `iat`: some libraries refuse a token that is issued in their future, so a clock a second slow would do.
std::string make_jwt(const std::string& secret, std::string_view webhook_id, std::string_view message_id,
                     std::chrono::sys_seconds now) {
  jwt_t* raw = nullptr;
  require(jwt_new(&raw) == 0);
  const std::unique_ptr<jwt_t, decltype(&jwt_free)> jwt(raw, &jwt_free);
  const auto expires = (now + jwt_life).time_since_epoch().count();
  const auto* const key = reinterpret_cast<const unsigned char*>(secret.data());
  require(jwt_add_grant(raw, "iss", "mintmark") == 0 &&
          jwt_add_grant(raw, "sub", std::string(webhook_id).c_str()) == 0 &&
          jwt_add_grant(raw, "jti", std::string(message_id).c_str()) == 0 &&
          jwt_add_grant_int(raw, "exp", static_cast<long>(expires)) == 0 &&
          jwt_set_alg(raw, JWT_ALG_HS256, key, static_cast<int>(secret.size())) == 0);
  const std::unique_ptr<char, decltype(&std::free)> text(jwt_encode_str(raw), &std::free);
  require(text != nullptr);
  return text.get();
}

std::string sign(const std::string& secret, std::string_view signed_text) {
  std::array<unsigned char, sha256_bytes> digest{};
  unsigned size = 0;
  const auto* const text = reinterpret_cast<const unsigned char*>(signed_text.data());
  require(HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), text, signed_text.size(),
               digest.data(), &size) != nullptr &&
          size == digest.size());
  std::array<unsigned char, sha256_base64_bytes + 1> base64{};
  EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(digest.size()));
  return "v1," + std::string(base64.begin(), base64.end() - 1);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> sign_webhook_call(const WebhookSecrets& secrets,
                                                                   std::string_view webhook_id,
                                                                   std::string_view message_id, Time now,
                                                                   std::string_view body) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  auto timestamp = std::to_string(seconds.time_since_epoch().count());
  std::string signed_text;
  signed_text.reserve(message_id.size() + timestamp.size() + body.size() + 2);
  signed_text.append(message_id).append(".").append(timestamp).append(".").append(body);
  auto signatures = sign(secrets.current, signed_text);
  if (secrets.previous) signatures.append(" ").append(sign(*secrets.previous, signed_text));
  const auto bearer = "Bearer " + make_jwt(secrets.current, webhook_id, message_id, seconds);
  return {{"Authorization", bearer},
          {"Authentication", bearer},
          {"webhook-id", std::string(message_id)},
          {"webhook-timestamp", std::move(timestamp)},
          {"webhook-signature", std::move(signatures)}};
}

}  // namespace mintmark
