#include "eventstore/upgrade.h"

#include <fmt/format.h>

#include "domain/limits.h"
#include "eventstore/merkle_proof.h"

namespace mintmark {
namespace {

constexpr std::size_t batch_events = 4096;

}  // namespace

std::string upgrade(RocksDbTables& tables, RocksDbTables::Meta& meta, std::uint64_t free_disk_bytes) {
  // Twice: once in the write-ahead log, once in a table.
  const auto needed = 2 * sizeof(TreeHash) * node_count(meta.tree.size());
  if (needed > 0 && free_disk_bytes < limits::free_disk_bytes_min + needed) {
    return fmt::format("bringing it from format {} to {} takes {} MiB more of free disk", meta.format,
                       RocksDbTables::known_format,
                       (limits::free_disk_bytes_min + needed - free_disk_bytes) / (1024 * 1024) + 1);
  }
  MerkleTree tree;
  while (tree.size() < meta.tree.size()) {
    std::string nodes;
    for (const auto& event : tables.read(tree.size(), meta.tree.size(), batch_events))
      tree.append(event.bytes, &nodes);
    const auto status = tables.write_nodes(tree, nodes);
    if (!status.ok()) return status.ToString();
  }
  if (tree != meta.tree) return fmt::format("its events up to position {} do not give its root", tree.size());
  meta.format = RocksDbTables::known_format;
  meta.schema = event_schema;
  const auto status = tables.write_meta(meta);
  return status.ok() ? "" : status.ToString();
}

}  // namespace mintmark
