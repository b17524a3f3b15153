#include "eventstore/verify.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <stop_token>
#include <utility>

#include <fmt/format.h>

#include "eventstore/tree_head.h"
#include "eventstore/verify_rows.h"

namespace mintmark {
namespace {

constexpr std::size_t verify_batch_events = 1024;

// Holds a reader to so many events a second.
class Pace {
 public:
  Pace(std::uint64_t events_per_second, const std::stop_token& stop)
      : events_per_second_(events_per_second), stop_(stop) {}

  // Waits until so many events may have been read since the beginning; false where it is to stop.
  bool hold(double done) const {
    if (events_per_second_ > 0) {
      const std::chrono::duration<double> due(done / static_cast<double>(events_per_second_));
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

// Holds the stored nodes, in their order, to those that come of the events. A log of an earlier format has
// none.
class NodeCheck {
 public:
  NodeCheck(RocksDbTables& tables, const RocksDbTables::Meta& meta)
      : tables_(tables), stored_(meta.format == RocksDbTables::known_format) {}

  // Whether these are the next ones.
  bool matches(std::string_view nodes) {
    while (stored_ && !nodes.empty()) {
      if (row_.empty()) row_ = tables_.read_nodes(next_);
      const auto size = std::min(row_.size(), nodes.size());
      if (!row_.starts_with(nodes.substr(0, size))) return false;
      next_ += size / sizeof(TreeHash);
      row_.erase(0, size);
      nodes.remove_prefix(size);
    }
    return true;
  }

 private:
  RocksDbTables& tables_;
  const bool stored_;
  std::uint64_t next_ = 0;
  std::string row_;  // what is left of it, from node next_ on
};

// Holds the log to the tree heads that are signed for it by its stored nodes. False where they cannot be
// told. Those of which the nodes of a log of an earlier format cannot tell go into `unproven`.
bool hold_to_heads(RocksDbTables& tables, const RocksDbTables::Meta& meta, const VerifyOptions& options,
                   VerifyReport& report, std::vector<TreeHead>& unproven) {
  if (!options.tree_heads) return true;
  const bool has_nodes = meta.format == RocksDbTables::known_format;
  const auto tree = meta.tree.head();
  return options.tree_heads([&](const TreeHead& head) {
    if (options.is_restored && head.size > tree.size) {
      report.signed_and_lost = std::max(report.signed_and_lost, head.size - tree.size);
      return !options.stop.stop_requested();
    }
    ++report.tree_heads;
    if (!has_nodes && head.size < tree.size) {
      unproven.push_back(head);
    } else {
      report.problem =
          tree_head_problem(head, tree, [&tables](std::uint64_t number) { return tables.node(number); });
    }
    return report.problem.empty() && !options.stop.stop_requested();
  });
}

// Grows the tree again, event by event, and holds to it what is stored besides.
class Regrowth {
 public:
  Regrowth(RocksDbTables& tables, const RocksDbTables::Meta& meta) : tables_(tables), nodes_(tables, meta) {}

  // Before the first event: to tree heads too, whatever their order.
  void hold_to(std::vector<TreeHead> heads) {
    heads_ = std::move(heads);
    std::ranges::sort(heads_, {}, &TreeHead::size);
  }

  const MerkleTree& tree() const { return tree_; }

  // What is wrong with the next event; empty where nothing is.
  std::string add(const StoredEvent& event) {
    grown_.clear();
    tree_.append(event.bytes, &grown_);
    if (!nodes_.matches(grown_))
      return fmt::format("the event at position {} is not the one that is in its tree", tree_.size());
    auto problem = tables_.stream_problem(event.recorded);
    return problem.empty() ? problem_with_heads() : problem;
  }

  // The same of the tree heads of the size that has been reached.
  std::string problem_with_heads() {
    for (; next_head_ < heads_.size() && heads_[next_head_].size == tree_.size(); ++next_head_) {
      if (heads_[next_head_].root != tree_.root())
        return fmt::format("its root at position {} is not that of a signed tree head", tree_.size());
    }
    return "";
  }

 private:
  RocksDbTables& tables_;
  MerkleTree tree_;
  NodeCheck nodes_;
  std::string grown_;
  std::vector<TreeHead> heads_;  // by size
  std::size_t next_head_ = 0;
};

}  // namespace

std::string check_against_anchor(RocksDbTables& tables, const std::optional<HeadAnchor::Head>& anchored) {
  const auto meta = tables.meta();
  const auto last = tables.last_position();
  if (!meta)
    return fmt::format("its meta data is missing or damaged; the last event found is at position {}", last);
  if (!RocksDbTables::knows_format(meta->format)) {
    return fmt::format("its format is {}, and this version knows format {}", meta->format,
                       RocksDbTables::known_format);
  }
  if (meta->schema > event_schema) {
    return fmt::format(
        "its events are of schema {}, and this version knows schema {}: it was written by a newer one",
        meta->schema, event_schema);
  }
  if (!tables.families_agree(*meta)) return "some of its tables have lost the newest writes that others have";
  if (meta->format == RocksDbTables::known_format) {
    if (const auto file = tables.find_lost_file(); !file.empty()) {
      return fmt::format("its MANIFEST does not know {}, which holds rows that its tables have not", file);
    }
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
    for (const auto& event : tables.read(grown.size(), last, verify_batch_events)) grown.append(event.bytes);
  }
  if (grown != meta->tree)
    return fmt::format("its root at position {} is not the anchored one", anchored_position);
  return "";
}

VerifyReport verify_events(RocksDbTables& tables, const RocksDbTables::Meta& meta,
                           const VerifyProgress& progress, const VerifyOptions& options) {
  const auto& tree = meta.tree;
  VerifyReport report{tree.size(), tree.root(), ""};
  Regrowth regrown(tables, meta);
  try {
    std::vector<TreeHead> unproven;
    if (!hold_to_heads(tables, meta, options, report, unproven) || !report.problem.empty()) return report;
    regrown.hold_to(std::move(unproven));
    // All events are in the files: reading those takes as long as reading the events one by one does.
    const auto events = static_cast<double>(tree.size());
    const Pace files_pace(options.events_per_second, options.stop);
    tables.verify_checksums([&](double done) { return files_pace.hold(done * events); });
    if (options.stop.stop_requested()) return report;
    const Pace pace(options.events_per_second, options.stop);
    RowCheck rows;
    report.problem = regrown.problem_with_heads();
    while (report.problem.empty() && regrown.tree().size() < tree.size()) {
      for (const auto& event : tables.read(regrown.tree().size(), tree.size(), verify_batch_events)) {
        report.problem = regrown.add(event);
        if (!report.problem.empty()) return report;
        rows.add(event.recorded);
      }
      progress(regrown.tree().size(), tree.size());
      if (!pace.hold(static_cast<double>(regrown.tree().size()))) return report;
    }
    if (report.problem.empty() && regrown.tree() != tree) {
      report.problem =
          fmt::format("the stored events up to position {} do not give the log's root", tree.size());
    }
    if (!report.problem.empty()) return report;
    const Pace rows_pace(options.events_per_second, options.stop);
    report.problem = rows.problem(tables, options, [&](double done) { return rows_pace.hold(done); });
  } catch (const std::exception& error) {
    report.problem = error.what();
  }
  return report;
}

}  // namespace mintmark
