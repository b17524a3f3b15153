#include "worker/rocksdb_job_store.h"

#include <algorithm>
#include <functional>
#include <stdexcept>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "eventstore/bytes.h"
#include "eventstore/disk_space.h"
#include "eventstore/rocksdb_strings.h"
#include "worker/job_store_database.h"
#include "worker/job_store_keys.h"

namespace mintmark {
namespace {

using namespace job_store_keys;

void throw_unless_ok(const rocksdb::Status& status) {
  if (!status.ok()) throw std::runtime_error("the job store cannot be used: " + status.ToString());
}

template <class Message>
Message parse(std::string_view value) {
  Message message;
  if (!message.ParseFromArray(value.data(), static_cast<int>(value.size())))
    throw std::runtime_error("the job store holds something damaged");
  return message;
}

// Calls `use` with each entry below the prefix in order until it returns false.
void for_each(rocksdb::DB& db, const std::string& prefix,
              const std::function<bool(std::string_view key, std::string_view value)>& use) {
  const std::unique_ptr<rocksdb::Iterator> it(db.NewIterator(rocksdb::ReadOptions()));
  for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix); it->Next()) {
    if (!use(view(it->key()), view(it->value()))) return;
  }
  throw_unless_ok(it->status());
}

Time time_of(std::int64_t microseconds) {
  return Time(std::chrono::microseconds(microseconds));
}

std::optional<WebhookId> webhook_of_stream(std::string_view stream) {
  constexpr std::string_view prefix = "webhook-";
  return stream.starts_with(prefix) ? WebhookId::parse(stream.substr(prefix.size())) : std::nullopt;
}

// A token that was not provisioned waits, and names this job, until somebody retries it or deletes the token:
// then it is not dead any more.
bool is_needed(const StoredJob& job) {
  return job.status() == StoredJob::DEAD && job.key().kind() == ISSUE_ZAPIER_CONNECTION;
}

}  // namespace

Result<std::unique_ptr<RocksDbJobStore>> RocksDbJobStore::open(const std::string& path, const Clock& clock,
                                                               rocksdb::Env* env) {
  auto opened = open_job_store_database(path, env);
  if (!opened) return std::unexpected(std::move(opened.error()));
  std::unique_ptr<RocksDbJobStore> store(new RocksDbJobStore(std::move(*opened), clock));
  try {
    store->load();
  } catch (const std::runtime_error& error) {
    return fail(ErrorKind::kUnavailable,
                fmt::format("The jobs in {} cannot be opened: {}.", path, error.what()));
  }
  return store;
}

void RocksDbJobStore::load() {
  std::string value;
  const auto status = db_->Get(rocksdb::ReadOptions(), "planned", &value);
  if (!status.IsNotFound()) throw_unless_ok(status);
  if (status.ok()) planned_ = get_big_endian(value);
  for_each(*db_, "s", [this](std::string_view key, std::string_view stored) {
    take(ParkedStream{std::string(key.substr(1)), get_big_endian(stored.substr(0, sizeof(Position))),
                      std::string(stored.substr(sizeof(Position)))});
    return true;
  });
  for_each(*db_, "w", [this](std::string_view, std::string_view stored) {
    take(parse<Subscription>(stored));
    return true;
  });
  for_each(*db_, "a", [this](std::string_view key, std::string_view) {
    if (const auto job = find(key_at(key, 1))) take(*job);
    return true;
  });
}

// The part in memory.
void RocksDbJobStore::take(const StoredJob& job) {
  const auto key = key_of(job.key());
  claimed_.erase(key);
  if (job.status() == StoredJob::WAITING) {
    // A first attempt is due at once: one that was called for while the clock was ahead must not wait, and
    // keep others waiting, until the clock gets there again.
    const bool has_failed = job.attempts() > job.round_begin();
    const auto due = time_of(job.due_us());
    queue_.put(key, has_failed ? due : std::min(due, clock_.now()), has_failed, job.attempts());
  } else {
    queue_.erase(key);
  }
}

