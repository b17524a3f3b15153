#include "projections/webhook_list.h"

#include <algorithm>
#include <map>
#include <string>

#include "domain/webhook.h"
#include "eventstore/bytes.h"
#include "eventstore/rocksdb_strings.h"
#include "projections/created.h"
#include "projections/row_keys.h"

namespace mintmark {
namespace {

// Keys:  w webhook → WebhookRow      a account, created position → the webhook's key
std::string webhook_key(WebhookId id) {
  std::string key = "w";
  put_big_endian(key, id.value());
  return key;
}

std::optional<WebhookRow> parse_webhook_row(const std::optional<std::string>& stored) {
  WebhookRow row;
  if (!stored || !row.ParseFromString(*stored)) return std::nullopt;
  return row;
}

Result<void> create_webhook_row(const Recorded& recorded, RowWriter& rows) {
  const auto& created = recorded.event().webhook_created();
  const auto id = WebhookId::parse(created.webhook_id());
  const auto account = AccountId::parse(created.account_id());
  if (!id || !account) return cannot_apply("its ids are malformed");
  const auto key = webhook_key(*id);
  WebhookRow row;
  row.set_webhook_id(created.webhook_id());
  row.set_account_id(created.account_id());
  row.set_type(created.type());
  row.set_object_class(created.object_class());
  row.set_label(created.label());
  row.set_description(created.description());
  row.set_product_id(created.product_id());
  row.set_http_method(created.http_method());
  row.set_active(created.active());
  *row.mutable_delivery() = created.delivery();
  row.set_delivery_version(recorded.version());
  *row.mutable_created() = created_by(recorded);
  row.set_version(recorded.version());
  row.set_created_position(recorded.position());
  rows.put(key, row.SerializeAsString());
  rows.put(account_key(*account, recorded.position()), key);
  return {};
}

void update(const Recorded& recorded, WebhookRow& row) {
  const auto& updated = recorded.event().webhook_updated();
  if (updated.has_type()) row.set_type(updated.type());
  if (updated.has_object_class()) row.set_object_class(updated.object_class());
  if (updated.has_label()) row.set_label(updated.label());
  if (updated.has_description()) row.set_description(updated.description());
  if (updated.has_product_id()) row.set_product_id(updated.product_id());
  if (updated.has_http_method()) row.set_http_method(updated.http_method());
  if (updated.has_active()) {
    row.set_active(updated.active());
    row.clear_unsubscribed();
    row.clear_disabled_since_us();
  }
  if (updated.has_delivery()) {
    *row.mutable_delivery() = updated.delivery();
    row.set_delivery_version(recorded.version());
  }
  *row.mutable_modified() = created_by(recorded);
}

// What the worker says of it.
void follow(const Event& event, WebhookRow& row) {
  if (event.has_webhook_disabled()) {
    row.set_active(false);
    row.set_disabled_since_us(event.webhook_disabled().failing_since_us());
  } else if (event.has_webhook_unsubscribed()) {
    row.set_active(false);
    row.set_unsubscribed(true);
  } else if (event.has_webhook_paused()) {
    row.set_paused(true);
  } else if (event.has_webhook_resumed()) {
    row.set_paused(false);
  }
}

bool concerns_webhooks(const Event& event) {
  return event.has_webhook_updated() || event.has_webhook_triggered() || event.has_webhook_deleted() ||
         event.has_webhook_disabled() || event.has_webhook_unsubscribed() || event.has_webhook_paused() ||
         event.has_webhook_resumed() || event.has_webhook_test_requested();
}

void count(const DeliveryAttempt& attempt, WebhookRow& row) {
  if (attempt.attempt() == 1 && !attempt.triggered()) {
    row.set_events(row.events() + 1);
    row.set_last_event_at_us(attempt.started_at_us());
  }
  const bool success = attempt.failure() == ATTEMPT_SUCCEEDED;
  auto& last = success ? *row.mutable_last_success() : *row.mutable_last_failure();
  last.set_started_at_us(attempt.started_at_us());
  last.set_duration_us(attempt.duration_us());
  last.set_status(attempt.status());
  last.set_failure(attempt.failure());
  row.set_next_attempt_at_us(attempt.next_attempt_at_us());
  if (success) {
    row.set_successes(row.successes() + 1);
    row.set_failures_since_success(0);
  } else {
    row.set_failures(row.failures() + 1);
    row.set_failures_since_success(row.failures_since_success() + 1);
  }
}

// Attempts at webhooks that are deleted by now count nowhere; tests are no events.
void count(const WebhookDeliveriesRecorded& recorded, RowWriter& rows) {
  std::map<std::uint32_t, std::optional<WebhookRow>> touched;
  for (const auto& attempt : recorded.attempts()) {
    const auto& job = attempt.job();
    if (job.kind() != DELIVER_WEBHOOK || job.target() >= WebhookId::value_end) continue;
    auto found = touched.find(job.target());
    if (found == touched.end()) {
      const auto key = webhook_key(WebhookId::from_value(job.target()));
      found = touched.emplace(job.target(), parse_webhook_row(rows.get(key))).first;
    }
    if (found->second) count(attempt, *found->second);
  }
  for (const auto& [webhook, row] : touched) {
    if (row) rows.put(webhook_key(WebhookId::from_value(webhook)), row->SerializeAsString());
  }
}

void count_trigger(const Recorded& recorded, WebhookRow& row) {
  row.set_events(row.events() + 1);
  row.set_last_event_at_us(recorded.recorded_at_us());
}

// A trigger on a stream of its own. Where the webhook was deleted meanwhile there is nothing to count it at.
void count_trigger(const Recorded& recorded, WebhookId id, RowWriter& rows) {
  const auto key = webhook_key(id);
  auto row = parse_webhook_row(rows.get(key));
  if (!row || !recorded.event().has_webhook_triggered()) return;
  count_trigger(recorded, *row);
  rows.put(key, row->SerializeAsString());
}

Result<void> change_webhook_row(const Recorded& recorded, RowWriter& rows) {
  const auto id =
      WebhookId::parse(std::string_view(recorded.stream()).substr(std::string_view("webhook-").size()));
  if (!id) return cannot_apply("its stream's name is malformed");
  const auto key = webhook_key(*id);
  auto row = parse_webhook_row(rows.get(key));
  const auto account = row ? AccountId::parse(row->account_id()) : std::nullopt;
  if (!account) return cannot_apply("there is no such webhook");
  const auto& event = recorded.event();
  if (ends_webhook(event)) {
    rows.erase(key);
    rows.erase(account_key(*account, row->created_position()));
    return {};
  }
  row->set_version(recorded.version());
  if (event.has_webhook_updated()) {
    update(recorded, *row);
  } else if (!event.has_webhook_triggered()) {
    follow(event, *row);
  } else {
    count_trigger(recorded, *row);
  }
  rows.put(key, row->SerializeAsString());
  return {};
}

}  // namespace

Result<void> WebhookList::apply_event(const StoredEvent& event, RowWriter& rows) {
  const auto& kind = event.recorded.event();
  if (kind.has_webhook_created()) return create_webhook_row(event.recorded, rows);
  if (const auto webhook = webhook_of_trigger(event.recorded.stream())) {
    count_trigger(event.recorded, *webhook, rows);
    return {};
  }
  if (concerns_webhooks(kind)) return change_webhook_row(event.recorded, rows);
  if (kind.has_webhook_deliveries_recorded()) count(kind.webhook_deliveries_recorded(), rows);
  return {};
}

std::optional<WebhookRow> WebhookList::find(WebhookId id) const {
  return parse_webhook_row(view().get(webhook_key(id)));
}

bool WebhookList::belongs(WebhookId id, AccountId account) const {
  return view().has_value(account_prefix(account), webhook_key(id));
}

std::vector<WebhookRow> WebhookList::of(AccountId account) const {
  std::vector<WebhookRow> webhooks;
  const auto prefix = account_prefix(account);
  const auto it = view().rows();
  for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix); it->Next()) {
    if (auto row = parse_webhook_row(view().get(mintmark::view(it->value()))))
      webhooks.push_back(std::move(*row));
  }
  throw_unless_ok(it->status());
  std::ranges::reverse(webhooks);
  return webhooks;
}

}  // namespace mintmark
