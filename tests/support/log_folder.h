#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <rocksdb/env.h>

#include "eventstore/rocksdb_log.h"
#include "tests/support/temporary_folder.h"

// The folder of a RocksDB log, and what tests do to its files behind its back.
namespace mintmark::testing {

std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, const std::string& bytes);

// Path below `folder` → bytes, of every file but the lock files.
std::map<std::string, std::string> contents_of(const std::filesystem::path& folder);

// The system's files, none of which sets space aside: in memory that costs as much as writing it.
rocksdb::Env& env_in_memory();

// As a verification takes them.
TreeHeadSource source_of(std::vector<TreeHead> heads);

class LogFolder {
 public:
  explicit LogFolder(std::uint64_t log_number = 1,
                     const std::filesystem::path& parent = std::filesystem::temp_directory_path());

  // Opens with these options, or the folder's own; a refusal fails the test.
  std::unique_ptr<RocksDbLog> open();
  std::unique_ptr<RocksDbLog> open(RocksDbLog::Options options);
  RocksDbLog::Options options() const;
  // What open() refuses with; empty where it opens.
  std::string refusal() const;

  // Appends events numbered from head + 1, one a stream, and waits for each.
  static void append_some(RocksDbLog& log, std::size_t count);

  const std::filesystem::path& path() const { return folder_.path(); }
  std::filesystem::path anchor() const { return path() / "anchor"; }
  // The write-ahead log that was written last.
  std::filesystem::path wal() const;
  // Replaces all by a copy of `other`, which no process has open.
  void become_copy_of(const LogFolder& other);

 private:
  TemporaryFolder folder_;
  rocksdb::Env* env_;
};

}  // namespace mintmark::testing
