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

// The jobs and webhooks as the events so far have left them, over what the store has.
class Planning {
 public:
  Planning(EventLog& log, JobStore& jobs) : log_(log), jobs_(jobs) {}

  // A failure says why the event cannot be planned; then nothing may be planned of this any more.
  Result<void> take(const Recorded& recorded);
  JobPlan plan(Position position) &&;

 private:
  StoredJob* job(const JobKey& key);
  Subscription* subscription(std::uint32_t webhook);
  std::vector<std::uint32_t> webhooks_of(AccountId account);
  std::vector<std::uint32_t> webhooks_made_by(TokenId token);
  const TokenCreated& created(std::string_view stream);

  void add(const Recorded& recorded, JobKind kind, std::uint32_t target, std::uint32_t account);
  void finish(StoredJob& job, StoredJob::Status status, std::int64_t at_us);
  void cancel_waiting(const JobSubject& subject, std::int64_t at_us);

  Result<void> take_webhook(const Recorded& recorded, WebhookId id);
  Result<void> create_webhook(const Recorded& recorded, WebhookId id);
  void update_webhook(const WebhookUpdated& updated, Subscription& webhook);
  void end_webhook(std::uint32_t webhook, std::int64_t at_us);
  Result<void> take_token(const Recorded& recorded, TokenId id);
  void take_zapier_token(const Recorded& recorded, TokenId id, std::uint32_t account);
  void take_attempt(const Recorded& recorded, const DeliveryAttempt& attempt);
  void count_attempt(const Recorded& recorded, const DeliveryAttempt& attempt, Subscription& webhook);
  void take_provisioning(const ZapierProvisioningFailed& failed);
  template <class Attempt>
  static void note(StoredJob& job, const Attempt& attempt);
  void retry(const JobKey& key, std::int64_t at_us);

  EventLog& log_;
  JobStore& jobs_;
  std::map<JobKey, std::optional<StoredJob>> touched_jobs_;
  std::map<std::uint32_t, std::optional<Subscription>> touched_webhooks_;
  std::map<std::string, TokenCreated, std::less<>> tokens_;
};

}  // namespace mintmark
