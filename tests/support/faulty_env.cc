#include "tests/support/faulty_env.h"

#include <cstring>
#include <span>
#include <utility>

#include <rocksdb/file_system.h>

namespace mintmark::testing {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus fault(const std::string& path) {
  return IOStatus::IOError(path, "injected fault");
}

class FaultyWritableFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultyWritableFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::string path,
                     std::shared_ptr<FileFaults> faults)
      : FSWritableFileOwnerWrapper(std::move(file)), path_(std::move(path)), faults_(std::move(faults)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* context) override {
    if (!faults_->strikes(FileOperation::kAppend, path_)) return target()->Append(data, options, context);
    target()->Append(Slice(data.data(), data.size() / 2), options, context).PermitUncheckedError();
    return faults_->is_full() ? IOStatus::NoSpace(path_, "injected fault") : fault(path_);
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* context) override {
    return Append(data, options, context);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* context) override {
    if (faults_->strikes(FileOperation::kSync, path_)) return fault(path_);
    return target()->Sync(options, context);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override {
    if (faults_->strikes(FileOperation::kSync, path_)) return fault(path_);
    return target()->Fsync(options, context);
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* context) override {
    if (faults_->strikes(FileOperation::kTruncate, path_)) return fault(path_);
    return target()->Truncate(size, options, context);
  }

 private:
  const std::string path_;
  const std::shared_ptr<FileFaults> faults_;
};

class FaultyRandomRWFile final : public rocksdb::FSRandomRWFileOwnerWrapper {
 public:
  FaultyRandomRWFile(std::unique_ptr<rocksdb::FSRandomRWFile> file, std::string path,
                     std::shared_ptr<FileFaults> faults)
      : FSRandomRWFileOwnerWrapper(std::move(file)), path_(std::move(path)), faults_(std::move(faults)) {}

  IOStatus Read(std::uint64_t offset, std::size_t size, const IOOptions& options, Slice* result,
                char* scratch, IODebugContext* context) const override {
    if (faults_->strikes(FileOperation::kRead, path_)) return fault(path_);
    auto status = target()->Read(offset, size, options, result, scratch, context);
    if (status.ok()) *result = faults_->after_read(path_, *result, scratch);
    return status;
  }
  IOStatus Write(std::uint64_t offset, const Slice& data, const IOOptions& options,
                 IODebugContext* context) override {
    if (!faults_->strikes(FileOperation::kAppend, path_))
      return target()->Write(offset, data, options, context);
    const Slice half(data.data(), data.size() / 2);
    target()->Write(offset, half, options, context).PermitUncheckedError();
    return fault(path_);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* context) override {
    if (faults_->strikes(FileOperation::kSync, path_)) return fault(path_);
    return target()->Sync(options, context);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override {
    if (faults_->strikes(FileOperation::kSync, path_)) return fault(path_);
    return target()->Fsync(options, context);
  }

 private:
  const std::string path_;
  const std::shared_ptr<FileFaults> faults_;
};

class FaultySequentialFile final : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  FaultySequentialFile(std::unique_ptr<rocksdb::FSSequentialFile> file, std::string path,
                       std::shared_ptr<FileFaults> faults)
      : FSSequentialFileOwnerWrapper(std::move(file)), path_(std::move(path)), faults_(std::move(faults)) {}

  IOStatus Read(std::size_t size, const IOOptions& options, Slice* result, char* scratch,
                IODebugContext* context) override {
    if (faults_->strikes(FileOperation::kRead, path_)) return fault(path_);
    auto status = target()->Read(size, options, result, scratch, context);
    if (status.ok()) *result = faults_->after_read(path_, *result, scratch);
    return status;
  }

 private:
  const std::string path_;
  const std::shared_ptr<FileFaults> faults_;
};

