#pragma once

#include <memory>
#include <string>
#include <utility>

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

namespace mintmark {

// The system's disk, but what goes to a log's head anchor takes no time and is nowhere: a log on it is as
// fast as it would be without.
class WithoutAnchor final : public rocksdb::FileSystemWrapper {
 public:
  static std::unique_ptr<rocksdb::Env> make_env() {
    return rocksdb::NewCompositeEnv(std::make_shared<WithoutAnchor>());
  }

  WithoutAnchor() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "WithoutAnchor"; }

  rocksdb::IOStatus NewRandomRWFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSRandomRWFile>* result,
                                    rocksdb::IODebugContext* context) override {
    auto status = target()->NewRandomRWFile(path, options, result, context);
    if (status.ok() && path.ends_with("/anchor")) *result = std::make_unique<Nowhere>(std::move(*result));
    return status;
  }

 private:
  class Nowhere final : public rocksdb::FSRandomRWFileOwnerWrapper {
   public:
    using FSRandomRWFileOwnerWrapper::FSRandomRWFileOwnerWrapper;

    rocksdb::IOStatus Write(std::uint64_t, const rocksdb::Slice&, const rocksdb::IOOptions&,
                            rocksdb::IODebugContext*) override {
      return rocksdb::IOStatus::OK();
    }
    rocksdb::IOStatus Sync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
      return rocksdb::IOStatus::OK();
    }
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
      return rocksdb::IOStatus::OK();
    }
  };
};

}  // namespace mintmark
