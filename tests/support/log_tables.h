#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include "eventstore/bytes.h"

namespace mintmark::testing {

// A log's tables in RocksDB, past the log, which no process may have open.
class LogTables {
 public:
  explicit LogTables(const std::filesystem::path& log_folder) {
    const auto path = (log_folder / "rocksdb").string();
    check(rocksdb::DB::ListColumnFamilies(rocksdb::DBOptions(), path, &names_));
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const auto& name : names_) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
    rocksdb::DB* db = nullptr;
    rocksdb::DBOptions options;
    options.max_file_opening_threads = 1;
    check(rocksdb::DB::Open(options, path, families, &families_, &db));
    db_.reset(db);
  }
  ~LogTables() {
    for (auto* family : families_) db_->DestroyColumnFamilyHandle(family);
  }
  LogTables(const LogTables&) = delete;
  LogTables& operator=(const LogTables&) = delete;

  const std::vector<std::string>& names() const { return names_; }

  std::string get(const std::string& family_name, const std::string& key) {
    std::string value;
    EXPECT_TRUE(db_->Get({}, family(family_name), key, &value).ok());
    return value;
  }
  bool has(const std::string& family_name, const std::string& key) {
    std::string value;
    return db_->Get({}, family(family_name), key, &value).ok();
  }
  void put(const std::string& family_name, const std::string& key, const std::string& value) {
    check(db_->Put({}, family(family_name), key, value));
  }
  // A row that there must be.
  void remove(const std::string& family_name, const std::string& key) {
    std::string value;
    check(db_->Get({}, family(family_name), key, &value));
    check(db_->Delete({}, family(family_name), key));
  }
  void drop(const std::string& family_name) { check(db_->DropColumnFamily(family(family_name))); }
  // The keys of all rows, in order.
  std::vector<std::string> keys(const std::string& family_name) {
    std::vector<std::string> keys;
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, family(family_name)));
    for (it->SeekToFirst(); it->Valid(); it->Next()) keys.push_back(it->key().ToString());
    return keys;
  }

 private:
  static void check(const rocksdb::Status& status) {
    if (!status.ok()) throw std::runtime_error(status.ToString());
  }
  rocksdb::ColumnFamilyHandle* family(const std::string& name) {
    const auto found = std::ranges::find(names_, name);
    if (found == names_.end()) throw std::runtime_error("no family " + name);
    return families_[static_cast<std::size_t>(found - names_.begin())];
  }

  std::vector<std::string> names_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  std::unique_ptr<rocksdb::DB> db_;
};

// As positions and numbers are written in keys.
inline std::string number_key(std::uint64_t number) {
  std::string key;
  put_big_endian(key, number);
  return key;
}

}  // namespace mintmark::testing
