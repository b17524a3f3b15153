#include "tests/support/power_cut_env.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <rocksdb/file_system.h>

#include "tests/support/log_folder.h"

namespace mintmark::testing {
namespace fs = std::filesystem;

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

namespace {

IOStatus no_power(const std::string& path) {
  return IOStatus::IOError(path, "the power is gone");
}

}  // namespace

// What of the disk is not durable yet.
class PowerCutDisk {
 public:
  PowerCutDisk(std::uint32_t seed, fs::path removed) : random_(seed), removed_(std::move(removed)) {}

  void cut_at(std::size_t n) {
    const std::scoped_lock lock(mutex_);
    changes_left_ = n;
  }
  bool is_cut() const {
    const std::scoped_lock lock(mutex_);
    return changes_left_ == 0;
  }

  void restore() {
    const std::scoped_lock lock(mutex_);
    changes_left_.reset();
    changes_to_failure_.reset();
    failed_ = false;
  }
  void fail_at(std::size_t n) {
    const std::scoped_lock lock(mutex_);
    changes_to_failure_ = n;
    failed_ = false;
  }
  bool has_failed() const {
    const std::scoped_lock lock(mutex_);
    return failed_;
  }
  std::uint64_t changes() const {
    const std::scoped_lock lock(mutex_);
    return changes_;
  }
  void drop_syncs() {
    const std::scoped_lock lock(mutex_);
    drops_syncs_ = true;
  }

  // Runs a change that the power may be gone for.
  template <class Change>
  IOStatus change(const std::string& path, const Change& apply) {
    const std::scoped_lock lock(mutex_);
    ++changes_;
    if (changes_left_ && *changes_left_ > 0) --*changes_left_;
    if (changes_left_ == 0) return no_power(path);
    if (changes_to_failure_ && --*changes_to_failure_ == 0) {
      changes_to_failure_.reset();
      failed_ = true;
      return IOStatus::IOError(path, "injected fault");
    }
    return apply();
  }

  // Each of these is called inside of change().
  void created(const std::string& path) {
    note({path, "", keep(path)});
    unsynced_[path] = {0, 0, {}};
  }
  void appended(const std::string& path, std::size_t bytes) { unsynced_[path].size += bytes; }
  void truncated(const std::string& path, std::size_t size) {
    unsynced_[path].size = size;
    unsynced_[path].durable = std::min(unsynced_[path].durable, size);
  }
  void overwriting(const std::string& path, std::size_t offset, std::size_t bytes) {
    const auto whole = read_file(path);
    unsynced_[path].overwritten.push_back({offset, whole.substr(std::min(offset, whole.size()), bytes)});
  }
  void synced(const std::string& path) {
    if (drops_syncs_) return;
    auto& file = unsynced_[path];
    file.durable = file.size;
    file.overwritten.clear();
  }
  void renaming(const std::string& from, const std::string& to) {
    note({to, from, keep(to)});
    if (const auto found = unsynced_.find(from); found != unsynced_.end()) {
      unsynced_[to] = std::move(found->second);
      unsynced_.erase(found);
    } else {
      unsynced_.erase(to);
    }
  }
  void removing(const std::string& path) { note({"", path, keep(path)}); }
  void folder_synced(const std::string& path) {
    if (!drops_syncs_) names_.erase(fs::path(path).lexically_normal().string());
  }

  void restart() {
    const std::scoped_lock lock(mutex_);
    for (auto& [path, file] : unsynced_) lose_data(path, file);
    for (auto& [folder, changes] : names_) lose_names(changes);
    unsynced_.clear();
    names_.clear();
    changes_left_.reset();
    changes_to_failure_.reset();
    failed_ = false;
  }

 private:
  struct Overwritten {
    std::size_t offset;
    std::string before;
  };
  struct File {
    std::size_t size = 0;
    std::size_t durable = 0;
    std::vector<Overwritten> overwritten;
  };
  // A new name (no earlier one), a rename (both) or a removal (no new one), and where the content is kept
  // that it took away.
  struct NameChange {
    std::string name;
    std::string earlier_name;
    std::optional<fs::path> kept;
  };

