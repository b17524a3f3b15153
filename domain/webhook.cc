#include "domain/webhook.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "domain/fields.h"
#include "domain/limits.h"

namespace mintmark {
namespace {

using Events = std::vector<Event>;

// The contract's, and `token`, which is ours.
constexpr std::array<std::string_view, 7> object_classes{"fulfillment_request",
                                                         "tier_config_request",
                                                         "tier_account_request",
                                                         "listing_request",
                                                         "billing_request",
                                                         "usage_file",
                                                         "token"};
constexpr std::array<std::string_view, 17> types{"event",
                                                 "validator",
                                                 "inquiring_validator",
                                                 "change_validator",
                                                 "change_inquiring_validator",
                                                 "renew_validator",
                                                 "renew_inquiring_validator",
                                                 "transfer_validator",
                                                 "transfer_inquiring_validator",
                                                 "draft_tcr_t1_val",
                                                 "draft_tcr_t2_val",
                                                 "tcr_setup_t1_inq_val",
                                                 "tcr_setup_t2_inq_val",
                                                 "tcr_update_t1_validator",
                                                 "tcr_update_t2_validator",
                                                 "tcr_update_t1_inq_val",
                                                 "tcr_update_t2_inq_val"};
// Those that a call's own framing, body and signature use, in lower case.
constexpr std::array<std::string_view, 19> reserved_headers{"authentication",
                                                            "authorization",
                                                            "connection",
                                                            "content-encoding",
                                                            "content-length",
                                                            "content-type",
                                                            "expect",
                                                            "host",
                                                            "http2-settings",
                                                            "keep-alive",
                                                            "proxy-authorization",
                                                            "proxy-connection",
                                                            "te",
                                                            "trailer",
                                                            "transfer-encoding",
                                                            "upgrade",
                                                            "webhook-id",
                                                            "webhook-signature",
                                                            "webhook-timestamp"};
constexpr std::string_view trigger_prefix = "trigger-";

// A token of RFC 9110, 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [others](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           others.find(c) != std::string_view::npos;
  });
}

bool is_printable_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7F; });
}

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

void check_headers(const WebhookDelivery& delivery, FieldErrors& errors) {
  if (static_cast<std::size_t>(delivery.headers_size()) > limits::webhook_headers_max) {
    return errors.add("headers", fmt::format("Give no more than {}.", limits::webhook_headers_max));
  }
  std::vector<std::string> names;
  for (const auto& header : delivery.headers()) {
    if (!is_token(header.name()) || header.name().size() > limits::webhook_header_name_max) {
      errors.add("headers", fmt::format("A name is 1 to {} of the characters that HTTP allows in one.",
                                        limits::webhook_header_name_max));
      continue;
    }
    auto name = lower_case(header.name());
    if (std::ranges::find(reserved_headers, name) != reserved_headers.end()) {
      errors.add("headers", fmt::format("{} is not yours to set.", header.name()));
    }
    if (std::ranges::find(names, name) != names.end()) {
      errors.add("headers", fmt::format("{} is there twice.", header.name()));
    }
    if (!is_printable_ascii(header.value()) || header.value().size() > limits::webhook_header_value_max) {
      errors.add("headers", fmt::format("The value of {} must be at most {} printable ASCII characters.",
                                        header.name(), limits::webhook_header_value_max));
    }
    names.push_back(std::move(name));
  }
}

void check_fields(const WebhookFields& fields, FieldErrors& errors) {
  errors.check_required_text("label", fields.label, limits::webhook_label_max);
  if (std::ranges::find(types, fields.type) == types.end()) errors.add("type", "There is no such type.");
  if (std::ranges::find(object_classes, fields.object_class) == object_classes.end()) {
    errors.add("object_class", "There is no such class.");
  }
  if (fields.http_method != "GET" && fields.http_method != "POST") {
    errors.add("http_method", "Must be GET or POST.");
  }
  errors.check_text("description", fields.description, limits::webhook_description_max);
  errors.check_text("product_id", fields.product_id, limits::webhook_product_id_max);
}

void check_delivery(const WebhookDelivery& delivery, FieldErrors& errors) {
  errors.check_required_text("external_url", delivery.external_url(), limits::webhook_url_max);
  errors.check_required_text("jwt_secret", delivery.jwt_secret(), limits::webhook_jwt_secret_max);
  check_headers(delivery, errors);
  if (delivery.data().size() > limits::webhook_data_bytes_max) {
    errors.add("data", fmt::format("Must take no more than {} bytes.", limits::webhook_data_bytes_max));
  }
}

}  // namespace

Result<Events> decide(const Webhook& webhook, const CreateWebhook& command) {
  if (webhook.taken) return fail(ErrorKind::kTaken, "id: This webhook id is taken.");
  FieldErrors errors;
  check_fields(command.fields, errors);
  check_delivery(command.delivery, errors);
  if (errors.any()) return std::move(errors).error();
  Event event;
  auto& created = *event.mutable_webhook_created();
  created.set_webhook_id(command.id.text());
  created.set_account_id(command.account.text());
  created.set_type(command.fields.type);
  created.set_object_class(command.fields.object_class);
  created.set_label(command.fields.label);
  created.set_description(command.fields.description);
  created.set_product_id(command.fields.product_id);
  created.set_http_method(command.fields.http_method);
  created.set_active(command.fields.active);
  *created.mutable_delivery() = command.sealed;
  return Events{event};
}

