#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "domain/time.h"
#include "eventstore/disk_space.h"
#include "eventstore/event_log.h"
#include "projections/projection.h"
#include "worker/job_key.h"
#include "worker/job_queue.h"
#include "worker/jobs.pb.h"

namespace mintmark {

// A job that somebody has for a while. The fence tells this claim from every other of the job.
struct Claim {
  StoredJob job;
  std::uint64_t fence = 0;

  JobKey key() const { return key_of(job.key()); }
};

// What events up to a position have changed: jobs and webhooks as they are from there on.
struct JobPlan {
  Position position = 0;
  std::vector<StoredJob> jobs;
  std::vector<Subscription> subscriptions;
  std::vector<std::uint32_t> ended_subscriptions;  // webhooks that are no more; prune() ends their history
  std::vector<ParkedStream> parked = {};           // of a webhook's: it is not called any more
};

// Where a job stands at this moment.
struct JobView {
  StoredJob job;
  JobQueue::State state = JobQueue::State::kAbsent;  // kAbsent unless the job's status is WAITING
};

// The disk has no space for what was to be written to the jobs.
class JobsFull : public DiskFull {
 public:
  using DiskFull::DiskFull;
};

// The queue of what is to be done outside, and what came of it. All of it comes from the log but the claims:
// whoever dies holding one loses it, and the job is claimed again. Only the store's own clock judges a lease.
// Thread-safe; everything but what is said to read memory blocks on disk and throws std::runtime_error where
// that fails, and plan() and complete() JobsFull, changing nothing, where there is no space.
class JobStore {
 public:
  virtual ~JobStore() = default;

  // The position up to which events have been planned. Reads memory.
  virtual Position planned() = 0;
  // Takes the plan in with its position as the new checkpoint, in one atomic write: so a job is made, and its
  // outcome counted, once, however often the events are read.
  virtual void plan(const JobPlan& plan) = 0;
  // Tells, from whichever thread plans, of every plan that changed jobs or webhooks; empty: tells nobody any
  // more, and when that returns nobody is being told. `listener` must not block.
  virtual void when_planned(std::function<void()> listener) = 0;

  // Streams with an event that could not be planned. Read memory.
  virtual bool is_parked(std::string_view stream) = 0;
  virtual std::size_t parked_streams() = 0;
  virtual std::vector<ParkedStream> parked(std::size_t limit) = 0;

  virtual std::optional<StoredJob> find(const JobKey& key) = 0;
  virtual std::optional<JobView> view(const JobKey& key) = 0;
  // The webhook as of planned(); nothing where there is none (any more). Read memory.
  virtual std::optional<Subscription> subscription(std::uint32_t webhook) = 0;
  virtual std::vector<Subscription> subscriptions_of(AccountId account) = 0;
  virtual std::vector<Subscription> subscriptions_made_by(TokenId token) = 0;
  // Those whose last attempt has failed. Goes through all of them. Reads memory.
  virtual std::vector<std::uint32_t> failing_webhooks() = 0;
  // Reads memory.
  virtual std::vector<JobKey> waiting_of(const JobSubject& subject) = 0;

  // The account's jobs that are not done, newest first, at most `limit`.
  virtual std::vector<JobView> jobs_of(AccountId account, std::size_t limit) = 0;
  // Whether the job is among those: looks at the account's own alone.
  virtual bool is_listed(AccountId account, const JobKey& key) = 0;
  // The webhook's deliveries of every status, newest first, at most `limit`.
  virtual std::vector<JobView> deliveries_of(WebhookId webhook, std::size_t limit) = 0;
  // Forgets what was finished before `time`, at most `limit` jobs; answers how many there were: 0 also where
  // the disk has no space for that. A connection that could not be issued stays as long as its token waits
  // for it.
  virtual std::size_t prune(Time time, std::size_t limit) = 0;

  // The first job that is due, not leased, not behind an earlier one of its subject, and whose subject
  // `admit` takes: one that it does not take is set aside until readmit(). `admit` must not call the store.
  using Admit = std::function<bool(const JobSubject& subject)>;
  virtual std::optional<Claim> claim(std::chrono::milliseconds lease, const Admit& admit) = 0;
  virtual void readmit(const JobSubject& subject) = 0;
  // The earliest moment at which a job that cannot be claimed now may become claimable; nothing without any.
  // Reads memory.
  virtual std::optional<Time> next_due() = 0;

  // Each answers false, and does nothing, where the claim is stale: its lease ended and another has the job,
  // or the job has changed. The first three touch memory alone.
  virtual bool extend(const Claim& claim, std::chrono::milliseconds lease) = 0;
  // Gives the job back, to be claimed again in `delay`.
  virtual bool give_back(const Claim& claim, std::chrono::milliseconds delay) = 0;
  // The outcome is about to be recorded in the log: nobody gets the job until a plan says what came of it.
  // Where it `passed`, the next of its subject may go ahead.
  virtual bool settle(const Claim& claim, bool passed) = 0;
  // It is done and there is nothing to keep.
  virtual bool complete(const Claim& claim) = 0;

  virtual JobQueue::Counts counts() = 0;  // reads memory
  virtual std::size_t size() = 0;         // jobs that wait; reads memory
};

}  // namespace mintmark
