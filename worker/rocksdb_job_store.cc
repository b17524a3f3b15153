#include "worker/rocksdb_job_store.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <set>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <rocksdb/write_batch.h>

#include "eventstore/bytes.h"
#include "eventstore/rocksdb_strings.h"

namespace mintmark {
namespace {

constexpr std::string_view job_prefix = "j";

void throw_unless_ok(const rocksdb::Status& status) {
  if (!status.ok()) throw std::runtime_error("the job store cannot be used: " + status.ToString());
}

std::string job_key(const StoredJob& job) {
  std::string key(job_prefix);
  put_big_endian(key, job.position());
  key += static_cast<char>(job.kind());
  return key;
}

std::string number_value(std::uint64_t number) {
  std::string value;
  put_big_endian(value, number);
  return value;
}

std::int64_t microseconds(Time time) {
  return time.time_since_epoch().count();
}

// Calls `use` with each job in order until it returns false.
void for_each_job(rocksdb::DB& db, const std::function<bool(const StoredJob&)>& use) {
  const std::unique_ptr<rocksdb::Iterator> it(db.NewIterator(rocksdb::ReadOptions()));
  for (it->Seek(slice(job_prefix)); it->Valid() && it->key().starts_with(slice(job_prefix)); it->Next()) {
    StoredJob job;
    if (!job.ParseFromString(it->value().ToString()))
      throw std::runtime_error("the job store holds a damaged job");
    if (!use(job)) return;
  }
  throw_unless_ok(it->status());
}

}  // namespace

Result<std::unique_ptr<RocksDbJobStore>> RocksDbJobStore::open(const std::string& path, const Clock& clock) {
  std::error_code code;
  std::filesystem::create_directories(path, code);
  rocksdb::Options options;
  options.create_if_missing = true;
  options.keep_log_file_num = 4;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::Open(options, path, &db);
  if (!status.ok()) {
    return fail(ErrorKind::kUnavailable,
                fmt::format("The jobs in {} cannot be opened: {}. Deleting the folder has "
                            "them planned again from the log.",
                            path, status.ToString()));
  }
  return std::unique_ptr<RocksDbJobStore>(new RocksDbJobStore(std::unique_ptr<rocksdb::DB>(db), clock));
}

std::uint64_t RocksDbJobStore::number(const std::string& key) {
  std::string value;
  const auto status = db_->Get(rocksdb::ReadOptions(), key, &value);
  if (status.IsNotFound()) return 0;
  throw_unless_ok(status);
  return get_big_endian(value);
}

Position RocksDbJobStore::planned() {
  return number("planned");
}

void RocksDbJobStore::plan(Position position, const std::vector<StoredJob>& jobs) {
  rocksdb::WriteBatch batch;
  for (const auto& job : jobs) throw_unless_ok(batch.Put(job_key(job), job.SerializeAsString()));
  throw_unless_ok(batch.Put("planned", number_value(position)));
  throw_unless_ok(db_->Write(rocksdb::WriteOptions(), &batch));
}

std::optional<Claim> RocksDbJobStore::claim(std::chrono::milliseconds lease) {
  const std::scoped_lock lock(mutex_);
  const auto now = clock_.now();
  std::optional<StoredJob> found;
  std::set<std::string> busy_subjects;
  for_each_job(*db_, [&](const StoredJob& job) {
    const bool first_of_subject = busy_subjects.insert(job.subject()).second;
    const bool free = job.leased_until_us() <= microseconds(now) && job.due_us() <= microseconds(now);
    if (first_of_subject && free) found = job;
    return !found;
  });
  if (!found) return std::nullopt;
  const auto fence = number("fence") + 1;
  found->set_fence(fence);
  found->set_attempts(found->attempts() + 1);
  found->set_leased_until_us(microseconds(now + lease));
  rocksdb::WriteBatch batch;
  throw_unless_ok(batch.Put("fence", number_value(fence)));
  throw_unless_ok(batch.Put(job_key(*found), found->SerializeAsString()));
  throw_unless_ok(db_->Write(rocksdb::WriteOptions(), &batch));
  return Claim{std::move(*found), fence};
}

std::optional<Time> RocksDbJobStore::next_due() {
  std::optional<std::int64_t> earliest;
  std::set<std::string> busy_subjects;
  for_each_job(*db_, [&](const StoredJob& job) {
    if (!busy_subjects.insert(job.subject()).second) return true;
    const auto at = std::max(job.due_us(), job.leased_until_us());
    if (!earliest || at < *earliest) earliest = at;
    return true;
  });
  if (!earliest) return std::nullopt;
  return Time(std::chrono::microseconds(*earliest));
}

std::optional<StoredJob> RocksDbJobStore::claimed(const Claim& claim) {
  std::string value;
  const auto status = db_->Get(rocksdb::ReadOptions(), job_key(claim.job), &value);
  if (status.IsNotFound()) return std::nullopt;
  throw_unless_ok(status);
  StoredJob job;
  if (!job.ParseFromString(value)) throw std::runtime_error("the job store holds a damaged job");
  if (job.fence() != claim.fence) return std::nullopt;
  return job;
}

bool RocksDbJobStore::extend(const Claim& claim, std::chrono::milliseconds lease) {
  const std::scoped_lock lock(mutex_);
  auto job = claimed(claim);
  if (!job) return false;
  job->set_leased_until_us(microseconds(clock_.now() + lease));
  throw_unless_ok(db_->Put(rocksdb::WriteOptions(), job_key(*job), job->SerializeAsString()));
  return true;
}

bool RocksDbJobStore::complete(const Claim& claim) {
  const std::scoped_lock lock(mutex_);
  if (!claimed(claim)) return false;
  throw_unless_ok(db_->Delete(rocksdb::WriteOptions(), job_key(claim.job)));
  return true;
}

bool RocksDbJobStore::postpone(const Claim& claim, std::chrono::milliseconds delay) {
  const std::scoped_lock lock(mutex_);
  auto job = claimed(claim);
  if (!job) return false;
  job->set_leased_until_us(0);
  job->set_due_us(microseconds(clock_.now() + delay));
  throw_unless_ok(db_->Put(rocksdb::WriteOptions(), job_key(*job), job->SerializeAsString()));
  return true;
}

std::size_t RocksDbJobStore::size() {
  std::size_t count = 0;
  for_each_job(*db_, [&](const StoredJob&) { return ++count > 0; });
  return count;
}

}  // namespace mintmark