class FaultyRandomAccessFile final : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  FaultyRandomAccessFile(std::unique_ptr<rocksdb::FSRandomAccessFile> file, std::string path,
                         std::shared_ptr<FileFaults> faults)
      : FSRandomAccessFileOwnerWrapper(std::move(file)), path_(std::move(path)), faults_(std::move(faults)) {}

  IOStatus Read(std::uint64_t offset, std::size_t size, const IOOptions& options, Slice* result,
                char* scratch, IODebugContext* context) const override {
    if (faults_->strikes(FileOperation::kRead, path_)) return fault(path_);
    auto status = target()->Read(offset, size, options, result, scratch, context);
    if (status.ok()) *result = faults_->after_read(path_, *result, scratch);
    return status;
  }
  IOStatus MultiRead(rocksdb::FSReadRequest* requests, std::size_t count, const IOOptions& options,
                     IODebugContext* context) override {
    if (faults_->strikes(FileOperation::kRead, path_)) return fault(path_);
    auto status = target()->MultiRead(requests, count, options, context);
    for (auto& request : std::span(requests, count)) {
      if (request.status.ok()) request.result = faults_->after_read(path_, request.result, request.scratch);
    }
    return status;
  }

 private:
  const std::string path_;
  const std::shared_ptr<FileFaults> faults_;
};

class FaultyDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  FaultyDirectory(std::unique_ptr<rocksdb::FSDirectory> directory, std::string path,
                  std::shared_ptr<FileFaults> faults)
      : FSDirectoryWrapper(std::move(directory)), path_(std::move(path)), faults_(std::move(faults)) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override {
    if (faults_->strikes(FileOperation::kSyncFolder, path_)) return fault(path_);
    return FSDirectoryWrapper::Fsync(options, context);
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* context,
                               const rocksdb::DirFsyncOptions& directory_options) override {
    if (faults_->strikes(FileOperation::kSyncFolder, path_)) return fault(path_);
    return FSDirectoryWrapper::FsyncWithDirOptions(options, context, directory_options);
  }

 private:
  const std::string path_;
  const std::shared_ptr<FileFaults> faults_;
};

IOStatus too_many_open_files(const std::string& path) {
  return IOStatus::IOError(path, "injected fault: Too many open files");
}

class FaultyFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultyFileSystem(std::shared_ptr<FileFaults> faults)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), faults_(std::move(faults)) {}
  const char* Name() const override { return "FaultyFileSystem"; }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                           IODebugContext* context) override {
    if (faults_->strikes(FileOperation::kOpen, path)) return too_many_open_files(path);
    auto unallocated = options;
    unallocated.allow_fallocate = false;  // in memory that costs as much as writing it
    auto status = target()->NewWritableFile(path, unallocated, result, context);
    if (status.ok()) *result = std::make_unique<FaultyWritableFile>(std::move(*result), path, faults_);
    return status;
  }
  IOStatus NewRandomRWFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSRandomRWFile>* result,
                           IODebugContext* context) override {
    if (faults_->strikes(FileOperation::kOpen, path)) return too_many_open_files(path);
    auto status = target()->NewRandomRWFile(path, options, result, context);
    if (status.ok()) *result = std::make_unique<FaultyRandomRWFile>(std::move(*result), path, faults_);
    return status;
  }

  IOStatus NewSequentialFile(const std::string& path, const FileOptions& options,
                             std::unique_ptr<rocksdb::FSSequentialFile>* result,
                             IODebugContext* context) override {
    if (faults_->strikes(FileOperation::kOpen, path)) return too_many_open_files(path);
    auto status = target()->NewSequentialFile(path, options, result, context);
    if (status.ok()) *result = std::make_unique<FaultySequentialFile>(std::move(*result), path, faults_);
    return status;
  }
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions& options,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                               IODebugContext* context) override {
    if (faults_->strikes(FileOperation::kOpen, path)) return too_many_open_files(path);
    auto status = target()->NewRandomAccessFile(path, options, result, context);
    if (status.ok()) *result = std::make_unique<FaultyRandomAccessFile>(std::move(*result), path, faults_);
    return status;
  }
  IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* result, IODebugContext* context) override {
    if (faults_->strikes(FileOperation::kOpen, path)) return too_many_open_files(path);
    auto status = target()->NewDirectory(path, options, result, context);
    if (status.ok()) *result = std::make_unique<FaultyDirectory>(std::move(*result), path, faults_);
    return status;
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* context) override {
    if (faults_->strikes(FileOperation::kRename, to)) return fault(to);
    return target()->RenameFile(from, to, options, context);
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions& options, IODebugContext* context) override {
    if (faults_->strikes(FileOperation::kDelete, path)) return fault(path);
    return target()->DeleteFile(path, options, context);
  }
  IOStatus Truncate(const std::string& path, std::size_t size, const IOOptions& options,
                    IODebugContext* context) override {
    if (faults_->strikes(FileOperation::kTruncate, path)) return fault(path);
    return target()->Truncate(path, size, options, context);
  }

 private:
  const std::shared_ptr<FileFaults> faults_;
};

}  // namespace

