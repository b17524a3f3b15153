#include "eventstore/rocksdb_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include "eventstore/rocksdb_logger.h"
#include "eventstore/table_files.h"

namespace mintmark {
namespace {

// Tables in which every append looks for keys that mostly are not there.
bool is_probed_by_appends(std::string_view name) {
  return name == "heads" || name == "appends" || name == "idempotency";
}

bool is_asked_for_what_is_absent(std::string_view name) {
  return is_probed_by_appends(name) || name == "vault";
}

}  // namespace

rocksdb::Options database_options(rocksdb::Env& env) {
  rocksdb::Options options;
  options.env = &env;
  // The default of 16 starts fifteen threads for every family at every opening, however few its tables are.
  options.max_file_opening_threads = 1;
  // Stops at the first damaged record and keeps all before it; the head anchor tells whether that was all.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.track_and_verify_wals_in_manifest = true;
  options.paranoid_checks = true;
  options.max_total_wal_size = write_ahead_bytes_max;
  options.info_log = rocksdb_logger();
  return options;
}

rocksdb::ColumnFamilyOptions family_options(std::string_view name,
                                            const std::shared_ptr<rocksdb::Cache>& cache, bool reading) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  // An index in parts goes through the cache part by part; one that an earlier version wrote in one piece
  // does so as a whole.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.cache_index_and_filter_blocks = reading;
  if (!reading && is_asked_for_what_is_absent(name)) {
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  }
  table.format_version = table_format;
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.write_buffer_size = write_buffer_bytes;
  options.compression = name == nodes_family ? rocksdb::kNoCompression : rocksdb::kLZ4Compression;
  if (is_probed_by_appends(name)) {
    options.memtable_whole_key_filtering = true;
    options.memtable_prefix_bloom_size_ratio = 0.05;
  }
  return options;
}

}  // namespace mintmark
