#include <exception>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <rocksdb/env.h>

#include "eventstore/backup.h"
#include "eventstore/disk_space.h"
#include "eventstore/head_anchor.h"
#include "eventstore/rocksdb_options.h"
#include "eventstore/rocksdb_tables.h"
#include "eventstore/vault.h"

namespace mintmark {
namespace {

constexpr std::size_t import_batch_events = 4096;

// What the log's tables hold of an event besides its bytes: its nodes in the tree, and the rows by which its
// stream, its append and its idempotency key lead to it.
constexpr std::uint64_t bytes_beside_an_event = 2 * sizeof(TreeHash) + 192;

std::unexpected<Error> refuse_restore(const std::string& path, std::string_view why) {
  return fail(ErrorKind::kUnavailable, fmt::format("The log in {} cannot be restored: {}.", path, why));
}

// Writes stored events into an empty log.
class Import {
 public:
  Import(RocksDbTables& tables, std::string path) : tables_(tables), path_(std::move(path)) {}

  const MerkleTree& tree() const { return tree_; }

  Result<void> add_vault(std::vector<VaultWrite>&& rows) {
    for (const auto& row : rows) batch_bytes_ += row.subject.size() + row.wrapped_key.size();
    batch_->add_vault_rows(std::move(rows));
    return flush();
  }

  Result<void> add(StoredAppend&& append) {
    std::vector<VaultWrite> destroyed;
    for (const auto& event : append) {
      tree_.append(event.bytes, &nodes_);
      batch_bytes_ += event.bytes.size() + bytes_beside_an_event;
      if (Vault::is_destroyed_by(event.recorded.event()))
        destroyed.push_back(Vault::destroy(event.recorded.stream()));
    }
    const auto problem = batch_->add_stored(std::move(append));
    if (!problem.empty()) return refuse_restore(path_, problem);
    batch_->add_vault_rows(std::move(destroyed));
    return batch_->events().size() < import_batch_events ? Result<void>() : flush();
  }

  Result<void> flush() {
    if (batch_->empty()) return {};
    // Once in the write-ahead log, once in a table.
    if (const auto why = lack_of_space(path_, tables_.bytes_in_memory() + 2 * batch_bytes_))
      return refuse_restore(path_, *why);
    const auto status = tables_.write(*batch_, tree_, nodes_);
    if (!status.ok()) return refuse_restore(path_, status.ToString());
    nodes_.clear();
    batch_bytes_ = 0;
    batch_ = std::make_unique<CommitBatch>(tables_, tree_.size());
    return {};
  }

 private:
  RocksDbTables& tables_;
  const std::string path_;
  MerkleTree tree_;
  std::string nodes_;  // of the tree, behind those that are written
  std::uint64_t batch_bytes_ = 0;
  std::unique_ptr<CommitBatch> batch_ = std::make_unique<CommitBatch>(tables_, 0);
};

// What the disk has for a log at that path, of which there is no folder yet.
std::uint64_t free_bytes_for(const RocksDbLog::Options& options) {
  if (options.free_disk_bytes) return options.free_disk_bytes();
  std::error_code code;
  auto folder = std::filesystem::absolute(options.path);
  while (!std::filesystem::exists(folder, code) && folder.has_relative_path()) folder = folder.parent_path();
  return std::filesystem::space(folder, code).available;
}

// Before an hour's work ends at a full disk.
Result<void> check_space(const RocksDbLog::Options& options, const std::string& events_folder,
                         const std::string& vault_path) {
  constexpr std::uint64_t mib = 1024UL * 1024;
  const auto needed = restore_bytes(events_folder, vault_path);
  if (!needed) return std::unexpected(needed.error());
  const auto free = free_bytes_for(options);
  if (free >= *needed) return {};
  return refuse_restore(options.path, fmt::format("that takes {} MiB of disk, and {} MiB are free",
                                                  *needed / mib + 1, free / mib));
}

}  // namespace

Result<std::uint64_t> restore_bytes(const std::string& events_folder, const std::string& vault_path) {
  const auto size = backup_size(events_folder, vault_path);
  if (!size) return std::unexpected(size.error());
  return size->bytes + size->events * bytes_beside_an_event + write_ahead_bytes_max + kept_disk_bytes;
}

namespace {

// Fills the empty log at that path.
Result<void> import_backup(rocksdb::Env& env, const std::string& path, const std::string& events_folder,
                           const std::string& vault_path, const BackupContents& contents,
                           const VerifyProgress& progress) {
  std::unique_ptr<RocksDbTables> tables;
  auto status = RocksDbTables::open(env, tables_path(path), RocksDbTables::Mode::kWrite, tables);
  if (!status.ok()) return refuse_restore(path, status.ToString());
  Import import(*tables, path);
  auto filled = read_vault_backup(vault_path, contents.log_id, [&](std::vector<VaultWrite>&& rows) {
    return import.add_vault(std::move(rows));
  });
  if (!filled) return filled;
  const auto read = read_backup(events_folder, [&](StoredAppend&& append) {
    progress(append.back().recorded.position(), contents.tree.size());
    return import.add(std::move(append));
  });
  if (!read) return std::unexpected(read.error());
  if (auto flushed = import.flush(); !flushed) return flushed;
  if (import.tree() != contents.tree) return refuse_restore(path, "it does not have the backup's root");
  std::unique_ptr<HeadAnchor> anchor;
  status = HeadAnchor::open(env, anchor_path(path), anchor);
  if (status.ok()) status = anchor->write({contents.log_id, import.tree()});
  if (!status.ok()) return refuse_restore(path, status.ToString());
  return {};
}

}  // namespace

Result<BackupReport> restore_log(const RocksDbLog::Options& options, const std::string& events_folder,
                                 const std::string& vault_path, const VerifyProgress& progress) {
  auto& env = options.env ? *options.env : *rocksdb::Env::Default();
  const auto& path = options.path;
  if (const auto fits = check_space(options, events_folder, vault_path); !fits)
    return std::unexpected(fits.error());
  // Once over all of it before anything is made.
  const auto contents = check_backup(events_folder);
  if (!contents) return std::unexpected(contents.error());
  if (auto created = RocksDbLog::create(options, contents->log_id); !created)
    return std::unexpected(created.error());
  Result<void> imported;
  try {
    imported = import_backup(env, path, events_folder, vault_path, *contents, progress);
  } catch (const std::exception& error) {
    imported = refuse_restore(path, error.what());
  }
  if (!imported) {
    // An empty log opens too.
    std::error_code code;
    std::filesystem::remove_all(tables_path(path), code);
    std::filesystem::remove(anchor_path(path), code);
    return std::unexpected(imported.error());
  }
  return BackupReport{contents->tree.size(), contents->tree.root(), contents->tree.size(), 0};
}

}  // namespace mintmark