  std::optional<fs::path> keep(const std::string& path) {
    if (!fs::is_regular_file(path)) return std::nullopt;
    const auto kept = removed_ / std::to_string(kept_++);
    fs::copy_file(path, kept);
    return kept;
  }
  void note(NameChange change) {
    const auto& name = change.name.empty() ? change.earlier_name : change.name;
    names_[fs::path(name).parent_path().lexically_normal().string()].push_back(std::move(change));
  }

  void lose_data(const std::string& path, File& file) {
    if (!fs::exists(path)) return;
    if (file.size > file.durable) {
      const auto stays = random_() % (file.size - file.durable + 1);
      auto bytes = read_file(path).substr(0, file.durable + stays);
      if (stays > 0 && random_() % 3 == 0) {
        const auto garbled = 1 + random_() % std::min<std::size_t>(stays, 64);
        for (std::size_t i = bytes.size() - garbled; i < bytes.size(); ++i)
          bytes[i] = static_cast<char>(random_());
      }
      write_file(path, bytes);
    }
    if (file.overwritten.empty()) return;
    // The newest that stays, and a first part of the one behind it.
    auto bytes = read_file(path);
    const auto stay = random_() % (file.overwritten.size() + 1);
    for (auto i = file.overwritten.size(); i-- > stay;) {
      const auto& [offset, before] = file.overwritten[i];
      const auto torn_at = i == stay ? random_() % (before.size() + 1) : 0;
      std::copy(before.begin() + static_cast<std::ptrdiff_t>(torn_at), before.end(),
                bytes.begin() + static_cast<std::ptrdiff_t>(offset + torn_at));
    }
    write_file(path, bytes);
  }

  void lose_names(std::vector<NameChange>& changes) {
    const auto stay = random_() % (changes.size() + 1);
    while (changes.size() > stay) {
      const auto& [name, earlier_name, kept] = changes.back();
      std::error_code code;
      if (!name.empty() && !earlier_name.empty()) {
        fs::rename(name, earlier_name, code);
      } else if (!name.empty()) {
        fs::remove(name, code);
      }
      if (kept) {
        const auto& taken_away = name.empty() ? earlier_name : name;
        fs::copy_file(*kept, taken_away, fs::copy_options::overwrite_existing, code);
      }
      changes.pop_back();
    }
  }

  mutable std::mutex mutex_;
  std::mt19937 random_;
  const fs::path removed_;
  std::size_t kept_ = 0;
  std::uint64_t changes_ = 0;
  std::optional<std::size_t> changes_left_;
  std::optional<std::size_t> changes_to_failure_;
  bool failed_ = false;
  bool drops_syncs_ = false;
  std::map<std::string, File> unsynced_;
  std::map<std::string, std::vector<NameChange>> names_;  // by folder, oldest first
};

namespace {

class CutWritableFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  CutWritableFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::string path,
                  std::shared_ptr<PowerCutDisk> disk)
      : FSWritableFileOwnerWrapper(std::move(file)), path_(std::move(path)), disk_(std::move(disk)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* context) override {
    return disk_->change(path_, [&] {
      auto status = target()->Append(data, options, context);
      if (status.ok()) disk_->appended(path_, data.size());
      return status;
    });
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* context) override {
    return Append(data, options, context);
  }
  // Space that is set aside has no content, and in memory it costs much.
  void PrepareWrite(std::size_t, std::size_t, const IOOptions&, IODebugContext*) override {}
  IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* context) override {
    return disk_->change(path_, [&] {
      auto status = target()->Truncate(size, options, context);
      if (status.ok()) disk_->truncated(path_, size);
      return status;
    });
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* context) override {
    return disk_->change(path_, [&] {
      auto status = target()->Sync(options, context);
      if (status.ok()) disk_->synced(path_);
      return status;
    });
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override {
    return Sync(options, context);
  }

 private:
  const std::string path_;
  const std::shared_ptr<PowerCutDisk> disk_;
};

