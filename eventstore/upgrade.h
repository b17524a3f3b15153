#pragma once

#include <cstdint>
#include <string>

#include "eventstore/rocksdb_tables.h"

namespace mintmark {

// Brings a log of an earlier format, open for writing, to the known one: hashes its events into the nodes of
// its tree. `meta` is what it says of itself, and follows. Cut short, it leaves a log of the earlier format,
// and is done again. Blocks for a second per half a million events. Why the log cannot be brought there,
// empty where it is: its events do not give its root, the disk has less than `free_disk_bytes_min` left
// beside the nodes, or a write failed. Throws as reading does.
std::string upgrade(RocksDbTables& tables, RocksDbTables::Meta& meta, std::uint64_t free_disk_bytes);

}  // namespace mintmark