void FileFaults::fail(FileOperation operation, std::string path_part, std::size_t after_count) {
  const std::scoped_lock lock(mutex_);
  failure_ = Failure{operation, std::move(path_part), after_count};
  struck_ = false;
}

void FileFaults::fill(std::string path_part) {
  fail(FileOperation::kAppend, std::move(path_part));
  const std::scoped_lock lock(mutex_);
  is_full_ = true;
}

bool FileFaults::is_full() const {
  const std::scoped_lock lock(mutex_);
  return is_full_;
}

void FileFaults::fail_once(FileOperation operation, std::string path_part, std::size_t after_count) {
  const std::scoped_lock lock(mutex_);
  failure_ = Failure{operation, std::move(path_part), after_count, true};
  struck_ = false;
}

void FileFaults::spoil_reads(SpoiltRead how, std::string path_part, std::uint32_t seed, std::size_t one_in) {
  const std::scoped_lock lock(mutex_);
  spoiling_ = Spoiling{how, std::move(path_part), std::mt19937(seed), one_in};
  struck_ = false;
}

rocksdb::Slice FileFaults::after_read(const std::string& path, const Slice& read, char* scratch) {
  const std::scoped_lock lock(mutex_);
  bytes_read_[path] += read.size();
  if (!spoiling_ || read.empty() || path.find(spoiling_->path_part) == std::string::npos) return read;
  if (spoiling_->random() % spoiling_->one_in != 0) return read;
  struck_ = true;
  if (spoiling_->how == SpoiltRead::kShort) return {read.data(), spoiling_->random() % read.size()};
  if (read.data() != scratch) std::memcpy(scratch, read.data(), read.size());
  const auto bit = spoiling_->random() % (8 * read.size());
  scratch[bit / 8] = static_cast<char>(scratch[bit / 8] ^ (1 << (bit % 8)));
  return {scratch, read.size()};
}

std::uint64_t FileFaults::bytes_read(std::string_view path_part) const {
  const std::scoped_lock lock(mutex_);
  std::uint64_t sum = 0;
  for (const auto& [path, bytes] : bytes_read_) {
    if (path.find(path_part) != std::string::npos) sum += bytes;
  }
  return sum;
}

void FileFaults::delay_syncs(std::string path_part, std::chrono::milliseconds time, std::size_t count) {
  const std::scoped_lock lock(mutex_);
  delay_ = Delay{std::move(path_part), time, count};
}

bool FileFaults::struck() const {
  const std::scoped_lock lock(mutex_);
  return struck_;
}

void FileFaults::heal() {
  const std::scoped_lock lock(mutex_);
  failure_.reset();
  is_full_ = false;
  spoiling_.reset();
}

void FileFaults::hold_syncs(std::string path_part) {
  const std::scoped_lock lock(mutex_);
  held_part_ = std::move(path_part);
}

void FileFaults::wait_until_held() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return held_ > 0; });
}

void FileFaults::release() {
  {
    const std::scoped_lock lock(mutex_);
    held_part_.reset();
  }
  changed_.notify_all();
}

bool FileFaults::strikes(FileOperation operation, const std::string& path) {
  std::unique_lock lock(mutex_);
  const auto is_held = [&] { return held_part_ && path.find(*held_part_) != std::string::npos; };
  if (operation == FileOperation::kSync && is_held()) {
    ++held_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !is_held(); });
    --held_;
  }
  if (operation == FileOperation::kSync && delay_ && delay_->count > 0 &&
      path.find(delay_->path_part) != std::string::npos) {
    --delay_->count;
    // Nothing ends it early: it is the disk that takes its time.
    const auto end = std::chrono::steady_clock::now() + delay_->time;
    std::condition_variable slow;
    slow.wait_until(lock, end, [&] { return std::chrono::steady_clock::now() >= end; });
  }
  if (!failure_ || failure_->operation != operation) return false;
  if (path.find(failure_->path_part) == std::string::npos) return false;
  if (failure_->after_count > 0) {
    --failure_->after_count;
    return false;
  }
  struck_ = true;
  if (failure_->once) failure_.reset();
  return true;
}

FaultyEnv::FaultyEnv()
    : faults_(std::make_shared<FileFaults>()),
      env_(rocksdb::NewCompositeEnv(std::make_shared<FaultyFileSystem>(faults_))) {}

}  // namespace mintmark::testing
