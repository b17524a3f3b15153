#pragma once

#include <memory>

#include <rocksdb/env.h>

#include "eventstore/disk_reserve.h"

namespace mintmark {

// The environment of a database that must not fail for lack of space in the middle of a write: what has to
// grow there, its write-ahead logs, its manifest and what names them, is given the reserve where the disk is
// full, and is then written again. Its tables are not: RocksDB writes those in the background, and waits for
// space by itself (eventstore/space_listener.h). Where there is no reserve, or it is not enough, the write
// fails as it did.
//
// Both must outlive what is returned, which must outlive the database.
std::unique_ptr<rocksdb::Env> env_with_reserve(rocksdb::Env& env, DiskReserve& reserve);

}  // namespace mintmark
