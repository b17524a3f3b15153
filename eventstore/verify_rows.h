#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "eventstore/rocksdb_log.h"
#include "eventstore/rocksdb_tables.h"

namespace mintmark {

// Holds the rows of appends, idempotency keys and the vault to the events. Each row is looked at by itself:
// an append's names its first event by its id, and an idempotency key's the first event of an append that was
// made under it; what is missing shows in how many events and keys they account for. So no more of them is in
// memory than is read at a time.
class RowCheck {
 public:
  // Told of each event, in order, up to the last.
  void add(const Recorded& recorded);

  // What is wrong with the rows; empty where nothing is. `hold` is told now and then how many rows are done,
  // and ends it where it answers false. Rows of what came behind the last event are passed over, but must be
  // of an event that there is. Blocks on disk and throws as RocksDbTables.
  std::string problem(RocksDbTables& tables, const VerifyOptions& options,
                      const std::function<bool(double rows)>& hold) const;

 private:
  Position head_ = 0;
  std::uint64_t idempotent_appends_ = 0;
  std::string last_key_hash_;  // of the event at head_
};

}  // namespace mintmark
