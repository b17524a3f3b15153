#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "api/errors.h"
#include "api/handlers.h"
#include "api/job_service.h"
#include "api/json.h"
#include "api/list_response.h"
#include "api/representation.h"
#include "api/webhook_service.h"
#include "domain/limits.h"
#include "worker/attempts.h"
#include "worker/outbound_url.h"

namespace mintmark {
namespace {

namespace json = boost::json;

// The webhook in the path; an id that is none is as unknown as one that nobody has.
Result<WebhookId> webhook_in_path(const Context& context) {
  const auto id = WebhookId::parse(context.parameters[0]);
  if (!id) return fail(ErrorKind::kNotFound, "Webhook not found.");
  return *id;
}

// Whether a call can go to it as it stands. Whether one may is for the operator to say.
bool is_callable(const std::string& text) {
  return text.find('#') == std::string::npos && parse_outbound_url(text).has_value();
}

std::optional<std::vector<std::pair<std::string, std::string>>> read_headers(JsonFields& fields,
                                                                             FieldErrors& errors) {
  const auto* object = fields.object("headers");
  if (!object) return std::nullopt;
  std::vector<std::pair<std::string, std::string>> headers;
  for (const auto& [name, value] : *object) {
    if (!value.is_string()) {
      errors.add("headers", "Every value must be a string.");
      return std::nullopt;
    }
    headers.emplace_back(name, value.as_string());
  }
  return headers;
}

Result<WebhookInput> read_input(const Context& context, bool is_new) {
  const auto body = parse_json_object(context.request.body());
  if (!body) return std::unexpected(body.error());
  FieldErrors errors;
  JsonFields fields(*body, errors);
  const auto text = [&](std::string_view name) {
    return is_new ? fields.required_text(name) : fields.text(name);
  };
  WebhookInput input;
  input.label = text("label");
  input.object_class = text("object_class");
  input.external_url = text("external_url");
  input.type = fields.text("type");
  input.description = fields.text("description", true);
  input.product_id = fields.text("product_id", true);
  input.http_method = fields.text("http_method");
  input.active = fields.boolean("active");
  input.jwt_secret = fields.text("jwt_secret");
  input.headers = read_headers(fields, errors);
  if (const auto* data = fields.object("data")) input.data = json::serialize(*data);
  if (input.external_url && !is_callable(*input.external_url)) {
    errors.add("external_url", "Must be an absolute http or https URL without user, password and fragment.");
  }
  if (errors.any()) return std::move(errors).error();
  return input;
}

// Who it was, as this resource shows people: without an address where there is none.
json::object represent_person(const Context& context, const Actor& actor) {
  auto person = represent_actor(context.services, actor, context.caller.account);
  if (person.at("email").is_null()) person.erase("email");
  return person;
}

json::value date_or_null(bool there, std::int64_t microseconds) {
  if (!there) return nullptr;
  return json::value(format_time(Time(std::chrono::microseconds(microseconds))));
}

// The contract's LastTriggerInfo, of which `response` is never kept; and what failed, for programs.
json::object represent_attempt(const AttemptRow& attempt) {
  const bool success = attempt.failure() == ATTEMPT_SUCCEEDED;
  return {{"time", date_or_null(true, attempt.started_at_us())},
          {"response", json::object()},
          {"duration", attempt.duration_us() / 1000},
          {"status", success ? "success" : "failure"},
          {"status_code", attempt.status() == 0 ? json::value(nullptr) : json::value(attempt.status())},
          {"errors", describe(attempt.failure(), attempt.status())},
          {"failure", success ? json::value(nullptr) : json::value(failure_code(attempt.failure()))}};
}

// Why nothing is called, for people.
json::value inactive_reason(const WebhookRow& row) {
  if (row.unsubscribed()) return "Its receiver answered 410 Gone.";
  if (row.has_disabled_since_us()) {
    return json::value(fmt::format("Every call has failed since {}.",
                                   format_time(Time(std::chrono::microseconds(row.disabled_since_us())))));
  }
  if (row.paused()) return "The token that made it is not active.";
  return nullptr;
}

// The same for programs.
json::value inactive_code(const WebhookRow& row) {
  if (row.unsubscribed()) return "gone";
  if (row.has_disabled_since_us()) return "failing";
  if (row.paused()) return "token_inactive";
  return nullptr;
}

// `last_success`, `last_failure`, `product` and `modified_by` may not be null in the contract: without one
// they are not there. An auditor sees neither the secret nor the headers' values.
Result<json::object> represent_webhook(const Context& context, const WebhookRow& row) {
  auto& services = context.services;
  const auto delivery = open_delivery(services, row);
  if (!delivery) return std::unexpected(delivery.error());
  const bool shows_secrets = context.caller.role != AUDITOR;
  json::object headers;
  for (const auto& header : delivery->headers()) {
    headers[header.name()] = shows_secrets ? json::value(header.value()) : json::value(nullptr);
  }
  const auto account = AccountId::parse(row.account_id());
  const auto account_row = account ? services.directory.account(*account) : std::nullopt;
  json::object webhook{
      {"id", row.webhook_id()},
      {"type", row.type()},
      {"object_class", row.object_class()},
      {"label", row.label()},
      {"active", row.active()},
      {"external_url", delivery->external_url()},
      {"jwt_secret", shows_secrets ? json::value(delivery->jwt_secret()) : json::value(nullptr)},
      {"description", row.description().empty() ? json::value(nullptr) : json::value(row.description())},
      {"http_method", row.http_method()},
      {"data", json::parse(delivery->data())},
      {"headers", std::move(headers)},
      {"api_url",
       fmt::format("{}/public/v1/notifications/webhooks/{}", services.public_url, row.webhook_id())},
      {"created_at", date_or_null(true, row.created().at_us())},
      {"created_by", represent_person(context, row.created().by())},
      {"modified_at", date_or_null(row.has_modified(), row.modified().at_us())},
      {"account", {{"id", row.account_id()}, {"name", account_row ? account_row->name() : ""}}},
      {"earliest_possible_trigger", date_or_null(row.next_attempt_at_us() != 0, row.next_attempt_at_us())},
      {"paused", row.paused()},
      {"inactive_reason", inactive_reason(row)},
      {"inactive_code", inactive_code(row)},
      {"inactive_since",
       date_or_null(row.has_disabled_since_us() && !row.unsubscribed(), row.disabled_since_us())},
      {"stats",
       {{"events", row.events()},
        {"triggers", row.successes() + row.failures()},
        {"success_triggers", row.successes()},
        {"failure_triggers", row.failures()},
        {"failure_since_last_success", row.failures_since_success()}}},
      {"last_event", date_or_null(row.has_last_event_at_us(), row.last_event_at_us())},
  };
  if (row.has_last_success()) webhook["last_success"] = represent_attempt(row.last_success());
  if (row.has_last_failure()) webhook["last_failure"] = represent_attempt(row.last_failure());
  if (row.has_modified()) webhook["modified_by"] = represent_person(context, row.modified().by());
  // There is no catalogue of products here to look a name up in.
  if (!row.product_id().empty()) webhook["product"] = {{"id", row.product_id()}, {"name", row.product_id()}};
  return webhook;
}

Result<json::object> read_webhook(const Context& context, WebhookId id) {
  const auto row = context.services.webhooks.find(id);
  if (!row || row->account_id() != context.caller.account.text()) {
    return fail(ErrorKind::kNotFound, "Webhook not found.");
  }
  return represent_webhook(context, *row);
}

awaitable<http::Response> answer_webhook(Context& context, int status, Result<ChangedWebhook> changed) {
  if (!changed) co_return error_response(changed.error());
  auto read = [&context, &changed] { return read_webhook(context, changed->id); };
  const auto webhook = co_await context.services.blocking.run(std::move(read));
  if (!webhook) co_return error_response(webhook.error());
  auto response = json_response(status, *webhook);
  response.headers.emplace_back("Cache-Control", "no-store");
  add_position(response, changed->position);
  co_return response;
}

}  // namespace

awaitable<http::Response> list_webhooks(Context& context) {
  const auto wanted = parse_list_query(context.request.query());
  if (!wanted) co_return error_response(wanted.error());
  auto read = [&context, &wanted]() -> Result<http::Response> {
    json::array webhooks;
    for (const auto& row : context.services.webhooks.of(context.caller.account)) {
      auto webhook = represent_webhook(context, row);
      // Deleted between the row and its data key.
      if (!webhook && webhook.error().kind == ErrorKind::kNotFound) continue;
      if (!webhook) return std::unexpected(std::move(webhook.error()));
      webhooks.push_back(std::move(*webhook));
    }
    return respond_with_list(std::move(webhooks), webhook_fields, *wanted);
  };
  auto response = co_await context.services.scans.answer(context.caller.account, std::move(read));
  response.headers.emplace_back("Cache-Control", "no-store");
  co_return response;
}

awaitable<http::Response> create_webhook(Context& context) {
  auto input = read_input(context, true);
  if (!input) co_return error_response(input.error());
  auto created = co_await create_webhook(context.services, context.caller, std::move(*input));
  co_return co_await answer_webhook(context, 201, std::move(created));
}

awaitable<http::Response> get_webhook(Context& context) {
  const auto id = webhook_in_path(context);
  if (!id) co_return error_response(id.error());
  co_return co_await answer_webhook(context, 200, ChangedWebhook{*id, 0});
}

awaitable<http::Response> update_webhook(Context& context) {
  const auto id = webhook_in_path(context);
  if (!id) co_return error_response(id.error());
  auto input = read_input(context, false);
  if (!input) co_return error_response(input.error());
  auto changed = co_await update_webhook(context.services, context.caller, *id, std::move(*input));
  co_return co_await answer_webhook(context, 200, std::move(changed));
}

awaitable<http::Response> delete_webhook(Context& context) {
  const auto id = webhook_in_path(context);
  if (!id) co_return error_response(id.error());
  const auto deleted = co_await delete_webhook(context.services, context.caller, *id);
  if (!deleted) co_return error_response(deleted.error());
  http::Response response;
  add_position(response, deleted->position);
  co_return response;
}

awaitable<http::Response> trigger_webhook(Context& context) {
  const auto id = webhook_in_path(context);
  if (!id) co_return error_response(id.error());
  std::string data = "{}";
  if (!context.request.body().empty()) {
    const auto body = parse_json_object(context.request.body());
    if (!body) co_return error_response(body.error());
    FieldErrors errors;
    const auto* given = JsonFields(*body, errors).object("data");
    if (given) data = json::serialize(*given);
    if (data.size() > limits::webhook_data_bytes_max) {
      errors.add("data", fmt::format("Must take no more than {} bytes.", limits::webhook_data_bytes_max));
    }
    if (errors.any()) co_return error_response(std::move(errors).error().error());
  }
  const auto triggered = co_await trigger_webhook(context.services, context.caller, *id, std::move(data));
  if (!triggered) co_return error_response(triggered.error());
  co_return http::Response{200, "", "", {}};  // the contract gives it no body
}

// 202 with the delivery: what comes of it shows among the webhook's deliveries, under its id.
awaitable<http::Response> test_webhook(Context& context) {
  const auto id = webhook_in_path(context);
  if (!id) co_return error_response(id.error());
  const auto tested = co_await test_webhook(context.services, context.caller, *id);
  if (!tested) co_return error_response(tested.error());
  auto read = [&context, &tested]() -> Result<json::object> {
    const auto view = context.services.jobs.view({tested->position, TEST_WEBHOOK, tested->id.value()});
    if (!view) return fail(ErrorKind::kNotFound, "Webhook not found.");  // deleted a moment ago
    JobRepresentation representation(context.services);
    auto shown = representation.delivery(*view);
    representation.add_request(*view, shown);
    return shown;
  };
  const auto delivery = co_await context.services.blocking.run(std::move(read));
  if (!delivery) co_return error_response(delivery.error());
  auto response = json_response(202, *delivery);
  response.headers.emplace_back("Cache-Control", "no-store");
  co_return response;
}

awaitable<http::Response> list_deliveries(Context& context) {
  const auto id = webhook_in_path(context);
  if (!id) co_return error_response(id.error());
  const auto query = parse_list_query(context.request.query());
  if (!query) co_return error_response(query.error());
  auto read = [&context, &id, &query] {
    return show_deliveries(context.services, context.caller.account, *id, *query);
  };
  auto response = co_await context.services.blocking.run(std::move(read));
  if (!response) co_return error_response(response.error());
  response->headers.emplace_back("Cache-Control", "no-store");
  co_return std::move(*response);
}

}  // namespace mintmark
