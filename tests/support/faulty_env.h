#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include <rocksdb/env.h>

namespace mintmark::testing {

enum class FileOperation { kAppend, kSync, kRead, kOpen, kRename, kDelete, kTruncate, kSyncFolder };

// How a read goes wrong that does not fail.
enum class SpoiltRead { kShort, kFlipped };

// What goes wrong with which files; a file is meant where its path contains the given part. Thread-safe.
class FileFaults {
 public:
  // From the next such operation but `after_count` on, all fail. A failing append has written half of its
  // bytes.
  void fail(FileOperation operation, std::string path_part, std::size_t after_count = 0);
  // The same, but only that one operation fails.
  void fail_once(FileOperation operation, std::string path_part, std::size_t after_count);
  // From here on the disk has no space for what is appended to such files.
  void fill(std::string path_part);
  bool is_full() const;
  // Of the reads of such files one in `one_in`, as the seed decides, gives a first part alone, or all with
  // one bit flipped.
  void spoil_reads(SpoiltRead how, std::string path_part, std::uint32_t seed, std::size_t one_in);
  // Nothing fails any more.
  void heal();
  // Whether anything failed since the last fail(), fail_once() or spoil_reads().
  bool struck() const;

  // Syncs of such files wait, from now to release().
  void hold_syncs(std::string path_part);
  // Blocks until a sync waits.
  void wait_until_held();
  void release();
  // The next `count` syncs of such files take so long.
  void delay_syncs(std::string path_part, std::chrono::milliseconds time, std::size_t count);

  // Bytes that were read of such files so far.
  std::uint64_t bytes_read(std::string_view path_part) const;

  // Called by the files. Whether the operation is to fail; waits where it is held.
  bool strikes(FileOperation operation, const std::string& path);
  // What was read instead of `read`; `scratch` has room for it.
  rocksdb::Slice after_read(const std::string& path, const rocksdb::Slice& read, char* scratch);

 private:
  struct Failure {
    FileOperation operation;
    std::string path_part;
    std::size_t after_count;
    bool once = false;
  };
  struct Spoiling {
    SpoiltRead how;
    std::string path_part;
    std::mt19937 random;
    std::size_t one_in;
  };
  struct Delay {
    std::string path_part;
    std::chrono::milliseconds time;
    std::size_t count;
  };

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Failure> failure_;
  std::optional<Spoiling> spoiling_;
  std::optional<Delay> delay_;
  std::map<std::string, std::uint64_t> bytes_read_;  // by path
  bool is_full_ = false;
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
