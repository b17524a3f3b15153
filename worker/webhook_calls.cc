#include "worker/webhook_calls.h"

#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/url/parse.hpp>
#include <fmt/format.h>

#include "domain/token.h"
#include "worker/job_key.h"
#include "worker/job_planner.h"

namespace mintmark {
namespace {

namespace json = boost::json;

constexpr std::size_t opened_max = 4096;  // webhooks whose secrets stay in memory
constexpr int processing_timeout_s = 600;

std::unexpected<Error> not_found() {
  return fail(ErrorKind::kNotFound, "Webhook not found.");
}

std::unexpected<Error> does_not_open() {
  return fail(ErrorKind::kUnavailable, "The webhook does not open under its data key.");
}

json::value date_or_null(std::int64_t microseconds) {
  if (microseconds == 0) return nullptr;
  return json::value(format_time(Time(std::chrono::microseconds(microseconds))));
}

json::value date_or_null(const std::optional<Time>& time) {
  return time ? json::value(format_time(*time)) : json::value(nullptr);
}

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

std::string_view status_of(const Token& token) {
  switch (token.status) {
    case TokenStatus::kPending:
      return "pending";
    case TokenStatus::kInactive:
      return "inactive";
    case TokenStatus::kExpired:
      return "expired";
    case TokenStatus::kDeleted:
    case TokenStatus::kAbsent:
      return "deleted";
    case TokenStatus::kActive:
      break;
  }
  if (token.renewal) return "revitalised";
  return token.expiring ? "expiring" : "active";
}

std::string host_of(const std::string& url) {
  const auto parsed = boost::urls::parse_uri(url);
  if (parsed.has_error()) return url;
  return fmt::format("{}:{}", std::string(parsed->encoded_host()), std::string(parsed->port()));
}

json::object parse_object(const std::string& text) {
  boost::system::error_code code;
  auto value = json::parse(text, code);
  return !code && value.is_object() ? std::move(value.as_object()) : json::object();
}

}  // namespace

Result<WebhookCalls::Opened> WebhookCalls::open(const WebhookRow& row) {
  const auto id = WebhookId::parse(row.webhook_id());
  if (!id) return not_found();
  {
    const std::scoped_lock lock(mutex_);
    const auto found = opened_.find(id->value());
    if (found != opened_.end() && found->second.version == row.delivery_version()) return found->second;
  }
  const auto subject = stream_of(*id);
  const auto key = vault_.get(subject);
  if (!key) return std::unexpected(key.error());
  if (!*key) return not_found();
  const auto text = Vault::open(**key, subject, row.delivery_version(), row.delivery());
  Opened opened{row.delivery_version(), **key, {}};
  if (!text || !opened.delivery.ParseFromString(*text)) return does_not_open();
  const std::scoped_lock lock(mutex_);
  if (opened_.size() >= opened_max) opened_.clear();
  return opened_[id->value()] = std::move(opened);
}

// What is configured, and over it what the event says.
Result<json::object> WebhookCalls::data(const StoredJob& delivery, const Opened& opened) {
  auto data = parse_object(opened.delivery.data());
  json::object said;
  if (delivery.event_kind() == Event::kWebhookTriggered) {
    const auto events = log_.read(delivery.key().position() - 1, 1);
    const auto& recorded = events.at(0).recorded;
    const auto text = Vault::open(opened.key, recorded.stream(), recorded.version(),
                                  recorded.event().webhook_triggered().data());
    if (!text) return does_not_open();
    said = parse_object(*text);
  } else if (delivery.event_kind() == Event::kWebhookTestRequested) {
    said["test"] = true;
  } else {
    said = token_data(log_, delivery.event_stream(), delivery.event_version());
    said["event"] = event_type_name(delivery.event_kind());
  }
  for (auto& [name, value] : said) data.insert_or_assign(name, std::move(value));
  return data;
}

Result<std::string> WebhookCalls::body(const StoredJob& delivery, const WebhookRow& row,
                                       const Opened& opened) {
  auto event_data = data(delivery, opened);
  if (!event_data) return std::unexpected(event_data.error());
  const json::object body{
      {"webhook_id", row.webhook_id()},
      {"webhook_name", row.label()},
      {"object_class", row.object_class()},
      {"account_id", row.account_id()},
      {"product_id", text_or_null(row.product_id())},
      {"api_url", public_url_.empty() ? json::value(nullptr) : json::value(public_url_ + "/public/v1")},
      {"triggered_at", date_or_null(delivery.created_us())},
      {"last_success_at", date_or_null(delivery.last_success_us())},
      {"last_failure_at", date_or_null(delivery.last_failure_us())},
      {"processing_timeout", processing_timeout_s},
      {"data", std::move(*event_data)},
  };
  return json::serialize(body);
}

Result<WebhookCalls::Call> WebhookCalls::make(const StoredJob& delivery, Time now) {
  const auto row = webhooks_.find(webhook_of(key_of(delivery.key())));
  if (!row) return not_found();
  const auto opened = open(*row);
  if (!opened) return std::unexpected(opened.error());
  auto text = body(delivery, *row, *opened);
  if (!text) return std::unexpected(text.error());
  Call call{{row->http_method(), opened->delivery.external_url(), {}, std::move(*text)},
            host_of(opened->delivery.external_url())};
  auto& headers = call.request.headers;
  headers.emplace_back("Content-Type", "application/json");
  for (const auto& header : opened->delivery.headers()) headers.emplace_back(header.name(), header.value());
  WebhookSecrets secrets{opened->delivery.jwt_secret(), {}};
  const auto until = Time(std::chrono::microseconds(opened->delivery.previous_secret_until_us()));
  if (now < until) secrets.previous = opened->delivery.previous_jwt_secret();
  for (auto& header : sign_(secrets, row->webhook_id(), message_id(delivery), now, call.request.body)) {
    headers.push_back(std::move(header));
  }
  return call;
}

Result<WebhookCalls::Shown> WebhookCalls::show(const StoredJob& delivery) {
  const auto row = webhooks_.find(webhook_of(key_of(delivery.key())));
  if (!row) return not_found();
  const auto opened = open(*row);
  if (!opened) return std::unexpected(opened.error());
  auto text = body(delivery, *row, *opened);
  if (!text) return std::unexpected(text.error());
  return Shown{row->http_method(), std::move(*text)};
}

void WebhookCalls::forget_deleted() {
  const std::scoped_lock lock(mutex_);
  std::erase_if(opened_,
                [this](const auto& entry) { return !webhooks_.find(WebhookId::from_value(entry.first)); });
}

json::object token_data(EventLog& log, const std::string& stream, std::uint64_t version) {
  Token token;
  std::int64_t created_us = 0;
  for (const auto& event : log.read_stream(stream, 0)) {
    if (event.recorded.version() > version) break;
    if (event.recorded.version() == 1) created_us = event.recorded.recorded_at_us();
    evolve(token, event.recorded.event());
  }
  const auto id = std::string_view(stream).substr(std::string_view("token-").size());
  return {
      {"id", id},
      {"name", token.name},
      {"description", token.description},
      {"external_id", token.external_id},
      {"owner", {{"id", token.account ? token.account->text() : ""}}},
      {"status", status_of(token)},
      {"extension", {{"id", extension_id(token.extension)}, {"name", extension_name(token.extension)}}},
      {"events", {{"created", {{"at", date_or_null(created_us)}}}}},
      {"expiration_date", date_or_null(token.expires_at)},
      {"renewed_expiration_date", date_or_null(token.renewal ? token.renewal->expires_at : std::nullopt)},
  };
}

}  // namespace mintmark
