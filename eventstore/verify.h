#pragma once

#include "eventstore/head_anchor.h"
#include "eventstore/rocksdb_log.h"
#include "eventstore/rocksdb_tables.h"

namespace mintmark {

// Why this version must not open the log for writing; empty where it may: the meta data, the anchor and the
// events behind the anchor agree. Reads the tail alone. Blocks on disk.
std::string check_against_anchor(RocksDbTables& tables, const HeadAnchor& anchor);

// Reads every file and all events of `tree`, in bounded memory; checks checksums, positions, stream versions
// and the root.
VerifyReport verify_events(RocksDbTables& tables, const MerkleTree& tree, const VerifyProgress& progress);

}  // namespace mintmark
