#include "projections/webhook_list.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/webhook.h"
#include "eventstore/memory_log.h"
#include "tests/support/history.h"
#include "tests/support/view_folder.h"

namespace mintmark::webhook_list_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace ::mintmark::testing;

class WebhookListTest : public ::testing::Test {
 protected:
  WebhookList& webhooks() {
    feed(log_, webhooks_);
    return webhooks_;
  }

  Position create(std::uint32_t number, AccountId account, const std::string& label) {
    const auto id = WebhookId::from_value(number);
    Event event;
    auto& created = *event.mutable_webhook_created();
    created.set_webhook_id(id.text());
    created.set_account_id(account.text());
    created.set_label(label);
    created.mutable_delivery()->set_ciphertext("sealed 1");
    return history_.add(stream_of(id), event);
  }
  Position add(std::uint32_t number, const Event& event) {
    return history_.add(stream_of(WebhookId::from_value(number)), event);
  }

  static std::vector<std::string> labels(const std::vector<WebhookRow>& rows) {
    std::vector<std::string> labels;
    for (const auto& row : rows) labels.push_back(row.label());
    return labels;
  }

  MemoryLog log_{event_id(1)};
  History history_{log_};
  ViewFolder views_;
  WebhookList webhooks_{views_.store().live(WebhookList::projection_name)};
};

TEST_F(WebhookListTest, AnAccountsWebhooksStandNewestFirst) {
  create(5, vendor(1), "first");
  create(2, vendor(2), "other");
  create(3, vendor(1), "second");
  EXPECT_THAT(labels(webhooks().of(vendor(1))), ElementsAre("second", "first"));
  EXPECT_THAT(labels(webhooks().of(vendor(2))), ElementsAre("other"));
  EXPECT_THAT(webhooks().of(vendor(3)), IsEmpty());
  EXPECT_EQ(webhooks().find(WebhookId::from_value(4)), std::nullopt);
}

TEST_F(WebhookListTest, AChangeKeepsTheSealItDoesNotTouch) {
  create(5, vendor(1), "Orders");
  Event renamed;
  renamed.mutable_webhook_updated()->set_label("Orders 2");
  const auto position = add(5, renamed);
  auto row = webhooks().find(WebhookId::from_value(5)).value_or(WebhookRow());
  EXPECT_EQ(row.label(), "Orders 2");
  EXPECT_EQ(row.delivery().ciphertext(), "sealed 1");
  EXPECT_EQ(row.delivery_version(), 1);
  EXPECT_EQ(row.modified().at_us(), History::recorded_at(position).time_since_epoch().count());
  Event moved;
  moved.mutable_webhook_updated()->mutable_delivery()->set_ciphertext("sealed 3");
  add(5, moved);
  row = webhooks().find(WebhookId::from_value(5)).value_or(WebhookRow());
  EXPECT_EQ(row.delivery().ciphertext(), "sealed 3");
  EXPECT_EQ(row.delivery_version(), 3);
}

TEST_F(WebhookListTest, TriggersAreCounted) {
  create(5, vendor(1), "Orders");
  EXPECT_FALSE(webhooks().find(WebhookId::from_value(5))->has_last_event_at_us());
  Event triggered;
  triggered.mutable_webhook_triggered();
  add(5, triggered);
  const auto position = add(5, triggered);
  const auto row = webhooks().find(WebhookId::from_value(5)).value_or(WebhookRow());
  EXPECT_EQ(row.events(), 2);
  EXPECT_EQ(row.last_event_at_us(), History::recorded_at(position).time_since_epoch().count());
  EXPECT_FALSE(row.has_modified());
}

TEST_F(WebhookListTest, TriggersOnStreamsOfTheirOwnAreCountedAndAreNoVersionOfTheWebhook) {
  create(5, vendor(1), "Orders");
  const auto id = WebhookId::from_value(5);
  Event event;
  event.mutable_webhook_triggered();
  history_.add(trigger_stream(id, "a"), event);
  const auto position = history_.add(trigger_stream(id, "b"), event);
  history_.add(trigger_stream(WebhookId::from_value(6), "c"), event);  // whose webhook is deleted
  event.mutable_webhook_test_requested();
  history_.add(trigger_stream(id, "d"), event);
  const auto row = webhooks().find(id).value_or(WebhookRow());
  EXPECT_EQ(row.events(), 2);
  EXPECT_EQ(row.last_event_at_us(), History::recorded_at(position).time_since_epoch().count());
  EXPECT_EQ(row.version(), 1);
  EXPECT_EQ(webhooks().parked_streams(), 0);
}

