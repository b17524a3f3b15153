#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/error.h"
#include "domain/events.pb.h"
#include "domain/ids.h"
#include "eventstore/event_log.h"
#include "worker/job_store.h"

namespace mintmark {

// The jobs and webhooks as the events so far have left them, over what the store has. What they have only
// looked at is no part of the plan: whoever has such a job keeps it.
class Planning {
 public:
  Planning(EventLog& log, JobStore& jobs) : log_(log), jobs_(jobs) {}

  // A failure says why the event cannot be planned; then nothing may be planned of this any more.
  Result<void> take(const Recorded& recorded);
  JobPlan plan(Position position) &&;

 private:
  // As it is now; nothing: it is no more.
  template <class Value>
  struct Looked {
    std::optional<Value> value;
    bool changed = false;
  };

  // Null where there is none. The pointers are good until the plan is made.
  const StoredJob* job(const JobKey& key);
  const Subscription* subscription(std::uint32_t webhook);
  // Of one that is there.
  StoredJob& change(const StoredJob& job);
  Subscription& change(const Subscription& webhook);
  std::vector<std::uint32_t> webhooks_of(AccountId account);
  std::vector<std::uint32_t> webhooks_made_by(TokenId token);
  struct FirstEvent {
    TokenCreated created;  // empty where the stream begins otherwise
    Position position = 0;
  };
  const FirstEvent& first_of(std::string_view stream);

  void add(const Recorded& recorded, JobKind kind, std::uint32_t target, std::uint32_t account);
  void finish(const StoredJob& job, StoredJob::Status status, std::int64_t at_us);
  void cancel_waiting(const JobSubject& subject, std::int64_t at_us);

  Result<void> take_webhook(const Recorded& recorded, WebhookId id);
  Result<void> create_webhook(const Recorded& recorded, WebhookId id);
  void update_webhook(const WebhookUpdated& updated, Subscription& webhook);
  void take_trigger(const Recorded& recorded, WebhookId id);
  void end_webhook(std::uint32_t webhook, std::int64_t at_us);
  Result<void> take_token(const Recorded& recorded, TokenId id);
  void take_zapier_token(const Recorded& recorded, TokenId id, std::uint32_t account);
  void take_attempt(const Recorded& recorded, const DeliveryAttempt& attempt);
  void count_attempt(const Recorded& recorded, const DeliveryAttempt& attempt, Subscription& webhook);
  void stop_webhook(const Recorded& recorded, const Subscription& webhook, bool gone);
  void take_provisioning(const ZapierProvisioningFailed& failed);
  template <class Attempt>
  void note(const StoredJob& job, const Attempt& attempt);
  void retry(const JobKey& key, std::int64_t at_us);

  EventLog& log_;
  JobStore& jobs_;
  std::map<JobKey, Looked<StoredJob>> jobs_looked_at_;
  std::map<std::uint32_t, Looked<Subscription>> webhooks_looked_at_;
  std::map<std::string, FirstEvent, std::less<>> tokens_;
};

}  // namespace mintmark
