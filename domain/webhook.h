#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/error.h"
#include "domain/events.pb.h"
#include "domain/ids.h"
#include "domain/time.h"

// The webhook aggregate, stream webhook-WH-…. Where it goes and what proves it (address, secret, header
// values, data) is sealed under the webhook's own data key. Pure, as domain/token.h.
//
// What only calls for a call (WebhookTriggered, WebhookTestRequested) changes nothing of the webhook, and
// each is a stream of its own: any number can be recorded at once, and the webhook's stream stays short. Logs
// of before have them on the webhook's stream.
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
  bool paused = false;  // with the Zapier token that made it
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

struct TestWebhook {};

// The worker's commands. All are idempotent: where there is nothing left to do they return no events.
struct DisableWebhook {
  Time failing_since;
};
struct UnsubscribeWebhook {
  WebhookUnsubscribed::Reason reason;
};
struct PauseWebhook {
  TokenId token;
};
struct ResumeWebhook {
  TokenId token;
};

// A replaced secret signs beside the new one for so long.
inline constexpr auto secret_overlap = std::chrono::hours(24);

// Puts `secret` into the place of the present one, which stays beside it until secret_overlap has passed.
void rotate_secret(WebhookDelivery& delivery, std::string secret, Time now);

// Each returns the events to append, none where nothing changes; kInvalid where a field breaks a rule,
// kTaken where the id is, kConflict where a webhook to trigger is not active, kNotFound where there is none
// (any more).
Result<std::vector<Event>> decide(const Webhook& webhook, const CreateWebhook& command);
Result<std::vector<Event>> decide(const Webhook& webhook, const UpdateWebhook& command);
Result<std::vector<Event>> decide(const Webhook& webhook, const DeleteWebhook& command);
Result<std::vector<Event>> decide(const Webhook& webhook, const TriggerWebhook& command);
Result<std::vector<Event>> decide(const Webhook& webhook, const TestWebhook& command);
Result<std::vector<Event>> decide(const Webhook& webhook, const DisableWebhook& command);
Result<std::vector<Event>> decide(const Webhook& webhook, const UnsubscribeWebhook& command);
Result<std::vector<Event>> decide(const Webhook& webhook, const PauseWebhook& command);
Result<std::vector<Event>> decide(const Webhook& webhook, const ResumeWebhook& command);

// Total: an event of another kind of stream changes nothing.
void evolve(Webhook& webhook, const Event& event);

// Whether the webhook is no more from this event on, and its data key with it.
bool ends_webhook(const Event& event);

// trigger-WH-…-`unique`: the stream of one call that is wanted. What is sealed there is so under the
// webhook's data key.
std::string trigger_stream(WebhookId webhook, std::string_view unique);
// Whose trigger the stream is; nothing for another stream's name.
std::optional<WebhookId> webhook_of_trigger(std::string_view stream);

}  // namespace mintmark