Result<Events> decide(const Webhook& webhook, const UpdateWebhook& command) {
  if (!webhook.exists) return not_found("Webhook");
  FieldErrors errors;
  check_fields(command.fields, errors);
  if (command.delivery) check_delivery(*command.delivery, errors);
  if (errors.any()) return std::move(errors).error();
  const auto& now = webhook.fields;
  const auto& wanted = command.fields;
  if (wanted == now && !command.delivery) return Events{};
  Event event;
  auto& updated = *event.mutable_webhook_updated();
  if (wanted.type != now.type) updated.set_type(wanted.type);
  if (wanted.object_class != now.object_class) updated.set_object_class(wanted.object_class);
  if (wanted.label != now.label) updated.set_label(wanted.label);
  if (wanted.description != now.description) updated.set_description(wanted.description);
  if (wanted.product_id != now.product_id) updated.set_product_id(wanted.product_id);
  if (wanted.http_method != now.http_method) updated.set_http_method(wanted.http_method);
  if (wanted.active != now.active) updated.set_active(wanted.active);
  if (command.delivery) *updated.mutable_delivery() = command.sealed;
  return Events{event};
}

Result<Events> decide(const Webhook& webhook, const DeleteWebhook&) {
  if (!webhook.exists) return not_found("Webhook");
  Event event;
  event.mutable_webhook_deleted();
  return Events{event};
}

Result<Events> decide(const Webhook& webhook, const TriggerWebhook& command) {
  if (!webhook.exists) return not_found("Webhook");
  if (!webhook.fields.active) return fail(ErrorKind::kConflict, "This webhook is not active.");
  Event event;
  *event.mutable_webhook_triggered()->mutable_data() = command.data;
  return Events{event};
}

Result<Events> decide(const Webhook& webhook, const TestWebhook&) {
  if (!webhook.exists) return not_found("Webhook");
  Event event;
  event.mutable_webhook_test_requested();
  return Events{event};
}

Result<Events> decide(const Webhook& webhook, const DisableWebhook& command) {
  if (!webhook.exists || !webhook.fields.active) return Events{};
  Event event;
  event.mutable_webhook_disabled()->set_failing_since_us(command.failing_since.time_since_epoch().count());
  return Events{event};
}

Result<Events> decide(const Webhook& webhook, const UnsubscribeWebhook& command) {
  const bool ends = command.reason == WebhookUnsubscribed::TOKEN_DELETED;
  if (!webhook.exists || (!ends && !webhook.fields.active)) return Events{};
  Event event;
  event.mutable_webhook_unsubscribed()->set_reason(command.reason);
  return Events{event};
}

Result<Events> decide(const Webhook& webhook, const PauseWebhook& command) {
  if (!webhook.exists || webhook.paused) return Events{};
  Event event;
  event.mutable_webhook_paused()->set_token_id(command.token.text());
  return Events{event};
}

Result<Events> decide(const Webhook& webhook, const ResumeWebhook& command) {
  if (!webhook.exists || !webhook.paused) return Events{};
  Event event;
  event.mutable_webhook_resumed()->set_token_id(command.token.text());
  return Events{event};
}

void rotate_secret(WebhookDelivery& delivery, std::string secret, Time now) {
  if (secret == delivery.jwt_secret()) return;
  delivery.set_previous_jwt_secret(delivery.jwt_secret());
  delivery.set_previous_secret_until_us(Time(now + secret_overlap).time_since_epoch().count());
  delivery.set_jwt_secret(std::move(secret));
}

void evolve(Webhook& webhook, const Event& event) {
  auto& fields = webhook.fields;
  if (event.has_webhook_created()) {
    const auto& created = event.webhook_created();
    webhook.exists = webhook.taken = true;
    webhook.account = AccountId::parse(created.account_id());
    fields = {created.type(),       created.object_class(), created.label(), created.description(),
              created.product_id(), created.http_method(),  created.active()};
  } else if (event.has_webhook_updated()) {
    const auto& updated = event.webhook_updated();
    if (updated.has_type()) fields.type = updated.type();
    if (updated.has_object_class()) fields.object_class = updated.object_class();
    if (updated.has_label()) fields.label = updated.label();
    if (updated.has_description()) fields.description = updated.description();
    if (updated.has_product_id()) fields.product_id = updated.product_id();
    if (updated.has_http_method()) fields.http_method = updated.http_method();
    if (updated.has_active()) fields.active = updated.active();
  } else if (event.has_webhook_disabled() || event.has_webhook_unsubscribed()) {
    fields.active = false;
  } else if (event.has_webhook_paused()) {
    webhook.paused = true;
  } else if (event.has_webhook_resumed()) {
    webhook.paused = false;
  }
  if (ends_webhook(event)) webhook.exists = false;
}

bool ends_webhook(const Event& event) {
  return event.has_webhook_deleted() ||
         event.webhook_unsubscribed().reason() == WebhookUnsubscribed::TOKEN_DELETED;
}

std::string trigger_stream(WebhookId webhook, std::string_view unique) {
  return fmt::format("{}{}-{}", trigger_prefix, webhook.text(), unique);
}

std::optional<WebhookId> webhook_of_trigger(std::string_view stream) {
  if (!stream.starts_with(trigger_prefix)) return std::nullopt;
  stream.remove_prefix(trigger_prefix.size());
  // WH-NNN-NNN-NNN: the fourth hyphen ends it.
  std::size_t end = 0;
  for (int hyphens = 0; hyphens < 4; ++hyphens) {
    end = stream.find('-', hyphens == 0 ? 0 : end + 1);
    if (end == std::string_view::npos) return std::nullopt;
  }
  if (end + 1 == stream.size()) return std::nullopt;
  return WebhookId::parse(stream.substr(0, end));
}

}  // namespace mintmark