void RocksDbJobStore::take(const Subscription& subscription) {
  const auto webhook = subscription.webhook();
  // Neither its account nor the token that made it ever changes.
  if (subscriptions_.insert_or_assign(webhook, subscription).second) {
    by_account_.emplace(subscription.account(), webhook);
    if (subscription.owned()) by_token_.emplace(subscription.owner_token(), webhook);
  }
  hold_deliveries(webhook);
}

void RocksDbJobStore::take(const ParkedStream& parked) {
  parked_.emplace(parked.stream, parked);
  if (const auto webhook = webhook_of_stream(parked.stream)) hold_deliveries(webhook->value());
}

// Holds them back as the webhook's state wants it; one that cannot be followed any more is not called.
void RocksDbJobStore::hold_deliveries(std::uint32_t webhook) {
  const bool parked = !parked_.empty() && parked_.contains(stream_of(WebhookId::from_value(webhook)));
  bool held = parked;
  Time not_before;
  if (const auto found = subscriptions_.find(webhook); found != subscriptions_.end()) {
    const auto& subscription = found->second;
    held = held || !subscription.active() || subscription.paused() || subscription.gone();
    not_before = time_of(subscription.open_until_us());
  }
  queue_.hold({JobSubject::Group::kDeliveries, webhook}, held, not_before);
  queue_.hold({JobSubject::Group::kTests, webhook}, parked, {});
}

void RocksDbJobStore::forget_subscription(std::uint32_t webhook) {
  const auto found = subscriptions_.find(webhook);
  if (found == subscriptions_.end()) return;
  by_account_.erase({found->second.account(), webhook});
  by_token_.erase({found->second.owner_token(), webhook});
  subscriptions_.erase(found);
  hold_deliveries(webhook);
}

void RocksDbJobStore::put(const std::vector<StoredJob>& jobs, rocksdb::WriteBatch& batch) {
  // What a job that waits has in the tables beside its own row it has since it was planned.
  std::vector<bool> waits;
  waits.reserve(jobs.size());
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& job : jobs) waits.push_back(queue_.contains(key_of(job.key())));
  }
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const auto& job = jobs[i];
    const auto key = key_of(job.key());
    throw_unless_ok(batch.Put(job_key(key), job.SerializeAsString()));
    if (job.status() == StoredJob::DONE) {
      throw_unless_ok(batch.Delete(account_key(job.account(), key)));
    } else if (!waits[i]) {
      throw_unless_ok(batch.Put(account_key(job.account(), key), ""));
    }
    if (!waits[i] && is_delivery(key.kind)) throw_unless_ok(batch.Put(history_key(key), ""));
    if (job.finished_us() != 0 && !is_needed(job))
      throw_unless_ok(batch.Put(finished_key(job.finished_us(), key), ""));
  }
}

std::optional<std::string> RocksDbJobStore::lack_of_space_for(const rocksdb::WriteBatch& batch) const {
  if (space_->waits_for_space()) return "the disk is full";
  return lack_of_space(db_->GetName(), batch.GetDataSize());
}

void RocksDbJobStore::write(rocksdb::WriteBatch& batch) {
  if (batch.Count() == 0) return;
  if (const auto why = lack_of_space_for(batch)) throw JobsFull("the jobs cannot be used: " + *why);
  const auto status = db_->Write(rocksdb::WriteOptions(), &batch);
  if (status.IsNoSpace()) throw JobsFull("the jobs cannot be used: " + status.ToString());
  throw_unless_ok(status);
}

void RocksDbJobStore::plan(const JobPlan& plan) {
  {
    const std::scoped_lock writing(write_mutex_);
    rocksdb::WriteBatch batch;
    for (const auto webhook : plan.ended_subscriptions) {
      throw_unless_ok(batch.Delete(subscription_key(webhook)));
    }
    for (const auto& subscription : plan.subscriptions) {
      throw_unless_ok(batch.Put(subscription_key(subscription.webhook()), subscription.SerializeAsString()));
    }
    put(plan.jobs, batch);
    for (const auto& parked : plan.parked) {
      std::string value;
      put_big_endian(value, parked.position);
      throw_unless_ok(batch.Put("s" + parked.stream, value + parked.reason));
    }
    std::string position;
    put_big_endian(position, plan.position);
    throw_unless_ok(batch.Put("planned", position));
    write(batch);

    const std::scoped_lock lock(mutex_);
    for (const auto webhook : plan.ended_subscriptions) forget_subscription(webhook);
    for (const auto& subscription : plan.subscriptions) take(subscription);
    for (const auto& job : plan.jobs) take(job);
    for (const auto& parked : plan.parked) take(parked);
    planned_.store(plan.position, std::memory_order_release);
  }
  if (plan.jobs.empty() && plan.subscriptions.empty()) return;
  const std::scoped_lock lock(listener_mutex_);
  if (listener_) listener_();
}

