#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "domain/webhook.h"
#include "eventstore/memory_log.h"
#include "tests/support/fake_clock.h"
#include "tests/support/history.h"
#include "tests/support/temporary_folder.h"
#include "worker/job_planner.h"
#include "worker/rocksdb_job_store.h"

namespace mintmark::testing {

// Plans what a test puts into a log in memory.
class JobPlannerFixture : public ::testing::Test {
 protected:
  Position add_webhook(std::uint32_t number, const std::string& object_class = "token",
                       AccountId account = vendor(1)) {
    Event event;
    auto& created = *event.mutable_webhook_created();
    created.set_webhook_id(WebhookId::from_value(number).text());
    created.set_account_id(account.text());
    created.set_object_class(object_class);
    created.set_active(true);
    return to_webhook(number, event);
  }
  Position to_webhook(std::uint32_t number, const Event& event) {
    return history_.add(stream_of(WebhookId::from_value(number)), event);
  }
  Position set_active(std::uint32_t number, bool active) {
    Event event;
    event.mutable_webhook_updated()->set_active(active);
    return to_webhook(number, event);
  }
  Position trigger(std::uint32_t number) {
    Event event;
    event.mutable_webhook_triggered();
    return to_webhook(number, event);
  }
  // On a stream of its own, as they are recorded now.
  Position trigger_apart(std::uint32_t number, Event event = triggered_event()) {
    const auto unique = std::to_string(log_.head());
    return history_.add(trigger_stream(WebhookId::from_value(number), unique), std::move(event));
  }
  static Event triggered_event() {
    Event event;
    event.mutable_webhook_triggered();
    return event;
  }
  static Event test_event() {
    Event event;
    event.mutable_webhook_test_requested();
    return event;
  }
  static Event deleted_event() {
    Event event;
    event.mutable_webhook_deleted();
    return event;
  }

  // An attempt at the delivery that the event at `position` called for, at that second.
  Position attempt(Position position, std::uint32_t webhook, std::uint32_t number, std::int64_t at_s,
                   std::uint32_t status, std::int64_t next_at_s = 0) {
    Event event;
    auto& made = *event.mutable_webhook_deliveries_recorded()->add_attempts();
    *made.mutable_job() = reference_to({position, DELIVER_WEBHOOK, webhook});
    made.set_attempt(number);
    made.set_started_at_us(at_s * 1'000'000);
    made.set_status(status);
    made.set_failure(status == 200 ? ATTEMPT_SUCCEEDED : ATTEMPT_STATUS);
    made.set_next_attempt_at_us(next_at_s * 1'000'000);
    return history_.add("deliveries", event);
  }
  template <class Change>
  Position change(Change change_event, const JobKey& key) {
    Event event;
    *(event.*change_event)()->add_jobs() = reference_to(key);
    return history_.add("jobs-VA-000-001", event);
  }

  void plan() { feed(log_, planner_); }
  std::vector<std::string> waiting() {
    plan();
    std::vector<std::string> ids;
    for (const auto& view : store_->jobs_of(vendor(1), 100)) {
      if (view.job.status() == StoredJob::WAITING) ids.push_back(job_id(key_of(view.job.key())));
    }
    return ids;
  }
  StoredJob job(Position position, std::uint32_t webhook, JobKind kind = DELIVER_WEBHOOK) {
    plan();
    return store_->find({position, kind, webhook}).value_or(StoredJob());
  }
  Subscription webhook(std::uint32_t number) {
    plan();
    return store_->subscription(number).value();
  }

  TemporaryFolder folder_;
  FakeClock clock_;
  MemoryLog log_{event_id(1)};
  History history_{log_};
  std::unique_ptr<RocksDbJobStore> store_ = RocksDbJobStore::open(folder_.file("jobs"), clock_).value();
  JobPlanner planner_{log_, *store_};
};

}  // namespace mintmark::testing
