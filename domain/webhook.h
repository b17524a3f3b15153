#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/error.h"
#include "domain/events.pb.h"
#include "domain/ids.h"

// The webhook aggregate, stream webhook-WH-…. Where it goes and what proves it (address, secret, header
// values, data) is sealed under the webhook's own data key. Pure, as domain/token.h.
namespace mintmark {

// What may show.
struct WebhookFields {
  std::string type = "event";
  std::string object_class;
  std::string label;
  std::string description;
  std::string product_id;
  std::string http_method = "POST";
  bool active = true;

  bool operator==(const WebhookFields&) const = default;
};

struct Webhook {
  bool exists = false;  // made, and not deleted
  bool taken = false;   // its id was given, also where it is deleted
  std::optional<AccountId> account;
  WebhookFields fields;
};

// `delivery` is checked, but for its address (api/webhooks.cc reads URLs), and not stored; `sealed` is
// stored.
struct CreateWebhook {
  WebhookId id;
  AccountId account;
  WebhookFields fields;
  WebhookDelivery delivery;
  Sealed sealed;
};
// All fields as they shall be. Without a delivery it stays as it is; with one, `sealed` is stored.
struct UpdateWebhook {
  WebhookFields fields;
  std::optional<WebhookDelivery> delivery;
  Sealed sealed;
};
struct DeleteWebhook {};
struct TriggerWebhook {
  Sealed data;
};

// Each returns the events to append, none where nothing changes; kInvalid where a field breaks a rule,
// kConflict where the id is taken or a webhook to trigger is not active, kNotFound where there is none (any
// more).
Result<std::vector<Event>> decide(const Webhook& webhook, const CreateWebhook& command);
Result<std::vector<Event>> decide(const Webhook& webhook, const UpdateWebhook& command);
Result<std::vector<Event>> decide(const Webhook& webhook, const DeleteWebhook& command);
Result<std::vector<Event>> decide(const Webhook& webhook, const TriggerWebhook& command);

// Total: an event of another kind of stream changes nothing.
void evolve(Webhook& webhook, const Event& event);

}  // namespace mintmark
