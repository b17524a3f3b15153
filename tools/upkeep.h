#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "eventstore/clock.h"
#include "eventstore/rocksdb_log.h"
#include "eventstore/tree_head_journal.h"
#include "projections/authorization_index.h"

namespace mintmark {

// What a running server does for its log beside the requests: signs tree heads at an interval, reads the
// whole log again and again at a pace that nobody feels, takes destroyed keys from the disk, where there are
// any, and saves the authorization index, so that a start after a crash has little to read. Four threads, the
// first two only where they have something to do.
class Upkeep {
 public:
  // All must outlive it.
  struct Subjects {
    RocksDbLog& log;
    TreeHeadJournal& tree_heads;
    AuthorizationIndex& authorization_index;
    std::string index_snapshot;  // the file that it is saved to
    const Clock& clock;
    // Becomes true where the log, or the file of its tree heads, is not what it was.
    std::atomic<bool>& damage_found;
    // Position of the newest tree head that was signed, 0 before the first; stays as it is where none are.
    std::atomic<std::int64_t>& signed_position;
    // When the whole log was last found to be what it was, in seconds since 1970.
    std::atomic<std::int64_t>& verified_at_s;
  };
  struct Options {
    std::chrono::seconds tree_head_interval{};                       // 0: none are signed
    std::uint64_t verified_events_per_second = 0;                    // 0: nothing is read again
    std::chrono::seconds verify_rest = std::chrono::hours(1);        // between one reading and the next
    std::function<std::string(const VaultRow&)> vault_problem = {};  // as VerifyOptions::vault_problem
    std::chrono::milliseconds vault_rest =
        std::chrono::hours(1);  // before the vault is rewritten, where it must be
    // The index is looked at so often, and saved where it has moved and was not for so long, or where it has
    // moved by so many events.
    std::chrono::milliseconds index_look = std::chrono::minutes(1);
    std::chrono::milliseconds index_rest = std::chrono::hours(1);
    std::uint64_t index_events_max = 1'000'000;
  };

  Upkeep(const Subjects& subjects, Options options);
  // Ends the threads. Signs a last tree head where the log has grown since the one before.
  ~Upkeep();

 private:
  void publish();
  void sign(const std::stop_token& stop);
  void verify(const std::stop_token& stop);
  void verify_once(const std::stop_token& stop);
  void forget(const std::stop_token& stop);
  void save(const std::stop_token& stop);
  void wait(std::chrono::milliseconds time, const std::stop_token& stop);

  const Subjects subjects_;
  const Options options_;
  std::mutex mutex_;
  std::condition_variable_any stopping_;
  std::jthread signing_;
  std::jthread verifying_;
  std::jthread forgetting_;
  std::jthread saving_;
};

}  // namespace mintmark
