#include <exception>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <rocksdb/env.h>

#include "eventstore/backup.h"
#include "eventstore/head_anchor.h"
#include "eventstore/rocksdb_tables.h"
#include "eventstore/vault.h"

namespace mintmark {
namespace {

constexpr std::size_t import_batch_events = 4096;

std::unexpected<Error> refuse_restore(const std::string& path, std::string_view why) {
  return fail(ErrorKind::kUnavailable, fmt::format("The log in {} cannot be restored: {}.", path, why));
}

// Writes stored events into an empty log.
class Import {
 public:
  Import(RocksDbTables& tables, std::string path) : tables_(tables), path_(std::move(path)) {}

  const MerkleTree& tree() const { return tree_; }

  Result<void> add_vault(std::vector<VaultWrite>&& rows) {
    batch_->add_vault_rows(std::move(rows));
    return flush();
  }

  Result<void> add(StoredAppend&& append) {
    std::vector<VaultWrite> destroyed;
    for (const auto& event : append) {
      tree_.append(event.bytes, &nodes_);
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
    const auto status = tables_.write(*batch_, tree_, nodes_);
    if (!status.ok()) return refuse_restore(path_, status.ToString());
    nodes_.clear();
    batch_ = std::make_unique<CommitBatch>(tables_, tree_.size());
    return {};
  }

 private:
  RocksDbTables& tables_;
  const std::string path_;
  MerkleTree tree_;
  std::string nodes_;  // of the tree, behind those that are written
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
  const auto needed = backup_bytes(events_folder, vault_path);
  if (!needed) return std::unexpected(needed.error());
  const auto free = free_bytes_for(options);
  if (free >= *needed) return {};
  return refuse_restore(options.path, fmt::format("the backup takes {} MiB of disk, and {} MiB are free",
                                                  *needed / mib + 1, free / mib));
}

}  // namespace

Result<BackupReport> restore_log(const RocksDbLog::Options& options, const std::string& events_folder,
                                 const std::string& vault_path, const VerifyProgress& progress) {
  auto& env = options.env ? *options.env : *rocksdb::Env::Default();
  const auto& path = options.path;
  if (const auto fits = check_space(options, events_folder, vault_path); !fits)
    return std::unexpected(fits.error());
  // Once over all of it before anything is made.
  auto contents = read_backup(events_folder, [](StoredAppend&&) { return Result<void>(); });
  if (!contents) return std::unexpected(contents.error());
  if (auto created = RocksDbLog::create(options, contents->log_id); !created)
    return std::unexpected(created.error());
  try {
    std::unique_ptr<RocksDbTables> tables;
    auto status = RocksDbTables::open(env, tables_path(path), RocksDbTables::Mode::kWrite, tables);
    if (!status.ok()) return refuse_restore(path, status.ToString());
    Import import(*tables, path);
    auto filled = read_vault_backup(vault_path, contents->log_id, [&](std::vector<VaultWrite>&& rows) {
      return import.add_vault(std::move(rows));
    });
    if (!filled) return std::unexpected(filled.error());
    auto read = read_backup(events_folder, [&](StoredAppend&& append) {
      progress(append.back().recorded.position(), contents->tree.size());
      return import.add(std::move(append));
    });
    if (!read) return std::unexpected(read.error());
    if (auto flushed = import.flush(); !flushed) return std::unexpected(flushed.error());
    if (import.tree() != contents->tree) return refuse_restore(path, "it does not have the backup's root");
    std::unique_ptr<HeadAnchor> anchor;
    status = HeadAnchor::open(env, anchor_path(path), anchor);
    if (status.ok()) status = anchor->write({contents->log_id, import.tree()});
    if (!status.ok()) return refuse_restore(path, status.ToString());
  } catch (const std::exception& error) {
    return refuse_restore(path, error.what());
  }
  return BackupReport{contents->tree.size(), contents->tree.root(), contents->tree.size(), 0};
}

}  // namespace mintmark