TEST_F(WebhookListTest, ADeletedWebhookIsGone) {
  create(5, vendor(1), "Orders");
  Event deleted;
  deleted.mutable_webhook_deleted();
  add(5, deleted);
  EXPECT_EQ(webhooks().find(WebhookId::from_value(5)), std::nullopt);
  EXPECT_THAT(webhooks().of(vendor(1)), IsEmpty());
  EXPECT_EQ(webhooks().parked_streams(), 0);
  add(6, deleted);
  EXPECT_EQ(webhooks().parked_streams(), 1) << "there was no such webhook";
}

DeliveryAttempt& add_attempt(Event& event, std::uint32_t webhook, std::uint32_t number,
                             std::uint32_t status) {
  auto& attempt = *event.mutable_webhook_deliveries_recorded()->add_attempts();
  attempt.mutable_job()->set_position(1);
  attempt.mutable_job()->set_kind(DELIVER_WEBHOOK);
  attempt.mutable_job()->set_target(webhook);
  attempt.set_attempt(number);
  attempt.set_started_at_us(number * 1000);
  attempt.set_status(status);
  attempt.set_failure(status == 200 ? ATTEMPT_SUCCEEDED : ATTEMPT_STATUS);
  return attempt;
}

TEST_F(WebhookListTest, AttemptsAreCountedAtTheirWebhookAndTestsAreNot) {
  create(5, vendor(1), "Orders");
  create(6, vendor(1), "Others");
  Event event;
  add_attempt(event, 5, 1, 503).set_next_attempt_at_us(9);
  add_attempt(event, 6, 1, 200).set_triggered(true);
  add_attempt(event, 5, 2, 503);
  add_attempt(event, 7, 1, 200);  // of one that is deleted
  add_attempt(event, 6, 1, 500).mutable_job()->set_kind(TEST_WEBHOOK);
  history_.add("deliveries", event);
  auto row = webhooks().find(WebhookId::from_value(5)).value_or(WebhookRow());
  EXPECT_EQ(row.failures(), 2);
  EXPECT_EQ(row.failures_since_success(), 2);
  EXPECT_EQ(row.last_failure().started_at_us(), 2000);
  EXPECT_FALSE(row.has_last_success());
  EXPECT_EQ(row.events(), 1) << "a token's event, and one";
  EXPECT_EQ(row.version(), 1) << "what became of deliveries is no version of the webhook";
  row = webhooks().find(WebhookId::from_value(6)).value_or(WebhookRow());
  EXPECT_EQ(row.successes(), 1);
  EXPECT_EQ(row.failures(), 0);
  EXPECT_EQ(row.events(), 0) << "counted when it was triggered";
  Event success;
  add_attempt(success, 5, 3, 200);
  history_.add("deliveries", success);
  row = webhooks().find(WebhookId::from_value(5)).value_or(WebhookRow());
  EXPECT_EQ(row.failures_since_success(), 0);
  EXPECT_EQ(row.failures(), 2);
  EXPECT_EQ(webhooks().parked_streams(), 0);
}

TEST_F(WebhookListTest, WhatTheWorkerSaysShowsUntilItIsActivatedAgain) {
  create(5, vendor(1), "Orders");
  Event event;
  event.mutable_webhook_disabled()->set_failing_since_us(7);
  add(5, event);
  event.mutable_webhook_unsubscribed()->set_reason(WebhookUnsubscribed::GONE);
  add(5, event);
  event.mutable_webhook_paused();
  const auto paused = add(5, event);
  auto row = webhooks().find(WebhookId::from_value(5)).value_or(WebhookRow());
  EXPECT_FALSE(row.active());
  EXPECT_EQ(row.disabled_since_us(), 7);
  EXPECT_TRUE(row.unsubscribed());
  EXPECT_TRUE(row.paused());
  EXPECT_EQ(row.version(), paused);
  event.mutable_webhook_resumed();
  add(5, event);
  event.mutable_webhook_updated()->set_active(true);
  add(5, event);
  row = webhooks().find(WebhookId::from_value(5)).value_or(WebhookRow());
  EXPECT_TRUE(row.active());
  EXPECT_FALSE(row.has_disabled_since_us());
  EXPECT_FALSE(row.unsubscribed());
  EXPECT_FALSE(row.paused());
}

TEST_F(WebhookListTest, OneWhoseTokenIsDeletedIsGone) {
  create(5, vendor(1), "Orders");
  Event event;
  event.mutable_webhook_unsubscribed()->set_reason(WebhookUnsubscribed::TOKEN_DELETED);
  add(5, event);
  EXPECT_EQ(webhooks().find(WebhookId::from_value(5)), std::nullopt);
  EXPECT_THAT(webhooks().of(vendor(1)), IsEmpty());
}

}  // namespace
}  // namespace mintmark::webhook_list_test
