#include "projections/view_store.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include "eventstore/bytes.h"
#include "eventstore/crash_point.h"
#include "eventstore/disk_space.h"
#include "eventstore/rocksdb_logger.h"
#include "eventstore/rocksdb_strings.h"
#include "eventstore/table_files.h"

namespace mintmark {
namespace {

constexpr std::size_t block_cache_bytes = 256UL * 1024 * 1024;

// In the default family: projection → live generation; this key → the log's id; this prefix and a projection
// → the version of the program that began to build its next generation.
constexpr std::string_view log_id_key("\0log_id", 7);
constexpr std::string_view building_prefix("\0building/", 10);

void throw_without_space(rocksdb::DB& db, std::uint64_t bytes) {
  if (const auto why = lack_of_space(db.GetName(), bytes))
    throw ViewsFull("the views cannot be used: " + *why);
}

}  // namespace

void throw_unless_ok(const rocksdb::Status& status) {
  if (!status.ok()) throw std::runtime_error("the views cannot be used: " + status.ToString());
}

std::optional<std::string> View::get(std::string_view key) const {
  std::string value;
  const auto status = db_->Get(rocksdb::ReadOptions(), family_, slice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  throw_unless_ok(status);
  return value;
}

bool View::has_value(std::string_view key_prefix, std::string_view value) const {
  const auto it = rows();
  for (it->Seek(slice(key_prefix)); it->Valid() && it->key().starts_with(slice(key_prefix)); it->Next()) {
    if (it->value() == slice(value)) return true;
  }
  throw_unless_ok(it->status());
  return false;
}

std::unique_ptr<rocksdb::Iterator> View::rows() const {
  return std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(rocksdb::ReadOptions(), family_));
}

ViewSnapshot::ViewSnapshot(const View& view) : view_(view), snapshot_(&view_.db()) {
  options_.snapshot = snapshot_.snapshot();
}

std::optional<std::string> ViewSnapshot::get(std::string_view key) const {
  std::string value;
  const auto status = view_.db().Get(options_, view_.family(), slice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  throw_unless_ok(status);
  return value;
}

std::unique_ptr<rocksdb::Iterator> ViewSnapshot::rows() const {
  return std::unique_ptr<rocksdb::Iterator>(view_.db().NewIterator(options_, view_.family()));
}

void ViewSnapshot::get_all(std::span<const std::string> keys,
                           const std::function<void(std::string_view)>& visit) const {
  const std::vector<rocksdb::Slice> wanted(keys.begin(), keys.end());
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  view_.db().MultiGet(options_, view_.family(), wanted.size(), wanted.data(), values.data(), statuses.data());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].IsNotFound()) continue;
    throw_unless_ok(statuses[i]);
    visit(mintmark::view(values[i]));
  }
}

void View::write(rocksdb::WriteBatch& batch) {
  throw_without_space(*db_, batch.GetDataSize());
  const auto status = db_->Write(rocksdb::WriteOptions(), &batch);
  // A table that RocksDB has written in the background has met a full disk. It recovers by itself.
  if (status.IsNoSpace()) throw ViewsFull("the views cannot be used: " + status.ToString());
  throw_unless_ok(status);
}

Result<std::unique_ptr<ViewStore>> ViewStore::open(const std::string& path, rocksdb::Env* env) {
  rocksdb::Options options;
  if (env) options.env = env;
  options.max_file_opening_threads = 1;  // more are started for every family, however few its tables are
  options.create_if_missing = true;
  options.info_log = rocksdb_logger();
  // Most keys that are looked for are not among the latest writes.
  options.memtable_prefix_bloom_size_ratio = 0.02;
  options.memtable_whole_key_filtering = true;
  options.max_total_wal_size = 128UL * 1024 * 1024;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(block_cache_bytes);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = table_format;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = rocksdb::kLZ4Compression;

  std::error_code code;
  std::filesystem::create_directories(path, code);
  std::vector<std::string> names;
  // Fails where there is no database yet: then there is only the default family.
  if (!rocksdb::DB::ListColumnFamilies(options, path, &names).ok())
    names = {rocksdb::kDefaultColumnFamilyName};
  std::ranges::partition(names, [](const auto& name) { return name == rocksdb::kDefaultColumnFamilyName; });
  std::unique_ptr<ViewStore> store(new ViewStore);
  store->family_options_ = options;
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.reserve(names.size());
  for (const auto& name : names) families.emplace_back(name, options);
  if (const auto why = lack_of_space(path, bytes_in_write_ahead_logs(path)))
    return fail(ErrorKind::kUnavailable, fmt::format("The views in {} cannot be opened: {}.", path, *why));
  rocksdb::DB* db = nullptr;
  auto status = check_table_files(*options.env, path);
  if (status.ok()) status = rocksdb::DB::Open(options, path, families, &store->families_, &db);
  std::string problem = status.ok() ? "" : status.ToString();
  if (problem.empty()) {
    store->db_.reset(db);
    try {
      store->drop_old_generations();
    } catch (const std::runtime_error& error) {
      problem = error.what();
    }
  }
  if (problem.empty()) return store;
  return fail(ErrorKind::kUnavailable,
              fmt::format("The views in {} cannot be opened: {}. They hold nothing that "
                          "is not in the log: deleting the folder rebuilds them.",
                          path, problem));
}

