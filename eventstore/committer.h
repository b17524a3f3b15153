#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "eventstore/commit_batch.h"
#include "eventstore/disk_reserve.h"
#include "eventstore/drive.h"
#include "eventstore/event_log.h"
#include "eventstore/head_anchor.h"
#include "eventstore/rocksdb_tables.h"

namespace mintmark {

// The one writer of the log. Two threads in a row:
//
//   commit thread: drains the queue into a CommitBatch, writes it with one synced write, hands it on;
//   anchor thread: writes the head anchor for all batches handed to it so far, publishes the new head,
//   answers.
//
// So the anchor of one batch overlaps the sync of the next, no answer comes before its anchor, and a slow
// disk makes batches larger instead of queues longer. Everything that an answer depends on is durable when it
// is given: also a conflict with an earlier member of the same batch.
//
// A failed write, sync or anchor is final: what waits is answered kUnknown, everything later too, and
// `on_failure` is told once, from one of the two threads.
class Committer {
 public:
  struct Options {
    EventId log_id;
    MerkleTree tree;  // of the log as it stands
    std::function<std::uint64_t()> free_disk_bytes;
    DiskReserve& reserve;
    std::function<void(const std::string& reason)> on_failure;
    Drive drive = Drive::kOwnThreads;
  };

  Committer(RocksDbTables& tables, HeadAnchor& anchor, Options options);
  // Finishes and answers what is queued, then ends both threads.
  ~Committer();

  // See EventLog.
  void append(AppendRequest request, AppendDone done);
  Position head() const { return head_.load(std::memory_order_acquire); }
  // The tree up to head() or a little further; anchored, so nothing of it can be lost any more.
  MerkleTree tree() const;
  bool wait_past(Position after, std::stop_token stop);

  // What each of the threads does at a time, and its caller with Drive::kCaller: writes one batch of what is
  // queued, writes one anchor for what is written and answers. Each answers false where there was nothing.
  bool commit_step();
  bool anchor_step();

 private:
  struct Waiting {
    AppendRequest request;
    AppendDone done;
  };
  struct Answer {
    AppendDone done;
    AppendResult result;
  };
  struct Written {
    MerkleTree tree;
    std::vector<Answer> answers;
  };

  void commit_until_stopped();
  void commit(std::vector<Waiting> waiting);
  void anchor_until_stopped();
  void anchor(std::vector<Written> written);
  std::vector<Waiting> take_queued();
  // `free_disk_bytes` is what was free last; it grows where the reserve is given up.
  AppendResult admit(CommitBatch& batch, AppendRequest&& request, std::uint64_t& free_disk_bytes);
  void fail_for_ever(const std::string& reason, std::vector<Answer> answers);
  void give(std::vector<Answer> answers);

  RocksDbTables& tables_;
  HeadAnchor& anchor_;
  const Options options_;
  MerkleTree tree_;  // commit thread's own

  mutable std::mutex mutex_;
  std::condition_variable queue_grown_;
  std::condition_variable written_grown_;
  std::condition_variable_any head_moved_;
  std::deque<Waiting> queue_;     // guarded by mutex_
  std::vector<Written> written_;  // guarded by mutex_
  std::size_t unanswered_ = 0;    // guarded by mutex_
  bool stopping_ = false;         // guarded by mutex_
  bool commits_ended_ = false;    // guarded by mutex_
  bool failed_ = false;           // guarded by mutex_
  MerkleTree anchored_tree_;      // guarded by mutex_
  std::atomic<Position> head_;

  std::thread anchor_thread_;
  std::thread commit_thread_;
};

}  // namespace mintmark
