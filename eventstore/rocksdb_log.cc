#include "eventstore/rocksdb_log.h"

#include <cerrno>
#include <exception>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <rocksdb/env.h>
#include <sys/file.h>
#include <unistd.h>

#include "domain/limits.h"
#include "eventstore/committer.h"
#include "eventstore/disk_reserve.h"
#include "eventstore/disk_space.h"
#include "eventstore/files.h"
#include "eventstore/head_anchor.h"
#include "eventstore/reserve_env.h"
#include "eventstore/rocksdb_tables.h"
#include "eventstore/tree_head.h"
#include "eventstore/upgrade.h"
#include "eventstore/verify.h"

namespace mintmark {
namespace {

rocksdb::Env& env_of(const RocksDbLog::Options& options) {
  return options.env ? *options.env : *rocksdb::Env::Default();
}

std::unexpected<Error> refuse(const std::string& path, std::string_view why) {
  return fail(ErrorKind::kUnavailable, fmt::format("The log in {} cannot be opened: {}.", path, why));
}

// Makes the names in a folder durable.
rocksdb::Status sync_folder(rocksdb::Env& env, const std::string& path) {
  std::unique_ptr<rocksdb::Directory> folder;
  const auto status = env.NewDirectory(path, &folder);
  return status.ok() ? folder->Fsync() : status;
}

}  // namespace

// An advisory lock (flock) on a file of the folder; the system frees it when the process ends, however it
// ends.
class RocksDbLog::FolderLock {
 public:
  // The one of who writes.
  static Result<std::unique_ptr<FolderLock>> try_take(const std::string& path) {
    return try_take(path, O_CREAT | O_RDWR, LOCK_EX);
  }
  // One of those who read alone, which they take on a disk that cannot be written to as well.
  static Result<std::unique_ptr<FolderLock>> try_share(const std::string& path) {
    return try_take(path, O_CREAT | O_RDONLY, LOCK_SH);
  }
  ~FolderLock() { ::close(fd_); }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  explicit FolderLock(int fd) : fd_(fd) {}

  static Result<std::unique_ptr<FolderLock>> try_take(const std::string& path, int flags, int operation) {
    const int fd = ::open((path + "/lock").c_str(), flags | O_CLOEXEC, 0600);
    if (fd < 0) return refuse(path, "its lock cannot be opened: " + system_message());
    std::unique_ptr<FolderLock> lock(new FolderLock(fd));
    if (::flock(fd, operation | LOCK_NB) == 0) return lock;
    if (errno == EWOULDBLOCK) return refuse(path, "another process has it open");
    return refuse(path, "it cannot be locked: " + system_message());
  }

