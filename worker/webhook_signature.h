#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "domain/time.h"

namespace mintmark {

struct WebhookSecrets {
  std::string current;
  std::optional<std::string> previous;  // valid beside it for a while after a change
};

// The headers that let a receiver check a call of a webhook, names and values, to be sent beside its own:
//
//   Authorization, Authentication: "Bearer " and a JWT (RFC 7519) signed with HS256 over the current secret.
//     Claims: iss "mintmark", sub the webhook's id, jti the message's, exp ten minutes after `now`.
//   webhook-id, webhook-timestamp, webhook-signature: Standard Webhooks 1.0.0
//     (https://www.standardwebhooks.com): the message's id, the same in every attempt; `now` in seconds since
//     1970; "v1," and the base64 of HMAC-SHA256 over ID.TIMESTAMP.BODY, one for each secret, a space between.
//
// The key is the secret's bytes as they are, in both. Deterministic and pure; throws std::bad_alloc or
// std::runtime_error only where the libraries are out of memory.
std::vector<std::pair<std::string, std::string>> sign_webhook_call(const WebhookSecrets& secrets,
                                                                   std::string_view webhook_id,
                                                                   std::string_view message_id, Time now,
                                                                   std::string_view body);

}  // namespace mintmark
