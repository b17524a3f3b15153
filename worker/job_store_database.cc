#include "worker/job_store_database.h"

#include <filesystem>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include "eventstore/disk_space.h"
#include "eventstore/rocksdb_logger.h"
#include "eventstore/rocksdb_strings.h"
#include "eventstore/table_files.h"

namespace mintmark {
namespace {

constexpr std::string_view format = "3";
constexpr std::size_t block_cache_bytes = 32UL * 1024 * 1024;

rocksdb::Status open_database(const std::string& path, rocksdb::Env* env, JobStoreDatabase& opened) {
  rocksdb::Options options;
  opened.space = SpaceListener::add_to(options);
  if (env) options.env = env;
  options.max_file_opening_threads = 1;  // more are started for every family, however few its tables are
  options.create_if_missing = true;
  // One writes at a time, and the keys of a kind mostly in their order. Never DeleteRange() with these hints:
  // RocksDB 7.8 then takes one table's for the other's.
  options.allow_concurrent_memtable_write = false;
  options.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(1));
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(block_cache_bytes);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = table_format;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.info_log = rocksdb_logger();
  rocksdb::DB* db = nullptr;
  auto status = check_table_files(*options.env, path);
  if (status.ok()) status = rocksdb::DB::Open(options, path, &db);
  opened.db.reset(db);
  return status;
}

// Whether it is empty or of our format; not ok where that cannot be read.
rocksdb::Status find_whether_ours(rocksdb::DB& db, bool& is_ours) {
  std::string value;
  auto status = db.Get(rocksdb::ReadOptions(), "format", &value);
  is_ours = status.ok() && value == format;
  if (!status.IsNotFound()) return status;
  const std::unique_ptr<rocksdb::Iterator> it(db.NewIterator(rocksdb::ReadOptions()));
  it->SeekToFirst();
  is_ours = !it->Valid();
  return it->status();
}

}  // namespace

Result<JobStoreDatabase> open_job_store_database(const std::string& path, rocksdb::Env* env) {
  std::error_code code;
  std::filesystem::create_directories(path, code);
  if (const auto why = lack_of_space(path, bytes_in_write_ahead_logs(path)))
    return fail(ErrorKind::kUnavailable, fmt::format("The jobs in {} cannot be opened: {}.", path, *why));
  JobStoreDatabase opened;
  auto& db = opened.db;
  auto status = open_database(path, env, opened);
  bool is_ours = false;
  if (status.ok()) status = find_whether_ours(*db, is_ours);
  if (status.ok() && !is_ours) {
    db.reset();
    rocksdb::Options options;
    if (env) options.env = env;
    options.info_log = rocksdb_logger();
    status = rocksdb::DestroyDB(path, options);
    if (status.ok()) status = open_database(path, env, opened);
  }
  if (status.ok()) status = db->Put(rocksdb::WriteOptions(), "format", slice(format));
  if (!status.ok()) {
    return fail(ErrorKind::kUnavailable,
                fmt::format("The jobs in {} cannot be opened: {}. Deleting the folder has "
                            "them planned again from the log.",
                            path, status.ToString()));
  }
  return opened;
}

}  // namespace mintmark