  int fd_;
};

RocksDbLog::RocksDbLog() = default;
RocksDbLog::~RocksDbLog() = default;

Result<void> RocksDbLog::create(const Options& options, EventId log_id) {
  auto& env = env_of(options);
  const auto& path = options.path;
  std::error_code code;
  std::filesystem::create_directories(path, code);
  if (code) return refuse(path, "its folder cannot be made: " + code.message());
  const auto lock = FolderLock::try_take(path);
  if (!lock) return std::unexpected(lock.error());
  if (env.FileExists(tables_path(path)).ok()) return refuse(path, "it exists already");
  rocksdb::Status status;
  if (env.FileExists(anchor_path(path)).ok()) {
    std::unique_ptr<HeadAnchor> anchor;
    status = HeadAnchor::open(env, anchor_path(path), anchor);
    if (status.ok() && anchor->newest())
      return refuse(path, "its head anchor is that of tables that are gone");
  } else {
    status = HeadAnchor::create(env, anchor_path(path));
  }
  if (!status.ok()) return refuse(path, status.ToString());
  // The tables come under their name last and whole, so a creation that was cut short can be done again.
  const auto unfinished = tables_path(path) + ".new";
  std::filesystem::remove_all(unfinished, code);
  std::unique_ptr<RocksDbTables> tables;
  status = RocksDbTables::open(env, unfinished, RocksDbTables::Mode::kCreate, tables);
  if (status.ok()) status = tables->write_meta({std::string(RocksDbTables::known_format), log_id, {}});
  tables.reset();
  if (status.ok()) status = env.RenameFile(unfinished, tables_path(path));
  if (status.ok()) status = sync_folder(env, path);
  if (status.ok()) status = sync_folder(env, std::filesystem::absolute(path).parent_path());
  if (!status.ok()) return refuse(path, status.ToString());
  return {};
}

Result<std::unique_ptr<RocksDbLog>> RocksDbLog::open(Options options) {
  auto& env = env_of(options);
  const auto& path = options.path;
  if (!env.FileExists(path).ok()) return refuse(path, "there is none");
  std::unique_ptr<RocksDbLog> log(new RocksDbLog);
  auto lock = FolderLock::try_take(path);
  if (!lock) return std::unexpected(lock.error());
  log->lock_ = std::move(*lock);
  log->reserve_ = std::make_unique<DiskReserve>(path + "/reserve");
  log->databases_env_ = env_with_reserve(env, *log->reserve_);
  try {
    auto status = HeadAnchor::open(env, anchor_path(path), log->anchor_);
    if (!status.ok()) return refuse(path, "its head anchor cannot be read: " + status.ToString());
    // Opening for writing truncates a damaged write-ahead log, so the check comes first and only reads.
    status = RocksDbTables::open(env, tables_path(path), RocksDbTables::Mode::kReadOnly, log->tables_);
    if (!status.ok()) return refuse(path, status.ToString());
    if (const auto why = check_against_anchor(*log->tables_, log->anchor_->newest()); !why.empty())
      return refuse(path, why);
    const auto checked = log->tables_->meta();
    log->tables_.reset();
    // Opened it checks keys, and takes deletions, as far as there is space.
    if (lack_of_space(path, limits::reserve_disk_bytes)) log->reserve_->give_up();
    if (const auto why = lack_of_space(path, bytes_in_write_ahead_logs(tables_path(path))))
      return refuse(path, *why);
    status = RocksDbTables::open(*log->databases_env_, tables_path(path), RocksDbTables::Mode::kWrite,
                                 log->tables_);
    if (!status.ok()) return refuse(path, status.ToString());
    auto meta = log->tables_->meta();
    if (!meta) return refuse(path, "its meta data is damaged");
    // The write-ahead log was read a second time. Where the disk gave something else then, the anchor must go
    // on standing for what is missing.
    if (!checked || checked->tree != meta->tree) {
      return refuse(path,
                    fmt::format("it ended at position {} when it was checked, and at position {} when it was "
                                "opened: its disk cannot be trusted",
                                checked ? checked->tree.size() : 0, meta->tree.size()));
    }
    if (!options.free_disk_bytes) {
      options.free_disk_bytes = [path] { return std::filesystem::space(path).available; };
    }
    if (RocksDbTables::is_earlier_format(meta->format)) {
      if (const auto why = upgrade(*log->tables_, *meta, options.free_disk_bytes()); !why.empty())
        return refuse(path, why);
    } else if (meta->schema < event_schema) {
      // Before the first event that an earlier program could not take in.
      meta->schema = event_schema;
      status = log->tables_->write_meta(*meta);
      if (!status.ok()) return refuse(path, status.ToString());
    }
    // What lies behind the anchor was written but perhaps never acknowledged; it is ours from here on.
    status = log->anchor_->write({meta->log_id, meta->tree});
    // Into both slots where one has a flipped bit: it may be in the one that this write leaves alone.
    if (status.ok() && !log->anchor_->damage().empty())
      status = log->anchor_->write({meta->log_id, meta->tree});
    if (!status.ok()) return refuse(path, status.ToString());
    log->log_id_ = meta->log_id;
    log->free_disk_bytes_ = options.free_disk_bytes;
    const auto free_disk_bytes = [&tables = *log->tables_,
                                  free = options.free_disk_bytes]() -> std::uint64_t {
      return tables.waits_for_space() ? 0 : free();
    };
    if (!options.on_failure) options.on_failure = [](const std::string&) {};
    log->committer_ =
        std::make_unique<Committer>(*log->tables_, *log->anchor_,
                                    Committer::Options{meta->log_id, std::move(meta->tree), free_disk_bytes,
                                                       *log->reserve_, options.on_failure, options.drive});
  } catch (const std::exception& error) {
    return refuse(path, error.what());
  }
  return log;
}

Result<VerifyReport> RocksDbLog::verify_stopped(const Options& options, const VerifyProgress& progress,
                                                const VerifyOptions& verify_options) {
  auto& env = env_of(options);
  const auto& path = options.path;
  if (!env.FileExists(path).ok()) return refuse(path, "there is none");
  const auto lock = FolderLock::try_share(path);
  if (!lock) return std::unexpected(lock.error());
  try {
    HeadAnchor::Contents anchor;
    auto status = HeadAnchor::read(env, anchor_path(path), anchor);
    if (!status.ok()) return VerifyReport{0, {}, "the head anchor cannot be read: " + status.ToString()};
    std::unique_ptr<RocksDbTables> tables;
    status = RocksDbTables::open(env, tables_path(path), RocksDbTables::Mode::kReadOnly, tables);
    if (!status.ok()) return VerifyReport{0, {}, "its tables cannot be opened: " + status.ToString()};
    if (auto why = check_against_anchor(*tables, anchor.newest); !why.empty())
      return VerifyReport{0, {}, std::move(why)};
    auto report = verify_events(*tables, *tables->meta(), progress, verify_options);
    if (report.problem.empty()) report.problem = std::move(anchor.damage);
    report.note = std::move(anchor.note);
    return report;
  } catch (const std::exception& error) {
    return VerifyReport{0, {}, error.what()};
  }
}

VerifyReport RocksDbLog::verify(const VerifyProgress& progress, const VerifyOptions& verify_options) {
  const RocksDbTables::Meta meta{std::string(RocksDbTables::known_format), log_id_, tree()};
  if (auto why = anchor_->problem(); !why.empty())
    return {meta.tree.size(), meta.tree.root(), std::move(why)};
  return verify_events(*tables_, meta, progress, verify_options);
}

Result<EventId> RocksDbLog::log_id_of_stopped(const Options& options) {
  const auto& path = options.path;
  if (!env_of(options).FileExists(path).ok()) return refuse(path, "there is none");
  const auto lock = FolderLock::try_share(path);
  if (!lock) return std::unexpected(lock.error());
  try {
    std::unique_ptr<RocksDbTables> tables;
    const auto status =
        RocksDbTables::open(env_of(options), tables_path(path), RocksDbTables::Mode::kReadOnly, tables);
    if (!status.ok()) return refuse(path, status.ToString());
    const auto meta = tables->meta();
    if (!meta || !RocksDbTables::knows_format(meta->format))
      return refuse(path, "its meta data is damaged or of a newer format");
    return meta->log_id;
  } catch (const std::exception& error) {
    return refuse(path, error.what());
  }
}

Result<Position> RocksDbLog::anchored_position(const Options& options) {
  auto& env = env_of(options);
  const auto path = anchor_path(options.path);
  if (env.FileExists(path).IsNotFound()) return 0;
  HeadAnchor::Contents anchor;
  const auto status = HeadAnchor::read(env, path, anchor);
  if (!status.ok()) return refuse(options.path, "its head anchor cannot be read: " + status.ToString());
  return anchor.newest ? anchor.newest->tree.size() : 0;
}

const std::string& RocksDbLog::anchor_damage() const {
  return anchor_->damage();
}

const std::string& RocksDbLog::anchor_note() const {
  return anchor_->note();
}

MerkleTree RocksDbLog::tree() const {
  return committer_->tree();
}

bool RocksDbLog::begins_with(const TreeHead& head) {
  return tree_head_problem(head).empty();
}

std::string RocksDbLog::tree_head_problem(const TreeHead& head) {
  return mintmark::tree_head_problem(head, tree().head(),
                                     [this](std::uint64_t number) { return tables_->node(number); });
}

Result<void> RocksDbLog::keep_reserve(std::uint64_t bytes) {
  reserve_->resize(bytes);
  const auto obstacle = reserve_->take(free_disk_bytes_());
  if (!obstacle) return {};
  return fail(ErrorKind::kUnavailable,
              fmt::format("No space is set aside for deletions on a full disk: {}.", obstacle.message()));
}

Result<void> RocksDbLog::rewrite_vault() {
  if (free_disk_bytes_() < limits::free_disk_bytes_min + tables_->vault_bytes())
    return fail(ErrorKind::kUnavailable, "The disk has no room to rewrite the vault.");
  const auto status = tables_->rewrite_vault();
  if (!status.ok())
    return fail(ErrorKind::kUnavailable, "The vault cannot be rewritten: " + status.ToString());
  return {};
}

bool RocksDbLog::may_hold_destroyed_keys() const {
  return tables_->has_former_vault_rows();
}

bool RocksDbLog::commit_step() {
  return committer_->commit_step();
}

bool RocksDbLog::anchor_step() {
  return committer_->anchor_step();
}

void RocksDbLog::append(AppendRequest request, AppendDone done) {
  committer_->append(std::move(request), std::move(done));
}

std::vector<StoredEvent> RocksDbLog::read(Position after, std::size_t limit) {
  return tables_->read(after, committer_->head(), limit);
}

std::vector<StoredEvent> RocksDbLog::read_stream(std::string_view stream, std::uint64_t after_version) {
  return tables_->read_stream(stream, after_version, committer_->head());
}

std::uint64_t RocksDbLog::version_of(std::string_view stream) {
  // The tables may be ahead of what is durable: the newest version counts once the head has reached it.
  auto version = tables_->stream_version(stream);
  while (version > 0 && read_stream(stream, version - 1).empty()) --version;
  return version;
}

std::optional<EventLog::EarlierUse> RocksDbLog::find_idempotency_key(std::string_view key_hash) {
  auto use = tables_->idempotency_key(key_hash);
  return use && use->committed.last <= committer_->head() ? use : std::nullopt;
}

std::optional<Committed> RocksDbLog::find_append(const EventId& first_event) {
  auto committed = tables_->append_of(first_event);
  return committed && committed->last <= committer_->head() ? committed : std::nullopt;
}

std::optional<std::string> RocksDbLog::read_vault(std::string_view subject) {
  return tables_->vault_row(subject);
}

std::vector<VaultRow> RocksDbLog::read_vault_after(std::string_view subject, std::size_t limit) {
  return tables_->read_vault_after(subject, limit);
}

Position RocksDbLog::head() const {
  return committer_->head();
}

bool RocksDbLog::wait_past(Position after, std::stop_token stop) {
  return committer_->wait_past(after, std::move(stop));
}

}  // namespace mintmark
