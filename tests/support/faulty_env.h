#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <rocksdb/env.h>

namespace mintmark::testing {

enum class FileOperation { kAppend, kSync, kRead, kOpen };

// What goes wrong with which files; a file is meant where its path contains the given part. Thread-safe.
class FileFaults {
 public:
  // From the next such operation but `after_count` on, all fail. A failing append has written half of its
  // bytes.
  void fail(FileOperation operation, std::string path_part, std::size_t after_count = 0);
  // The same, but only that one operation fails.
  void fail_once(FileOperation operation, std::string path_part, std::size_t after_count);
  // Nothing fails any more.
  void heal();
  // Whether anything failed since the last fail() or fail_once().
  bool struck() const;

  // Syncs of such files wait, from now to release().
  void hold_syncs(std::string path_part);
  // Blocks until a sync waits.
  void wait_until_held();
  void release();

  // Called by the files. Whether the operation is to fail; waits where it is held.
  bool strikes(FileOperation operation, const std::string& path);

 private:
  struct Failure {
    FileOperation operation;
    std::string path_part;
    std::size_t after_count;
    bool once = false;
  };

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Failure> failure_;
  bool struck_ = false;
  std::optional<std::string> held_part_;
  std::size_t held_ = 0;
};

// The system's files with faults. RocksDB keeps no pointer to it past the closing of its last file.
class FaultyEnv {
 public:
  FaultyEnv();
  rocksdb::Env& env() { return *env_; }
  FileFaults& faults() { return *faults_; }

 private:
  std::shared_ptr<FileFaults> faults_;
  std::unique_ptr<rocksdb::Env> env_;
};

// Parts of paths: RocksDB's write-ahead log, and the log's own anchor.
inline constexpr const char* wal_part = ".log";
inline constexpr const char* anchor_part = "/anchor";

}  // namespace mintmark::testing
