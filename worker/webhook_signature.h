#pragma once

#include <array>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "domain/time.h"

struct evp_mac_ctx_st;  // OpenSSL's EVP_MAC_CTX

namespace mintmark {

// A secret made ready to sign with: HMAC-SHA256 (RFC 2104) that has taken the key in and nothing else, copied
// for each signature. Throws std::bad_alloc or std::runtime_error where OpenSSL is out of memory, from all it
// does. Thread-safe.
class WebhookKey {
 public:
  // The key is the secret's bytes as they are.
  explicit WebhookKey(std::string_view secret);

  // Of the pieces, one behind the other.
  using Digest = std::array<unsigned char, 32>;
  Digest digest(std::initializer_list<std::string_view> pieces) const;

 private:
  struct Free {
    void operator()(evp_mac_ctx_st* context) const;
  };
  using Context = std::unique_ptr<evp_mac_ctx_st, Free>;

  Context keyed_;
};

struct WebhookSecrets {
  WebhookKey current;
  std::optional<WebhookKey> previous = {};  // valid beside it for a while after a change
  Time previous_until = {};
};

// The headers that let a receiver check a call of a webhook, names and values, to be sent beside its own:
//
//   Authorization, Authentication: "Bearer " and a JWT (RFC 7519) signed with HS256 over the current secret.
//     Claims: iss "mintmark", sub the webhook's id, jti the message's, exp ten minutes after `now`.
//   webhook-id, webhook-timestamp, webhook-signature: Standard Webhooks 1.0.0
//     (https://www.standardwebhooks.com): the message's id, the same in every attempt; `now` in seconds since
//     1970; "v1," and the base64 of HMAC-SHA256 over ID.TIMESTAMP.BODY, one for each secret, a space between.
//
// The ids are of our making: std::logic_error where one holds what JSON would have to escape. Deterministic,
// and thread-safe.
std::vector<std::pair<std::string, std::string>> sign_webhook_call(const WebhookSecrets& secrets,
                                                                   std::string_view webhook_id,
                                                                   std::string_view message_id, Time now,
                                                                   std::string_view body);

}  // namespace mintmark
