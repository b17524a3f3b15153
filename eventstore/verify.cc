#include "eventstore/verify.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <stop_token>

#include <fmt/format.h>

#include "eventstore/tree_head.h"

namespace mintmark {
namespace {

constexpr std::size_t verify_batch_events = 1024;

// Holds a reader to so many events a second.
class Pace {
 public:
  Pace(std::uint64_t events_per_second, const std::stop_token& stop)
      : events_per_second_(events_per_second), stop_(stop) {}

  // Waits until so many events may have been read; false where it is to stop.
  bool hold(Position done) const {
    if (events_per_second_ > 0) {
      const std::chrono::duration<double> due(static_cast<double>(done) /
                                              static_cast<double>(events_per_second_));
      std::mutex mutex;
      std::unique_lock lock(mutex);
      std::condition_variable_any().wait_until(
          lock, stop_, started_ + std::chrono::duration_cast<std::chrono::steady_clock::duration>(due),
          [] { return false; });
    }
    return !stop_.stop_requested();
  }

 private:
  const std::uint64_t events_per_second_;
  const std::stop_token stop_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

}  // namespace

std::string check_against_anchor(RocksDbTables& tables, const HeadAnchor& anchor) {
  const auto meta = tables.meta();
  const auto& anchored = anchor.newest();
  const auto last = tables.last_position();
  if (!meta)
    return fmt::format("its meta data is missing or damaged; the last event found is at position {}", last);
  if (!RocksDbTables::knows_format(meta->format)) {
    return fmt::format("its format is {}, and this version knows format {}", meta->format,
                       RocksDbTables::known_format);
  }
  if (meta->format == RocksDbTables::known_format && !tables.families_agree())
    return "some of its tables have lost the newest writes that others have";
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
    for (const auto& event : tables.read(grown.size(), last, verify_batch_events)) grown.append(event.bytes);
  }
  if (grown != meta->tree)
    return fmt::format("its root at position {} is not the anchored one", anchored_position);
  return "";
}

VerifyReport verify_events(RocksDbTables& tables, const MerkleTree& tree, const VerifyProgress& progress,
                           const VerifyOptions& options) {
  VerifyReport report{tree.size(), tree.root(), tree_head_problem(options.tree_heads, tree)};
  if (!report.problem.empty()) return report;
  auto heads = options.tree_heads;
  std::ranges::sort(heads, {}, &TreeHead::size);
  auto next_head = heads.begin();
  MerkleTree rebuilt;
  const auto find_wrong_head = [&] {
    for (; next_head != heads.end() && next_head->size == rebuilt.size(); ++next_head) {
      if (next_head->root == rebuilt.root()) continue;
      report.problem =
          fmt::format("its root at position {} is not that of a signed tree head", rebuilt.size());
      return true;
    }
    return false;
  };
  try {
    const Pace pace(options.events_per_second, options.stop);
    if (options.events_per_second == 0) tables.verify_checksums();
    if (find_wrong_head()) return report;
    while (rebuilt.size() < tree.size()) {
      for (const auto& event : tables.read(rebuilt.size(), tree.size(), verify_batch_events)) {
        rebuilt.append(event.bytes);
        report.problem = tables.stream_problem(event.recorded);
        if (!report.problem.empty() || find_wrong_head()) return report;
      }
      progress(rebuilt.size(), tree.size());
      if (!pace.hold(rebuilt.size())) return report;
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
