#include "worker/webhook_calls.h"

#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "domain/token.h"
#include "worker/job_key.h"
#include "worker/job_planner.h"
#include "worker/outbound_url.h"

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

// A member of an object, with the comma behind it.
void append_date(std::string_view member, std::int64_t microseconds, std::string& out) {
  out.append(member);
  if (microseconds == 0) {
    out.append("null,");
  } else {
    out.append(1, '"').append(format_time(Time(std::chrono::microseconds(microseconds)))).append("\",");
  }
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

std::shared_ptr<const OutboundTarget> target_of(const WebhookRow& row, const WebhookDelivery& delivery) {
  OutboundHeaders headers{{"Content-Type", "application/json"}};
  for (const auto& header : delivery.headers()) headers.emplace_back(header.name(), header.value());
  return std::make_shared<const OutboundTarget>(row.http_method(), delivery.external_url(),
                                                std::move(headers));
}

WebhookSecrets secrets_of(const WebhookDelivery& delivery) {
  WebhookSecrets secrets{WebhookKey(delivery.jwt_secret())};
  if (delivery.previous_secret_until_us() != 0) {
    secrets.previous.emplace(delivery.previous_jwt_secret());
    secrets.previous_until = Time(std::chrono::microseconds(delivery.previous_secret_until_us()));
  }
  return secrets;
}

json::object parse_object(const std::string& text) {
  boost::system::error_code code;
  auto value = json::parse(text, code);
  return !code && value.is_object() ? std::move(value.as_object()) : json::object();
}

}  // namespace

std::string host_of_call(const std::string& url) {
  const auto parsed = parse_outbound_url(url);
  return parsed ? fmt::format("{}:{}", parsed->host, parsed->port) : url;
}

Result<WebhookCalls::OpenedPointer> WebhookCalls::open(WebhookId webhook, std::uint64_t version) {
  {
    const std::scoped_lock lock(mutex_);
    const auto found = opened_.find(webhook.value());
    if (found != opened_.end() && found->second->version == version) return found->second;
  }
  auto opened = read(webhook, version);
  if (!opened) return opened;
  const std::scoped_lock lock(mutex_);
  if (opened_.size() >= opened_max) opened_.clear();
  return opened_[webhook.value()] = std::move(*opened);
}

Result<WebhookCalls::OpenedPointer> WebhookCalls::read(WebhookId webhook, std::uint64_t version) {
  const auto row = webhooks_.find(webhook);
  if (!row) return not_found();
  const auto subject = stream_of(webhook);
  const auto key = vault_.get(subject);
  if (!key) return std::unexpected(key.error());
  if (!*key) return not_found();
  const auto text = Vault::open(**key, subject, row->delivery_version(), row->delivery());
  WebhookDelivery delivery;
  if (!text || !delivery.ParseFromString(*text)) return does_not_open();
  auto target = target_of(*row, delivery);
  auto host = host_of_call(target->url());
  auto body_begin = json::serialize(json::object{
      {"webhook_id", row->webhook_id()},
      {"webhook_name", row->label()},
      {"object_class", row->object_class()},
      {"account_id", row->account_id()},
      {"product_id", text_or_null(row->product_id())},
      {"api_url", public_url_.empty() ? json::value(nullptr) : json::value(public_url_ + "/public/v1")},
      {"processing_timeout", processing_timeout_s},
  });
  body_begin.back() = ',';
  return std::make_shared<const Opened>(Opened{version, **key, row->webhook_id(), std::move(target),
                                               std::move(host), std::move(body_begin),
                                               parse_object(delivery.data()), secrets_of(delivery)});
}

// What is configured, and over it what the event says. As it stands where nothing is configured: an event's
// data is the text of an object that we have written.
Result<std::string> WebhookCalls::data(const StoredJob& delivery, const Opened& opened) {
  json::object said;
  if (delivery.event_kind() == Event::kWebhookTriggered) {
    const auto events = log_.read(delivery.key().position() - 1, 1);
    const auto& recorded = events.at(0).recorded;
    auto text = Vault::open(opened.key, recorded.stream(), recorded.version(),
                            recorded.event().webhook_triggered().data());
    if (!text) return does_not_open();
    if (opened.data.empty() && text->starts_with('{')) return std::move(*text);
    said = parse_object(*text);
  } else if (delivery.event_kind() == Event::kWebhookTestRequested) {
    said["test"] = true;
  } else {
    said = token_data(log_, delivery.event_stream(), delivery.event_version(), extensions_);
    said["event"] = event_type_name(delivery.event_kind());
  }
  auto data = opened.data;
  for (auto& [name, value] : said) data.insert_or_assign(name, std::move(value));
  return json::serialize(data);
}

