#include "projections/rebuild.h"

#include <stdexcept>

#include <fmt/format.h>

#include "domain/limits.h"
#include "eventstore/crash_point.h"
#include "eventstore/disk_space.h"
#include "eventstore/rocksdb_strings.h"
#include "projections/authorization_index.h"

namespace mintmark {
namespace {

// Many rows are about to be written: there must be room for all that are in memory alone.
void require_space(const View& view) {
  std::uint64_t in_memory = 0;
  view.db().GetAggregatedIntProperty(rocksdb::DB::Properties::kCurSizeAllMemTables, &in_memory);
  if (const auto why = lack_of_space(view.db().GetName(), in_memory))
    throw ViewsFull("the views cannot be used: " + *why);
}

void feed(EventLog& log, Projection& projection, Position head, const RebuildProgress& progress,
          const View* view = nullptr) {
  while (projection.checkpoint() < head) {
    if (view) require_space(*view);
    const auto events = log.read(projection.checkpoint(), limits::projection_batch_events_max);
    projection.apply(events);
    progress(projection.checkpoint(), head);
    crash_point("rebuild fed");
  }
}

std::string printable(std::string_view key) {
  std::string text;
  for (const char c : key) {
    const bool visible = c > 0x20 && c < 0x7F;
    text += visible ? std::string(1, c) : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return text;
}

std::string unreadable(std::string_view why) {
  return fmt::format("it cannot be read: {}", why);
}

// The first row that is not the same in both; empty where all are.
std::string first_difference(const View& old_rows, const View& new_rows) {
  const auto a = old_rows.rows();
  const auto b = new_rows.rows();
  for (a->SeekToFirst(), b->SeekToFirst(); a->Valid() && b->Valid(); a->Next(), b->Next()) {
    if (a->key() != b->key())
      return "row " + printable(view(a->key().compare(b->key()) < 0 ? a->key() : b->key()));
    if (a->value() != b->value()) return "row " + printable(view(a->key()));
  }
  // One that cannot be read ends early. The new rows must be readable; the old ones are on their way out.
  throw_unless_ok(b->status());
  if (!a->status().ok()) return unreadable(a->status().ToString());
  if (a->Valid()) return "row " + printable(view(a->key()));
  if (b->Valid()) return "row " + printable(view(b->key()));
  return "";
}

}  // namespace

RebuildReport rebuild_rows(EventLog& log, ViewStore& views, std::string_view name,
                           const MakeRowProjection& make, const RebuildProgress& progress,
                           std::string_view program_version) {
  const auto head = log.head();
  const auto old_view = views.live(name);
  const auto new_view = views.building(name, program_version);
  RebuildReport report{std::string(name), head, 0};
  {
    const auto built = make(new_view);
    feed(log, *built, head, progress, &new_view);
    report.parked_streams = built->parked_streams();
    try {
      const auto live = make(old_view);
      report.had_old = live->checkpoint() > 0 || head == 0;
      if (report.had_old) feed(log, *live, head, [](Position, Position) {}, &old_view);
    } catch (const ViewsFull&) {
      throw;  // no fault of the old rows
    } catch (const std::runtime_error& error) {
      report.difference = unreadable(error.what());
    }
    if (report.had_old && report.difference.empty()) report.difference = first_difference(old_view, new_view);
  }
  crash_point("rebuild compared");
  views.promote(name);
  crash_point("rebuild promoted");
  return report;
}

RebuildReport rebuild_authorization_index(EventLog& log, const Peppers& peppers,
                                          const std::filesystem::path& snapshot,
                                          const RebuildProgress& progress) {
  const auto head = log.head();
  AuthorizationIndex built(peppers);
  feed(log, built, head, progress);
  RebuildReport report{std::string(built.name()), head, built.parked_streams()};
  AuthorizationIndex old(peppers);
  report.had_old = std::filesystem::exists(snapshot);
  if (const auto loaded = old.load(snapshot, log.log_id()); !loaded) {
    if (report.had_old) report.difference = loaded.error();
  } else {
    feed(log, old, head, [](Position, Position) {});
    if (old.fingerprint() != built.fingerprint()) report.difference = "its content";
  }
  built.save(snapshot, log.log_id());
  return report;
}

}  // namespace mintmark
