#include "eventstore/verify.h"

#include <exception>

#include <fmt/format.h>

namespace mintmark {
namespace {

constexpr std::size_t batch_events = 1024;

}  // namespace

std::string check_against_anchor(RocksDbTables& tables, const HeadAnchor& anchor) {
  const auto meta = tables.meta();
  const auto& anchored = anchor.newest();
  const auto last = tables.last_position();
  if (!meta)
    return fmt::format("its meta data is missing or damaged; the last event found is at position {}", last);
  if (meta->format != RocksDbTables::known_format) {
    return fmt::format("its format is {}, and this version knows format {}", meta->format,
                       RocksDbTables::known_format);
  }
  if (meta->tree.size() != last) {
    return fmt::format("its tree ends at position {}, its events end at position {}", meta->tree.size(),
                       last);
  }
  if (!anchored) {
    return last == 0 ? ""
                     : fmt::format("its head anchor is missing or damaged, and there are {} events", last);
  }
  if (anchored->log_id != meta->log_id) return "its head anchor is that of another log";
  const auto anchored_position = anchored->tree.size();
  if (last < anchored_position) {
    return fmt::format("it ends at position {}, but position {} was acknowledged", last, anchored_position);
  }
  // The anchor's tree grown by what lies behind it must be the log's tree: then the anchored root is a
  // prefix.
  MerkleTree grown = anchored->tree;
  while (grown.size() < last) {
    for (const auto& event : tables.read(grown.size(), last, batch_events)) grown.append(event.bytes);
  }
  if (grown != meta->tree)
    return fmt::format("its root at position {} is not the anchored one", anchored_position);
  return "";
}

VerifyReport verify_events(RocksDbTables& tables, const MerkleTree& tree, const VerifyProgress& progress) {
  VerifyReport report{tree.size(), tree.root(), ""};
  MerkleTree rebuilt;
  try {
    tables.verify_checksums();
    while (rebuilt.size() < tree.size()) {
      for (const auto& event : tables.read(rebuilt.size(), tree.size(), batch_events)) {
        rebuilt.append(event.bytes);
        report.problem = tables.stream_problem(event.recorded);
        if (!report.problem.empty()) return report;
      }
      progress(rebuilt.size(), tree.size());
    }
  } catch (const std::exception& error) {
    report.problem = error.what();
    return report;
  }
  if (rebuilt != tree) {
    report.problem =
        fmt::format("the stored events up to position {} do not give the log's root", tree.size());
  }
  return report;
}

}  // namespace mintmark