Result<std::string> WebhookCalls::body(const StoredJob& delivery, const Opened& opened) {
  const auto event_data = data(delivery, opened);
  if (!event_data) return std::unexpected(event_data.error());
  std::string body;
  body.reserve(opened.body_begin.size() + event_data->size() + 192);
  body.append(opened.body_begin);
  append_date(R"("triggered_at":)", delivery.created_us(), body);
  append_date(R"("last_success_at":)", delivery.last_success_us(), body);
  append_date(R"("last_failure_at":)", delivery.last_failure_us(), body);
  return body.append(R"("data":)").append(*event_data).append("}");
}

Result<void> WebhookCalls::check_url(std::string_view url) const {
  const auto checked = check_outbound_url(url, policy_);
  if (checked) return {};
  return fail(ErrorKind::kInvalid, fmt::format("external_url: {}", checked.error().reason));
}

Result<WebhookCalls::Call> WebhookCalls::make(const StoredJob& delivery, std::uint64_t version, Time now) {
  const auto opened = open(webhook_of(key_of(delivery.key())), version);
  if (!opened) return std::unexpected(opened.error());
  auto text = body(delivery, **opened);
  if (!text) return std::unexpected(text.error());
  auto headers = sign_((*opened)->secrets, (*opened)->webhook_id, message_id(delivery), now, *text);
  return Call{{(*opened)->target, std::move(headers), std::move(*text)}, (*opened)->host};
}

Result<WebhookCalls::Shown> WebhookCalls::show(const StoredJob& delivery) {
  const auto opened = read(webhook_of(key_of(delivery.key())), 0);
  if (!opened) return std::unexpected(opened.error());
  auto text = body(delivery, **opened);
  if (!text) return std::unexpected(text.error());
  return Shown{(*opened)->target->method(), std::move(*text)};
}

// Reads without the lock: calls go on meanwhile.
void WebhookCalls::forget_deleted() {
  std::vector<std::uint32_t> all;
  {
    const std::scoped_lock lock(mutex_);
    all.reserve(opened_.size());
    for (const auto& [webhook, opened] : opened_) all.push_back(webhook);
  }
  std::erase_if(all, [this](auto webhook) { return webhooks_.find(WebhookId::from_value(webhook)); });
  const std::scoped_lock lock(mutex_);
  for (const auto webhook : all) opened_.erase(webhook);
}

namespace {

json::object represent_extension_of(const Token& token, const std::string& own_id,
                                    const ExtensionList* extensions) {
  const auto own = ExtensionId::parse(own_id);
  if (!own) return {{"id", extension_id(token.extension)}, {"name", extension_name(token.extension)}};
  const auto row = extensions ? extensions->find(*own) : std::nullopt;
  return {{"id", own_id}, {"name", row ? row->details().name() : ""}};
}

}  // namespace

json::object token_data(EventLog& log, const std::string& stream, std::uint64_t version,
                        const ExtensionList* extensions) {
  Token token;
  std::string own_extension;
  std::int64_t created_us = 0;
  for (const auto& event : log.read_stream(stream, 0)) {
    if (event.recorded.version() > version) break;
    if (event.recorded.version() == 1) {
      created_us = event.recorded.recorded_at_us();
      own_extension = event.recorded.event().token_created().extension_id();
    }
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
      {"extension", represent_extension_of(token, own_extension, extensions)},
      {"events", {{"created", {{"at", date_or_null(created_us)}}}}},
      {"expiration_date", date_or_null(token.expires_at)},
      {"renewed_expiration_date", date_or_null(token.renewal ? token.renewal->expires_at : std::nullopt)},
  };
}

}  // namespace mintmark