ViewStore::~ViewStore() {
  for (auto* handle : families_) db_->DestroyColumnFamilyHandle(handle);
}

Result<void> ViewStore::bind(EventId log_id) {
  std::string stored;
  const auto status = db_->Get(rocksdb::ReadOptions(), families_[0], slice(log_id_key), &stored);
  if (!status.IsNotFound()) throw_unless_ok(status);
  if (status.ok() && stored != log_id.view()) {
    return fail(ErrorKind::kUnavailable,
                fmt::format("The views in {} are another log's. Deleting the folder makes them anew.",
                            db_->GetName()));
  }
  // Also where it is known: with the first write RocksDB sets aside what its write-ahead log will take, which
  // must not wait until the disk is full.
  throw_unless_ok(db_->Put(rocksdb::WriteOptions(), families_[0], slice(log_id_key), slice(log_id.view())));
  return {};
}

std::uint64_t ViewStore::live_generation(std::string_view projection) {
  std::string value;
  const auto status = db_->Get(rocksdb::ReadOptions(), families_[0], slice(projection), &value);
  if (status.IsNotFound()) return 1;
  throw_unless_ok(status);
  return get_big_endian(value);
}

View ViewStore::family(std::string_view projection, std::uint64_t generation) {
  const auto name = fmt::format("{}.{}", projection, generation);
  const auto found = std::ranges::find_if(families_, [&](auto* handle) { return handle->GetName() == name; });
  if (found != families_.end()) return {*db_, **found};
  throw_without_space(*db_, 0);
  rocksdb::ColumnFamilyHandle* handle = nullptr;
  throw_unless_ok(db_->CreateColumnFamily(family_options_, name, &handle));
  families_.push_back(handle);
  return {*db_, *handle};
}

View ViewStore::live(std::string_view projection) {
  return family(projection, live_generation(projection));
}

View ViewStore::building(std::string_view projection, std::string_view program_version) {
  const auto generation = live_generation(projection) + 1;
  const auto mark = std::string(building_prefix).append(projection);
  std::string stored;
  const auto status = db_->Get(rocksdb::ReadOptions(), families_[0], mark, &stored);
  if (!status.IsNotFound()) throw_unless_ok(status);
  if (stored != program_version) {
    drop(family(projection, generation).family());
    // Behind it, so that the mark is never that of another version's rows.
    throw_unless_ok(db_->Put(rocksdb::WriteOptions(), families_[0], mark, slice(program_version)));
  }
  return family(projection, generation);
}

void ViewStore::promote(std::string_view projection) {
  throw_without_space(*db_, 0);
  const auto old = live_generation(projection);
  std::string value;
  put_big_endian(value, old + 1);
  rocksdb::WriteOptions options;
  options.sync = true;
  throw_unless_ok(db_->Put(options, families_[0], slice(projection), value));
  crash_point("generation swapped");
  drop(family(projection, old).family());
}

void ViewStore::drop(rocksdb::ColumnFamilyHandle* handle) {
  throw_unless_ok(db_->DropColumnFamily(handle));
  std::erase(families_, handle);
  throw_unless_ok(db_->DestroyColumnFamilyHandle(handle));
}

void ViewStore::drop_old_generations() {
  const auto families = families_;
  for (auto* handle : families) {
    const auto name = handle->GetName();
    const auto dot = name.rfind('.');
    if (dot == std::string::npos) continue;
    const auto generation = std::strtoull(name.c_str() + dot + 1, nullptr, 10);
    if (generation < live_generation(std::string_view(name).substr(0, dot))) drop(handle);
  }
}

}  // namespace mintmark
