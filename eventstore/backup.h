#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "domain/error.h"
#include "eventstore/event_log.h"
#include "eventstore/merkle_tree.h"
#include "eventstore/rocksdb_log.h"

// Backups: the log's events in a folder of segments, the vault in a file of its own.
//
// They are apart because they must not live equally long. A backup of the log is kept for ever and only
// grows. The vault holds the keys of the sealed values, and a value is deleted by destroying its key; a copy
// of the vault that is kept brings deleted values back. So there is one copy of it, and each backup replaces
// it.
//
// A segment is a file events-FIRST-LAST, positions in 20 digits: 8 bytes "MMEVENT2", 16 log id, 8 the schema
// of its events (domain/schema.h), the tree before it, then each append as the number of its events, and each
// event as its length and stored bytes; a number 0, the tree behind it, 32 BLAKE2b of all before. Those that
// begin with "MMEVENT1" say no schema, and are read too. A vault file: "MMVAULT1", 16 log id, 8 position
// that it is not older than, then each row as the length and bytes of its subject and its wrapped key; a
// length 0, 32 BLAKE2b of all before. Integers are 8 bytes, little-endian; a tree is the length of
// MerkleTree::encode and its bytes. A file has its name only when it is whole, on disk and read
// back. `lock` in the folder is held by who adds to it.
namespace mintmark {

// Of a log's backup, and what this run added to it.
struct BackupReport {
  Position head = 0;
  TreeHash root{};
  Position events = 0;
  std::size_t segments = 0;
};

// Brings the backup in `folder` up to the newest durable event; makes it where there is none. Reads what it
// wrote back and checks it. Safe beside everything else that the log does. Blocks for long. kUnavailable
// where the folder cannot be written to, is another log's, or holds what is not in this log; kConflict where
// it reaches further than the log or another backup is being made in it. A stop ends it with kUnavailable;
// the segments that it has finished stay, and the next run goes on behind them.
Result<BackupReport> backup_events(RocksDbLog& log, const std::string& folder,
                                   const std::stop_token& stop = {});

// Replaces the vault's backup by the vault as it is now, or a moment later; how many keys it holds. Read back
// before it takes the old one's place. Blocks for long. kUnavailable where the file cannot be written; the
// old one stays then, as it does after a stop, which ends it in the same way. No rotation of the keys may
// run.
Result<std::uint64_t> backup_vault(EventLog& log, const std::string& path, const std::stop_token& stop = {});

// One append as it was stored.
using StoredAppend = std::vector<StoredEvent>;

// A backup's events in order, each append on its own. Checks everything that a segment says. Blocks on disk.
// kUnavailable, naming the file, where something does not fit; `take` may fail as well.
struct BackupContents {
  EventId log_id;
  MerkleTree tree;
};
Result<BackupContents> read_backup(const std::string& folder,
                                   const std::function<Result<void>(StoredAppend&&)>& take);

// The rows of a vault's backup, a batch at a time. Fails as read_backup does.
Result<void> read_vault_backup(const std::string& path, const EventId& log_id,
                               const std::function<Result<void>(std::vector<VaultWrite>&&)>& take);

// Reads both and checks everything that they say; how many keys the vault's holds. Fails as read_backup does.
Result<BackupContents> check_backup(const std::string& events_folder);
Result<std::uint64_t> check_vault_backup(const std::string& path, const EventId& log_id);

// How many bytes both have, and how many events are in them. Fails as read_backup does, but reads no file.
struct BackupSize {
  std::uint64_t bytes = 0;
  Position events = 0;
};
Result<BackupSize> backup_size(const std::string& events_folder, const std::string& vault_path);

// How much free disk a restore of both asks for: what the log will take, its write-ahead log and what is left
// alone of a disk. Fails as backup_size.
Result<std::uint64_t> restore_bytes(const std::string& events_folder, const std::string& vault_path);

// Makes a log out of a backup of its events and one of its vault, in a folder that holds none. What the
// events say was deleted stays deleted, also where the vault's backup is older and still has its key.
// kUnavailable where a backup is damaged, the disk has not as much space as that takes or the log cannot be
// written, kConflict where there is a log; then nothing that opens is left.
Result<BackupReport> restore_log(const RocksDbLog::Options& options, const std::string& events_folder,
                                 const std::string& vault_path, const VerifyProgress& progress);

}  // namespace mintmark
