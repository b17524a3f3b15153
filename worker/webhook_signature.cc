#include "worker/webhook_signature.h"

#include <array>
#include <stdexcept>

#include <sodium.h>

// By hand and with libsodium, because this is done for every call: a JWT by libjwt and two HMACs by OpenSSL
// cost as much as all else that a call's making takes.
namespace mintmark {
namespace {

constexpr std::chrono::seconds jwt_life{600};  // the call's own processing_timeout

using Digest = std::array<unsigned char, crypto_auth_hmacsha256_BYTES>;

class Hmac {
 public:
  explicit Hmac(const std::string& key) {
    crypto_auth_hmacsha256_init(&state_, reinterpret_cast<const unsigned char*>(key.data()), key.size());
  }
  Hmac& add(std::string_view text) {
    crypto_auth_hmacsha256_update(&state_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    return *this;
  }
  Digest digest() {
    Digest digest{};
    crypto_auth_hmacsha256_final(&state_, digest.data());
    return digest;
  }

 private:
  crypto_auth_hmacsha256_state state_{};
};

std::string base64(const unsigned char* bytes, std::size_t size, int variant) {
  std::string text(sodium_base64_encoded_len(size, variant), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes, size, variant);
  text.pop_back();  // the NUL
  return text;
}

// As JSON has it between quotation marks.
std::string_view plain(std::string_view id) {
  for (const char c : id) {
    const bool is_plain =
        (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
    if (!is_plain) throw std::logic_error("an id holds what none may hold");
  }
  return id;
}

// No `iat`: some libraries refuse a token that is issued in their future, so a clock a second slow would do.
std::string make_jwt(const std::string& secret, std::string_view webhook_id, std::string_view message_id,
                     std::chrono::sys_seconds now) {
  std::string payload = R"({"exp":)";
  payload.append(std::to_string((now + jwt_life).time_since_epoch().count()))
      .append(R"(,"iss":"mintmark","jti":")")
      .append(plain(message_id))
      .append(R"(","sub":")")
      .append(plain(webhook_id))
      .append(R"("})");
  constexpr int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string jwt = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.";  // {"alg":"HS256","typ":"JWT"}
  jwt += base64(reinterpret_cast<const unsigned char*>(payload.data()), payload.size(), variant);
  const auto digest = Hmac(secret).add(jwt).digest();
  return jwt.append(".").append(base64(digest.data(), digest.size(), variant));
}

std::string sign(const std::string& secret, std::string_view message_id, std::string_view timestamp,
                 std::string_view body) {
  const auto digest = Hmac(secret).add(message_id).add(".").add(timestamp).add(".").add(body).digest();
  return "v1," + base64(digest.data(), digest.size(), sodium_base64_VARIANT_ORIGINAL);
}

}  // namespace

std::vector<std::pair<std::string, std::string>> sign_webhook_call(const WebhookSecrets& secrets,
                                                                   std::string_view webhook_id,
                                                                   std::string_view message_id, Time now,
                                                                   std::string_view body) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now);
  auto timestamp = std::to_string(seconds.time_since_epoch().count());
  auto signatures = sign(secrets.current, message_id, timestamp, body);
  if (secrets.previous) signatures.append(" ").append(sign(*secrets.previous, message_id, timestamp, body));
  const auto bearer = "Bearer " + make_jwt(secrets.current, webhook_id, message_id, seconds);
  return {{"Authorization", bearer},
          {"Authentication", bearer},
          {"webhook-id", std::string(message_id)},
          {"webhook-timestamp", std::move(timestamp)},
          {"webhook-signature", std::move(signatures)}};
}

}  // namespace mintmark
