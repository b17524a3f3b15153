#pragma once

#include <memory>

#include <rocksdb/env.h>

namespace mintmark {

// Takes RocksDB's own warnings and errors into the program's log, as debug lines: what they mean for the
// program, it says itself. By default they go to a file LOG beside the database; where that cannot be
// written, as on a full disk, Debian's build aborts at the next line. Thread-safe.
std::shared_ptr<rocksdb::Logger> rocksdb_logger();

}  // namespace mintmark
