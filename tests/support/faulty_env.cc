#include "tests/support/faulty_env.h"

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
    return fault(path_);
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
    return target()->Read(offset, size, options, result, scratch, context);
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
    return target()->Read(size, options, result, scratch, context);
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
    return target()->Read(offset, size, options, result, scratch, context);
  }
  IOStatus MultiRead(rocksdb::FSReadRequest* requests, std::size_t count, const IOOptions& options,
                     IODebugContext* context) override {
    if (faults_->strikes(FileOperation::kRead, path_)) return fault(path_);
    return target()->MultiRead(requests, count, options, context);
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
    auto status = target()->NewWritableFile(path, options, result, context);
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
    return target()->NewDirectory(path, options, result, context);
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

void FileFaults::fail_once(FileOperation operation, std::string path_part, std::size_t after_count) {
  const std::scoped_lock lock(mutex_);
  failure_ = Failure{operation, std::move(path_part), after_count, true};
  struck_ = false;
}

bool FileFaults::struck() const {
  const std::scoped_lock lock(mutex_);
  return struck_;
}

void FileFaults::heal() {
  const std::scoped_lock lock(mutex_);
  failure_.reset();
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