class CutRandomRWFile final : public rocksdb::FSRandomRWFileOwnerWrapper {
 public:
  CutRandomRWFile(std::unique_ptr<rocksdb::FSRandomRWFile> file, std::string path,
                  std::shared_ptr<PowerCutDisk> disk)
      : FSRandomRWFileOwnerWrapper(std::move(file)), path_(std::move(path)), disk_(std::move(disk)) {}

  IOStatus Write(std::uint64_t offset, const Slice& data, const IOOptions& options,
                 IODebugContext* context) override {
    return disk_->change(path_, [&] {
      disk_->overwriting(path_, offset, data.size());
      return target()->Write(offset, data, options, context);
    });
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* context) override {
    return disk_->change(path_, [&] {
      auto status = target()->Sync(options, context);
      if (status.ok()) disk_->synced(path_);
      return status;
    });
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override {
    return Sync(options, context);
  }

 private:
  const std::string path_;
  const std::shared_ptr<PowerCutDisk> disk_;
};

class CutDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  CutDirectory(std::unique_ptr<rocksdb::FSDirectory> directory, std::string path,
               std::shared_ptr<PowerCutDisk> disk)
      : FSDirectoryWrapper(std::move(directory)), path_(std::move(path)), disk_(std::move(disk)) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override {
    return disk_->change(path_, [&] {
      auto status = FSDirectoryWrapper::Fsync(options, context);
      if (status.ok()) disk_->folder_synced(path_);
      return status;
    });
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* context,
                               const rocksdb::DirFsyncOptions&) override {
    return Fsync(options, context);
  }

 private:
  const std::string path_;
  const std::shared_ptr<PowerCutDisk> disk_;
};

class CutFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit CutFileSystem(std::shared_ptr<PowerCutDisk> disk)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), disk_(std::move(disk)) {}
  const char* Name() const override { return "CutFileSystem"; }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                           IODebugContext* context) override {
    return disk_->change(path, [&] {
      disk_->created(path);
      auto status = target()->NewWritableFile(path, options, result, context);
      if (status.ok()) *result = std::make_unique<CutWritableFile>(std::move(*result), path, disk_);
      return status;
    });
  }
  IOStatus NewRandomRWFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSRandomRWFile>* result,
                           IODebugContext* context) override {
    auto status = target()->NewRandomRWFile(path, options, result, context);
    if (status.ok()) *result = std::make_unique<CutRandomRWFile>(std::move(*result), path, disk_);
    return status;
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* result, IODebugContext* context) override {
    auto status = target()->NewDirectory(path, options, result, context);
    if (status.ok()) *result = std::make_unique<CutDirectory>(std::move(*result), path, disk_);
    return status;
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* context) override {
    return disk_->change(to, [&] {
      disk_->renaming(from, to);
      return target()->RenameFile(from, to, options, context);
    });
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions& options, IODebugContext* context) override {
    return disk_->change(path, [&] {
      disk_->removing(path);
      return target()->DeleteFile(path, options, context);
    });
  }

 private:
  const std::shared_ptr<PowerCutDisk> disk_;
};

}  // namespace

PowerCutEnv::PowerCutEnv(std::uint32_t seed)
    : disk_(std::make_shared<PowerCutDisk>(seed, removed_.path())),
      env_(rocksdb::NewCompositeEnv(std::make_shared<CutFileSystem>(disk_))) {}

PowerCutEnv::~PowerCutEnv() = default;

void PowerCutEnv::cut_at(std::size_t n) {
  disk_->cut_at(n);
}

bool PowerCutEnv::is_cut() const {
  return disk_->is_cut();
}

void PowerCutEnv::restore() {
  disk_->restore();
}

void PowerCutEnv::fail_at(std::size_t n) {
  disk_->fail_at(n);
}

bool PowerCutEnv::has_failed() const {
  return disk_->has_failed();
}

std::uint64_t PowerCutEnv::changes() const {
  return disk_->changes();
}

void PowerCutEnv::drop_syncs() {
  disk_->drop_syncs();
}

void PowerCutEnv::restart() {
  disk_->restart();
}

}  // namespace mintmark::testing
