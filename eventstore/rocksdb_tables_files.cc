// What is done to the tables' files as such.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <rocksdb/convenience.h>
#include <rocksdb/sst_file_reader.h>

#include "eventstore/rocksdb_options.h"
#include "eventstore/rocksdb_strings.h"
#include "eventstore/rocksdb_tables.h"
#include "eventstore/table_files.h"

namespace mintmark {

std::string RocksDbTables::find_lost_file() {
  std::vector<rocksdb::LiveFileMetaData> live;
  db_->GetLiveFilesMetaData(&live);
  std::set<std::uint64_t> known;
  for (const auto& file : live) known.insert(file.file_number);
  std::vector<std::string> names;
  const auto listed = db_->GetEnv()->GetChildren(db_->GetName(), &names);
  if (!listed.ok()) throw std::runtime_error("the log's folder cannot be read: " + listed.ToString());
  for (const auto& name : names) {
    constexpr std::string_view ending = ".sst";
    if (!name.ends_with(ending)) continue;
    std::uint64_t number = 0;
    std::from_chars(name.data(), name.data() + name.size() - ending.size(), number);
    if (!known.contains(number) && !has_rows_of(db_->GetName() + "/" + name)) return name;
  }
  return "";
}

// By its first and last row: a file is lost as a whole. One that a crash cut short is nobody's. In the vault
// rows may be gone because they were deleted; but the nodes, which are written out behind it, never are.
bool RocksDbTables::has_rows_of(const std::string& file) {
  rocksdb::SstFileReader reader(db_->GetOptions(families_[kMeta]));
  if (!reader.Open(file).ok()) return true;
  const auto family = std::ranges::find(families_, reader.GetTableProperties()->column_family_name,
                                        [](const auto* handle) { return handle->GetName(); });
  if (family == families_.end()) return false;
  const auto table = static_cast<Table>(family - families_.begin());
  if (table == kVault) return true;
  const std::unique_ptr<rocksdb::Iterator> row(reader.NewIterator(rocksdb::ReadOptions()));
  row->SeekToFirst();
  if (row->Valid() && view(row->key()) == write_number_key) row->Next();
  if (row->Valid() && !get(table, view(row->key()))) return false;
  row->SeekToLast();
  return !row->Valid() || get(table, view(row->key())).has_value();
}

rocksdb::Status RocksDbTables::rewrite_vault() {
  former_vault_rows_ = false;  // before: what becomes one meanwhile may be missed
  // All families: a write-ahead log goes once no family has rows in memory that it stands for.
  auto status = db_->Flush(rocksdb::FlushOptions(), families_);
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  if (status.ok()) status = db_->CompactRange(options, families_[kVault], nullptr, nullptr);
  if (!status.ok()) former_vault_rows_ = true;
  return status;
}

std::uint64_t RocksDbTables::vault_bytes() {
  std::uint64_t bytes = 0;
  db_->GetIntProperty(families_[kVault], rocksdb::DB::Properties::kTotalSstFilesSize, &bytes);
  return bytes + write_buffer_bytes;
}

void RocksDbTables::verify_checksums(const std::function<bool(double done)>& go_on) {
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  double bytes = 0;
  for (const auto& file : files) bytes += static_cast<double>(file.size);
  double bytes_done = 0;
  for (const auto& file : files) {
    verify_file(file);
    bytes_done += static_cast<double>(file.size);
    if (!go_on(bytes_done / bytes)) return;
  }
}

// Nothing, where a compaction has replaced it meanwhile.
void RocksDbTables::verify_file(const rocksdb::LiveFileMetaData& file) {
  // It must not go meanwhile, nor what others have replaced stay for long. Tables that are open for reading
  // alone refuse this, and lose none.
  const bool kept = db_->DisableFileDeletions().ok();
  const auto release = [kept](rocksdb::DB* db) {
    if (kept) db->EnableFileDeletions(false);
  };
  const std::unique_ptr<rocksdb::DB, decltype(release)> guard(db_.get(), release);
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  const auto number = &rocksdb::LiveFileMetaData::file_number;
  if (std::ranges::find(files, file.file_number, number) == files.end()) return;
  const auto family = std::ranges::find(families_, file.column_family_name,
                                        [](const auto* handle) { return handle->GetName(); });
  const auto options = db_->GetOptions(*family);
  const auto path = file.directory + "/" + file.relative_filename;
  auto status = check_table_file(*db_->GetEnv(), path);
  if (status.ok()) status = rocksdb::VerifySstFileChecksum(options, rocksdb::EnvOptions(options), path);
  if (!status.ok()) throw std::runtime_error("the log cannot be read: " + status.ToString());
}

}  // namespace mintmark
