// What is done to the tables' files as such.
#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <rocksdb/convenience.h>

#include "eventstore/rocksdb_options.h"
#include "eventstore/rocksdb_strings.h"
#include "eventstore/rocksdb_tables.h"

namespace mintmark {
namespace {

// What a table that was written to its end ends with, behind four bytes that name its form (BlockBasedTable's
// footer, RocksDB 7.8, table/format.h). No checksum covers these.
constexpr std::string_view table_magic = "\xF7\xCF\xF4\x85\xB7\x41\xE2\x88";

rocksdb::Status check_footer(rocksdb::Env& env, const std::string& path) {
  std::array<char, sizeof table_format + table_magic.size()> buffer{};
  std::uint64_t size = 0;
  auto status = env.GetFileSize(path, &size);
  if (!status.ok() || size < buffer.size()) return status;
  std::unique_ptr<rocksdb::RandomAccessFile> file;
  status = env.NewRandomAccessFile(path, &file, rocksdb::EnvOptions());
  rocksdb::Slice end;
  if (status.ok()) status = file->Read(size - buffer.size(), buffer.size(), &end, buffer.data());
  // One that a crash cut short is none of the log's, or RocksDB misses it.
  if (!status.ok() || end.size() < buffer.size() || !end.ends_with(slice(table_magic))) return status;
  std::uint32_t format = 0;
  for (std::size_t i = sizeof format; i-- > 0;) format = format << 8U | static_cast<unsigned char>(end[i]);
  if (format == table_format) return status;
  return rocksdb::Status::Corruption(path, "its footer names a form that no table of this log has");
}

}  // namespace

rocksdb::Status RocksDbTables::check_footers(rocksdb::Env& env, const std::string& path) {
  std::vector<std::string> names;
  auto status = env.GetChildren(path, &names);
  for (const auto& name : names) {
    if (!status.ok()) break;
    if (name.ends_with(".sst")) status = check_footer(env, fmt::format("{}/{}", path, name));
  }
  return status;
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
  const auto status = rocksdb::VerifySstFileChecksum(options, rocksdb::EnvOptions(options),
                                                     file.directory + "/" + file.relative_filename);
  if (!status.ok()) throw std::runtime_error("the log cannot be read: " + status.ToString());
}

}  // namespace mintmark
