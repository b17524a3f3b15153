#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "eventstore/rocksdb_log.h"
#include "eventstore/tree_head_journal.h"

namespace mintmark {

// What a running server does for its log beside the requests: signs tree heads at an interval, and reads the
// whole log again and again at a pace that nobody feels, and takes destroyed keys from the disk, where there
// are any. Three threads, the first two only where they have something to do.
class Upkeep {
 public:
  struct Options {
    std::chrono::seconds tree_head_interval{};                 // 0: none are signed
    std::uint64_t verified_events_per_second = 0;              // 0: nothing is read again
    std::chrono::seconds verify_rest = std::chrono::hours(1);  // between one reading and the next
    std::chrono::milliseconds vault_rest =
        std::chrono::hours(1);  // before the vault is rewritten, where it must be
  };

  // All must outlive it. `damage_found` becomes true where the log, or the file of its tree heads, is not
  // what it was.
  Upkeep(RocksDbLog& log, TreeHeadJournal& tree_heads, std::atomic<bool>& damage_found, Options options);
  // Ends both threads. Signs a last tree head where the log has grown since the one before.
  ~Upkeep();

 private:
  void sign(const std::stop_token& stop);
  void verify(const std::stop_token& stop);
  void verify_once(const std::stop_token& stop);
  void forget(const std::stop_token& stop);
  void wait(std::chrono::milliseconds time, const std::stop_token& stop);

  RocksDbLog& log_;
  TreeHeadJournal& tree_heads_;
  std::atomic<bool>& damage_found_;
  const Options options_;
  std::mutex mutex_;
  std::condition_variable_any stopping_;
  std::jthread signing_;
  std::jthread verifying_;
  std::jthread forgetting_;
};

}  // namespace mintmark
