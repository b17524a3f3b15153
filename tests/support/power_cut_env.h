#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <rocksdb/env.h>

#include "tests/support/temporary_folder.h"

namespace mintmark::testing {

class PowerCutDisk;

// The system's files, but nothing is durable before it is synced: data before its file is, and names (of new,
// renamed and removed files) before their folder is. A power cut takes away, by a seed, what is not durable:
// of a file's unsynced bytes any first part stays, with the last of them perhaps garbled, and of a folder's
// unsynced changes any first ones. Thread-safe.
class PowerCutEnv {
 public:
  explicit PowerCutEnv(std::uint32_t seed);
  ~PowerCutEnv();
  rocksdb::Env& env() { return *env_; }

  // The power goes at the n-th change from here on: it and everything later fails and does nothing.
  void cut_at(std::size_t n);
  // Whether it has gone.
  bool is_cut() const;
  // The power is there as before, and nothing of what was written has gone: what a process finds that follows
  // one that was killed.
  void restore();
  // The n-th change from here on fails and does nothing; the next ones go on.
  void fail_at(std::size_t n);
  // Whether it has failed since.
  bool has_failed() const;
  // How many changes there were so far, those that failed included.
  std::uint64_t changes() const;
  // From now on whatever is synced is told to be durable, and is not: a disk that breaks its promise.
  void drop_syncs();
  // Once every file is closed: makes the disk what a restart finds. What it leaves is durable.
  void restart();

 private:
  TemporaryFolder removed_{TemporaryFolder::in_memory()};  // contents that a cut may bring back
  std::shared_ptr<PowerCutDisk> disk_;
  std::unique_ptr<rocksdb::Env> env_;
};

}  // namespace mintmark::testing
