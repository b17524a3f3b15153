#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/caller.h"
#include "api/services.h"
#include "domain/webhook.h"
#include "projections/rows.pb.h"

// What can be done with webhooks. An account sees its own alone: any other is kNotFound.
namespace mintmark {

// A webhook as a client would have it; what is absent keeps its default, or stays as it is.
struct WebhookInput {
  std::optional<std::string> type;
  std::optional<std::string> object_class;
  std::optional<std::string> label;
  std::optional<std::string> description;
  std::optional<std::string> product_id;
  std::optional<std::string> http_method;
  std::optional<bool> active;
  std::optional<std::string> external_url;  // checked to be one that we call
  std::optional<std::string> jwt_secret;    // generated where a new webhook has none
  std::optional<std::vector<std::pair<std::string, std::string>>> headers;
  std::optional<std::string> data;  // a JSON object
};

struct ChangedWebhook {
  WebhookId id;
  Position position = 0;  // 0 where nothing changed
};
// kConflict where the account has limits::webhooks_per_account_max.
awaitable<Result<ChangedWebhook>> create_webhook(Services& services, const Caller& caller,
                                                 WebhookInput input);
awaitable<Result<ChangedWebhook>> update_webhook(Services& services, const Caller& caller, WebhookId id,
                                                 WebhookInput input);
// When it returns, address, secret, headers and data are unreadable for ever.
awaitable<Result<ChangedWebhook>> delete_webhook(Services& services, const Caller& caller, WebhookId id);
// Records that a call is wanted, with the JSON object `data`: any number at once. kConflict where the webhook
// is not active or too many deliveries to it wait. What the webhook has become until that is recorded counts:
// planning drops what came too late.
awaitable<Result<ChangedWebhook>> trigger_webhook(Services& services, const Caller& caller, WebhookId id,
                                                  std::string data);
// Records that one call is wanted to see whether the receiver answers, also where the webhook is not active.
// kConflict where limits::tests_waiting_max of them wait; requests under way at one time may pass it by as
// many as they are.
awaitable<Result<ChangedWebhook>> test_webhook(Services& services, const Caller& caller, WebhookId id);

// What the row seals. kNotFound where its data key is destroyed. Blocks.
Result<WebhookDelivery> open_delivery(Services& services, const WebhookRow& row);

}  // namespace mintmark