void RocksDbJobStore::when_planned(std::function<void()> listener) {
  const std::scoped_lock lock(listener_mutex_);
  listener_ = std::move(listener);
}

bool RocksDbJobStore::is_parked(std::string_view stream) {
  const std::scoped_lock lock(mutex_);
  return parked_.contains(stream);
}

std::size_t RocksDbJobStore::parked_streams() {
  const std::scoped_lock lock(mutex_);
  return parked_.size();
}

std::vector<ParkedStream> RocksDbJobStore::parked(std::size_t limit) {
  const std::scoped_lock lock(mutex_);
  return first_of(parked_, limit);
}

std::optional<StoredJob> RocksDbJobStore::find(const JobKey& key) {
  {
    const std::scoped_lock lock(mutex_);
    const auto found = claimed_.find(key);
    if (found != claimed_.end()) return found->second;
  }
  rocksdb::PinnableSlice value;
  const auto status = db_->Get(rocksdb::ReadOptions(), db_->DefaultColumnFamily(), job_key(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  throw_unless_ok(status);
  return parse<StoredJob>(mintmark::view(value));
}

std::optional<JobView> RocksDbJobStore::view(const JobKey& key) {
  auto job = find(key);
  if (!job) return std::nullopt;
  const std::scoped_lock lock(mutex_);
  const auto state = queue_.state(key, clock_.now());
  return JobView{std::move(*job), state};
}

std::vector<JobKey> RocksDbJobStore::waiting_of(const JobSubject& subject) {
  const std::scoped_lock lock(mutex_);
  return queue_.jobs_of(subject);
}

std::vector<JobView> RocksDbJobStore::views(const std::string& prefix, std::size_t limit,
                                            const std::function<JobKey(std::string_view)>& key_of_entry) {
  std::vector<JobView> found;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions()));
  // Behind the last entry below the prefix: positions do not reach the end of their numbers.
  for (it->SeekForPrev(prefix + std::string(8, '\xff'));
       it->Valid() && it->key().starts_with(prefix) && found.size() < limit; it->Prev()) {
    auto job = view(key_of_entry(mintmark::view(it->key())));
    if (job) found.push_back(std::move(*job));
  }
  throw_unless_ok(it->status());
  return found;
}

std::vector<JobView> RocksDbJobStore::jobs_of(AccountId account, std::size_t limit) {
  return views(key_with('a', account.code()), limit, [](std::string_view key) { return key_at(key, 1); });
}

bool RocksDbJobStore::is_listed(AccountId account, const JobKey& key) {
  std::string value;
  const auto status = db_->Get(rocksdb::ReadOptions(), account_key(account.code(), key), &value);
  if (status.IsNotFound()) return false;
  throw_unless_ok(status);
  return true;
}

std::vector<JobView> RocksDbJobStore::deliveries_of(WebhookId webhook, std::size_t limit) {
  return views(key_with('h', webhook.value()), limit, [webhook](std::string_view key) {
    return JobKey{number_at(key, 1), static_cast<JobKind>(number_at(key, 2)), webhook.value()};
  });
}

