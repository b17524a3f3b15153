#pragma once

#include <optional>
#include <string>

#include "eventstore/head_anchor.h"
#include "eventstore/rocksdb_log.h"
#include "eventstore/rocksdb_tables.h"

namespace mintmark {

// Why this version must not open the log for writing; empty where it may: the meta data, the anchor and the
// events behind the anchor agree. Reads the tail alone. Blocks on disk.
std::string check_against_anchor(RocksDbTables& tables, const std::optional<HeadAnchor::Head>& anchored);

// Reads every file and then all events of the tree in `meta`, each at the pace that `options` ask for; checks
// checksums, positions, stream versions, the tree's nodes, the root, the tree heads, and the rows of appends,
// idempotency keys and the vault (eventstore/verify_rows.h). In bounded memory,
// however many events and tree heads there are; but see VerifyOptions::tree_heads.
VerifyReport verify_events(RocksDbTables& tables, const RocksDbTables::Meta& meta,
                           const VerifyProgress& progress, const VerifyOptions& options);

}  // namespace mintmark
