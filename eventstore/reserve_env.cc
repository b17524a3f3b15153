#include "eventstore/reserve_env.h"

#include <cstdint>
#include <string>
#include <utility>

#include <rocksdb/file_system.h>

namespace mintmark {
namespace {

using rocksdb::FileOptions;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

class ReserveWritableFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  ReserveWritableFile(std::unique_ptr<FSWritableFile> file, DiskReserve& reserve)
      : FSWritableFileOwnerWrapper(std::move(file)), reserve_(reserve) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* context) override {
    auto status = is_positioned_ ? target()->PositionedAppend(data, size_, options, context)
                                 : target()->Append(data, options, context);
    if (status.IsNoSpace()) {
      reserve_.give_up();
      // Some of it may have been written: from here on it matters at which offset.
      is_positioned_ = true;
      status = target()->PositionedAppend(data, size_, options, context);
    }
    if (status.ok()) size_ += data.size();
    return status;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo& /*info*/,
                  IODebugContext* context) override {
    return Append(data, options, context);
  }

 private:
  DiskReserve& reserve_;
  std::uint64_t size_ = 0;
  bool is_positioned_ = false;
};

class ReserveFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  ReserveFileSystem(const std::shared_ptr<rocksdb::FileSystem>& target, DiskReserve& reserve)
      : FileSystemWrapper(target), reserve_(reserve) {}
  const char* Name() const override { return "ReserveFileSystem"; }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<FSWritableFile>* result, IODebugContext* context) override {
    auto status = target()->NewWritableFile(path, options, result, context);
    if (path.ends_with(".sst")) return status;
    if (status.IsNoSpace()) {
      reserve_.give_up();
      status = target()->NewWritableFile(path, options, result, context);
    }
    if (status.ok()) *result = std::make_unique<ReserveWritableFile>(std::move(*result), reserve_);
    return status;
  }

 private:
  DiskReserve& reserve_;
};

class ReserveEnv final : public rocksdb::EnvWrapper {
 public:
  ReserveEnv(rocksdb::Env& env, DiskReserve& reserve) : EnvWrapper(&env) {
    file_system_ = std::make_shared<ReserveFileSystem>(env.GetFileSystem(), reserve);
  }
};

}  // namespace

std::unique_ptr<rocksdb::Env> env_with_reserve(rocksdb::Env& env, DiskReserve& reserve) {
  return std::make_unique<ReserveEnv>(env, reserve);
}

}  // namespace mintmark