std::size_t RocksDbJobStore::prune(Time time, std::size_t limit) {
  std::vector<std::pair<std::int64_t, JobKey>> all;
  for_each(*db_, "t", [&](std::string_view entry, std::string_view) {
    const auto finished_us = static_cast<std::int64_t>(number_at(entry, 0));
    if (time_of(finished_us) >= time || all.size() == limit) return false;
    all.emplace_back(finished_us, key_at(entry, 1));
    find(all.back().second);  // from the disk, which plan() must not wait for
    return true;
  });
  const std::scoped_lock writing(write_mutex_);
  rocksdb::WriteBatch batch;
  for (const auto& [at_us, key] : all) {
    throw_unless_ok(batch.Delete(finished_key(at_us, key)));
    const auto job = find(key);
    // One that was retried has another entry, or none yet.
    if (!job || job->finished_us() != at_us || is_needed(*job)) continue;
    throw_unless_ok(batch.Delete(job_key(key)));
    throw_unless_ok(batch.Delete(account_key(job->account(), key)));
    if (is_delivery(key.kind)) throw_unless_ok(batch.Delete(history_key(key)));
  }
  if (lack_of_space_for(batch)) return 0;
  write(batch);
  return all.size();
}

std::optional<Claim> RocksDbJobStore::claim(std::chrono::milliseconds lease, const Admit& admit) {
  for (;;) {
    std::optional<JobQueue::Claimed> claimed;
    {
      const std::scoped_lock lock(mutex_);
      const auto now = clock_.now();
      claimed = queue_.claim(now, now + lease, admit);
    }
    if (!claimed) return std::nullopt;
    auto job = find(claimed->key);
    const std::scoped_lock lock(mutex_);
    // A plan that changes it meanwhile has made the claim stale, or is about to.
    const bool is_stale = !queue_.is_claimed(claimed->key, claimed->fence);
    if (is_stale || (job && job->status() != StoredJob::WAITING)) continue;
    if (!job) {
      spdlog::error("job {} waits, but what it is to do is not there: it is left out", job_id(claimed->key));
      queue_.erase(claimed->key);
      continue;
    }
    // Who records what comes of it reads it again.
    claimed_.insert_or_assign(claimed->key, *job);
    return Claim{std::move(*job), claimed->fence};
  }
}

void RocksDbJobStore::readmit(const JobSubject& subject) {
  const std::scoped_lock lock(mutex_);
  queue_.readmit(subject);
}

std::optional<Time> RocksDbJobStore::next_due() {
  const std::scoped_lock lock(mutex_);
  return queue_.next_due();
}

bool RocksDbJobStore::extend(const Claim& claim, std::chrono::milliseconds lease) {
  const std::scoped_lock lock(mutex_);
  return queue_.extend(claim.key(), claim.fence, clock_.now() + lease);
}

bool RocksDbJobStore::give_back(const Claim& claim, std::chrono::milliseconds delay) {
  const std::scoped_lock lock(mutex_);
  claimed_.erase(claim.key());
  return queue_.give_back(claim.key(), claim.fence, clock_.now() + delay);
}

bool RocksDbJobStore::settle(const Claim& claim, bool passed) {
  const std::scoped_lock lock(mutex_);
  return queue_.settle(claim.key(), claim.fence, passed);
}

bool RocksDbJobStore::complete(const Claim& claim) {
  rocksdb::WriteBatch batch;
  const auto key = claim.key();
  throw_unless_ok(batch.Delete(job_key(key)));
  throw_unless_ok(batch.Delete(account_key(claim.job.account(), key)));
  const std::scoped_lock writing(write_mutex_);
  // Before it is settled: then nobody but who completes it may have it.
  if (const auto why = lack_of_space_for(batch)) throw JobsFull("the jobs cannot be used: " + *why);
  {
    const std::scoped_lock lock(mutex_);
    if (!queue_.settle(key, claim.fence, true)) return false;
  }
  throw_unless_ok(db_->Write(rocksdb::WriteOptions(), &batch));
  const std::scoped_lock lock(mutex_);
  queue_.erase(key);
  claimed_.erase(key);
  return true;
}

JobQueue::Counts RocksDbJobStore::counts() {
  const std::scoped_lock lock(mutex_);
  return queue_.counts(clock_.now());
}

std::size_t RocksDbJobStore::size() {
  const std::scoped_lock lock(mutex_);
  return queue_.size();
}

}  // namespace mintmark
