#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "domain/error.h"
#include "eventstore/drive.h"
#include "eventstore/event_log.h"
#include "eventstore/merkle_tree.h"

namespace rocksdb {
class Env;
}

namespace mintmark {

class Committer;
class DiskReserve;
class HeadAnchor;
class RocksDbTables;

// What verify found. The first problem ends it.
struct VerifyReport {
  Position head = 0;
  TreeHash root{};
  std::string problem;           // empty: nothing wrong; else names the position
  std::size_t tree_heads = 0;    // so many it was held to
  Position signed_and_lost = 0;  // so many events behind the head a tree head stands for; see is_restored
  std::string note = {};         // what may be damage, or what a crash leaves in a sound log
};

// Told now and then how many of how many events are done.
using VerifyProgress = std::function<void(Position done, Position total)>;

// Tells tree heads, one after another, so that not all of them are in memory; false where that failed.
using TreeHeadSource = std::function<bool(const TreeHeadVisitor& visit)>;

struct VerifyOptions {
  // Asked once, at the beginning. Each must be the log's own at its size, by a proof of consistency out of
  // the stored nodes, which growing the tree again then checks. Where it fails the verification ends, without
  // a problem. A log of an earlier format has no nodes: there 40 bytes of each head are kept to the end.
  TreeHeadSource tree_heads = {};
  // A restored log ends where its backup did: heads of what came behind that are no problem, but are counted.
  bool is_restored = false;
  // Paced where it is not 0: reads that many events a second, and before them the files in as long a time,
  // one after the other with pauses between; behind them as many rows a second of the appends, idempotency
  // keys and the vault.
  std::uint64_t events_per_second = 0;
  // What is wrong with a row of the vault, such as Vault::row_problem; empty where nothing is. Without it
  // they are not looked at one by one.
  std::function<std::string(const VaultRow& row)> vault_problem = {};
  // Ends it early, without a problem.
  std::stop_token stop = {};
};

// The log on RocksDB, in a folder of its own: `rocksdb/` (eventstore/rocksdb_tables.h), `anchor`
// (eventstore/head_anchor.h), `reserve` (keep_reserve()) and `lock`, held by the one process that has the log
// open. Several threads.
class RocksDbLog final : public EventLog {
 public:
  struct Options {
    std::string path;
    rocksdb::Env* env = nullptr;  // the system's where null
    // Bytes that the log may still grow by; asked before each write. Default: free space of path's file
    // system.
    std::function<std::uint64_t()> free_disk_bytes;
    // Told once, from a thread of the log, when a write failed: nothing can be appended any more, and the
    // process should end.
    std::function<void(const std::string& reason)> on_failure;
    // With kCaller an append is answered in anchor_step() alone, so nobody may block for it.
    Drive drive = Drive::kOwnThreads;
  };

  // Makes an empty log. Fails where the folder holds one.
  static Result<void> create(const Options& options, EventId log_id);

  // Opens the log after checking it, without touching it, against its head anchor. Fails, naming the
  // position, where the log ends before its anchor, its events do not give the anchor's root, its format or
  // its schema (domain/schema.h) is newer or another process has it open. A log of an earlier format is
  // brought to the known one (eventstore/upgrade.h), one of an earlier schema says the known one from then
  // on: earlier programs refuse either. On a nearly full disk the reserve is given up for what opening
  // writes.
  static Result<std::unique_ptr<RocksDbLog>> open(Options options);
  // Answers what was appended, then closes.
  ~RocksDbLog() override;

  // Checks a log that no process has open: checksums of every file, anchor, gaps, stream versions, the tree's
  // nodes, and the root over all stored bytes. Changes nothing, so the disk need not be one that can be
  // written to. Fails where the log is open or there is none.
  static Result<VerifyReport> verify_stopped(const Options& options, const VerifyProgress& progress,
                                             const VerifyOptions& verify_options = {});
  // The same for this one while it is in use, up to the head at the start of the call. Blocks for long.
  VerifyReport verify(const VerifyProgress& progress, const VerifyOptions& verify_options = {});
  // The id of a log that no process has open. Fails as verify_stopped() does, or where its meta data is
  // damaged.
  static Result<EventId> log_id_of_stopped(const Options& options);

  // How many events the log in that folder is known to hold, by its anchor alone; 0 where none is known, as
  // in a folder that is no log or whose making was cut short. Changes nothing. Fails where the anchor cannot
  // be read.
  static Result<Position> anchored_position(const Options& options);

  // What open() found of the head anchor and has mended: damage, and what may be damage or what a crash in
  // mid-write leaves. Empty where there was none.
  const std::string& anchor_damage() const;
  const std::string& anchor_note() const;

  // The append whose first event has this id; nothing where there is none. Blocks on disk.
  std::optional<Committed> find_append(const EventId& first_event);

  // The tree over all events up to head(), or a little further; what it holds is durable.
  MerkleTree tree() const;
  // Whether the tree begins with this one, by a proof of consistency out of the stored nodes. Blocks on disk;
  // throws as read() does.
  bool begins_with(const TreeHead& head);
  // What is wrong with this log if that head was signed for it; empty where it begins with it. Blocks and
  // throws as begins_with().
  std::string tree_head_problem(const TreeHead& head);

  // From here on keeps so much of its disk for deletions, in the file `reserve`: given up once one comes and
  // hardly anything is free, taken again with a later append, once there is space. Fails where it cannot be
  // taken now. Blocks on disk.
  Result<void> keep_reserve(std::uint64_t bytes);

  // For other databases on the log's disk, whose write-ahead logs grow into that reserve too. They must be
  // closed before the log is.
  rocksdb::Env& env() const { return *databases_env_; }

  // Rewrites the vault's files, so that none of the log's holds what the vault's rows were before: destroyed
  // keys, and those wrapped by an earlier key-encryption key. Blocks for long. kUnavailable where the disk
  // has no room for a second copy of the vault or cannot be written to.
  Result<void> rewrite_vault();

  // Whether a file may hold such rows: keys were destroyed or wrapped anew since rewrite_vault(), or it has
  // not been called since the log was opened.
  bool may_hold_destroyed_keys() const;

  // With Drive::kCaller: the committer's steps (eventstore/committer.h).
  bool commit_step();
  bool anchor_step();

  void append(AppendRequest request, AppendDone done) override;
  std::vector<StoredEvent> read(Position after, std::size_t limit) override;
  std::vector<StoredEvent> read_stream(std::string_view stream, std::uint64_t after_version) override;
  std::uint64_t version_of(std::string_view stream) override;
  std::optional<EarlierUse> find_idempotency_key(std::string_view key_hash) override;
  std::optional<std::string> read_vault(std::string_view subject) override;
  std::vector<VaultRow> read_vault_after(std::string_view subject, std::size_t limit) override;
  Position head() const override;
  bool wait_past(Position after, std::stop_token stop) override;
  EventId log_id() const override { return log_id_; }

 private:
  class FolderLock;

  RocksDbLog();

  EventId log_id_;
  std::function<std::uint64_t()> free_disk_bytes_;
  std::unique_ptr<FolderLock> lock_;
  std::unique_ptr<DiskReserve> reserve_;
  std::unique_ptr<rocksdb::Env> databases_env_;
  std::unique_ptr<RocksDbTables> tables_;
  std::unique_ptr<HeadAnchor> anchor_;
  std::unique_ptr<Committer> committer_;
};

}  // namespace mintmark
