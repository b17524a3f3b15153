#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include "domain/error.h"
#include "eventstore/clock.h"
#include "worker/job_queue.h"
#include "worker/job_store.h"
#include "worker/job_store_database.h"

namespace mintmark {

// Jobs in a RocksDB of their own, for one process; claims, the queue and the webhooks are also in memory.
// Keys (numbers big-endian):
//
//   j position, kind, target           → StoredJob
//   a account, position, kind, target  → nothing: what is not done
//   h webhook, position, kind          → nothing: its deliveries
//   t finished, position, kind, target → nothing: what prune() forgets
//   w webhook                          → Subscription
//   s stream                           → position, reason: it is parked
//   planned → position                 format → the version of all this
//
// Not synced: what a crash of the machine takes away is planned again from the log.
class RocksDbJobStore final : public JobStore {
 public:
  // Makes the store where there is none, on the disk of `env` (null: the system's); one of another format is
  // emptied, to be planned again. `clock` must outlive it.
  static Result<std::unique_ptr<RocksDbJobStore>> open(const std::string& path, const Clock& clock,
                                                       rocksdb::Env* env = nullptr);

  Position planned() override { return planned_.load(std::memory_order_acquire); }
  void plan(const JobPlan& plan) override;
  void when_planned(std::function<void()> listener) override;
  bool is_parked(std::string_view stream) override;
  std::size_t parked_streams() override;
  std::vector<ParkedStream> parked(std::size_t limit) override;
  std::optional<StoredJob> find(const JobKey& key) override;
  std::optional<JobView> view(const JobKey& key) override;
  std::optional<Subscription> subscription(std::uint32_t webhook) override;
  std::vector<Subscription> subscriptions_of(AccountId account) override;
  std::vector<Subscription> subscriptions_made_by(TokenId token) override;
  std::vector<std::uint32_t> failing_webhooks() override;
  std::vector<JobKey> waiting_of(const JobSubject& subject) override;
  std::vector<JobView> jobs_of(AccountId account, std::size_t limit) override;
  bool is_listed(AccountId account, const JobKey& key) override;
  std::vector<JobView> deliveries_of(WebhookId webhook, std::size_t limit) override;
  std::size_t prune(Time time, std::size_t limit) override;
  std::optional<Claim> claim(std::chrono::milliseconds lease, const Admit& admit) override;
  void readmit(const JobSubject& subject) override;
  std::optional<Time> next_due() override;
  bool extend(const Claim& claim, std::chrono::milliseconds lease) override;
  bool give_back(const Claim& claim, std::chrono::milliseconds delay) override;
  bool settle(const Claim& claim, bool passed) override;
  bool complete(const Claim& claim) override;
  JobQueue::Counts counts() override;
  std::size_t size() override;

 private:
  RocksDbJobStore(JobStoreDatabase opened, const Clock& clock)
      : space_(std::move(opened.space)), db_(std::move(opened.db)), clock_(clock) {}
  void load();
  void take(const StoredJob& job);
  void take(const Subscription& subscription);
  void hold_deliveries(std::uint32_t webhook);
  void take(const ParkedStream& parked);
  void forget_subscription(std::uint32_t webhook);
  void put(const std::vector<StoredJob>& jobs, rocksdb::WriteBatch& batch);
  // Why the batch must not be written; nothing where it may.
  std::optional<std::string> lack_of_space_for(const rocksdb::WriteBatch& batch) const;
  // Throws JobsFull where it must not.
  void write(rocksdb::WriteBatch& batch);
  std::vector<JobView> views(const std::string& prefix, std::size_t limit,
                             const std::function<JobKey(std::string_view)>& key_of_entry);

  const std::shared_ptr<const SpaceListener> space_;
  const std::unique_ptr<rocksdb::DB> db_;
  const Clock& clock_;
  std::atomic<Position> planned_ = 0;
  std::mutex listener_mutex_;
  std::function<void()> listener_;  // guarded by listener_mutex_
  // Who changes what is stored holds it from what he reads to what he writes; taken before mutex_, which
  // nobody holds while he waits for the disk.
  std::mutex write_mutex_;
  std::mutex mutex_;
  JobQueue queue_;                                                 // guarded by mutex_
  std::map<JobKey, StoredJob> claimed_;                            // as stored; guarded by mutex_
  ParkedStreams parked_;                                           // guarded by mutex_
  std::unordered_map<std::uint32_t, Subscription> subscriptions_;  // guarded by mutex_
  std::set<std::pair<std::uint32_t, std::uint32_t>> by_account_;   // account, webhook; guarded by mutex_
  std::set<std::pair<std::uint32_t, std::uint32_t>> by_token_;     // token, webhook; guarded by mutex_
};

}  // namespace mintmark
