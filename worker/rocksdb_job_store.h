#pragma once

#include <memory>
#include <mutex>
#include <string>

#include <rocksdb/db.h>

#include "domain/error.h"
#include "eventstore/clock.h"
#include "worker/job_store.h"

namespace mintmark {

// Jobs in a RocksDB of their own. Keys: "j", position, kind → StoredJob; "planned" → position; "fence" → the
// last fence given. Not synced: what a crash of the machine takes away is planned again from the log, and
// every job is harmless to repeat.
class RocksDbJobStore final : public JobStore {
 public:
  // Makes the store where there is none. `clock` must outlive it.
  static Result<std::unique_ptr<RocksDbJobStore>> open(const std::string& path, const Clock& clock);

  Position planned() override;
  void plan(Position position, const std::vector<StoredJob>& jobs) override;
  std::optional<Claim> claim(std::chrono::milliseconds lease) override;
  std::optional<Time> next_due() override;
  bool extend(const Claim& claim, std::chrono::milliseconds lease) override;
  bool complete(const Claim& claim) override;
  bool postpone(const Claim& claim, std::chrono::milliseconds delay) override;
  std::size_t size() override;

 private:
  RocksDbJobStore(std::unique_ptr<rocksdb::DB> db, const Clock& clock) : db_(std::move(db)), clock_(clock) {}
  std::uint64_t number(const std::string& key);
  // The stored job, if the claim is still the newest of it.
  std::optional<StoredJob> claimed(const Claim& claim);

  std::unique_ptr<rocksdb::DB> db_;
  const Clock& clock_;
  std::mutex mutex_;
};

}  // namespace mintmark
