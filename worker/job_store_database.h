#pragma once

#include <memory>
#include <string>

#include <rocksdb/db.h>

#include "domain/error.h"
#include "eventstore/space_listener.h"

namespace mintmark {

struct JobStoreDatabase {
  std::shared_ptr<const SpaceListener> space;
  std::unique_ptr<rocksdb::DB> db;
};

// Opens the RocksDB that a job store lies in, or makes it where there is none, on the disk of `env` (null:
// the system's). One of another format is emptied: what it held is planned again from the log. Blocks; fails
// with kUnavailable and a message for the operator.
Result<JobStoreDatabase> open_job_store_database(const std::string& path, rocksdb::Env* env);

}  // namespace mintmark
