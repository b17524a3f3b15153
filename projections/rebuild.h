#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "eventstore/event_log.h"
#include "eventstore/pepper.h"
#include "projections/row_projection.h"
#include "projections/view_store.h"

namespace mintmark {

// What a rebuild found. It takes the place of the old projection either way: the log is the truth.
struct RebuildReport {
  std::string projection;
  Position events = 0;
  std::size_t parked_streams = 0;
  // Whether there was an old projection, and where it, brought up to the same position, differed from the
  // new; empty where they were equal.
  bool had_old = true;
  std::string difference = {};
};

using RebuildProgress = std::function<void(Position done, Position total)>;
using MakeRowProjection = std::function<std::unique_ptr<RowProjection>(View)>;

// Builds the projection from the first event beside the live one, compares, swaps, and deletes the old rows.
// An interrupted rebuild by the same version of the program goes on where it was. Blocks for long; nobody
// else may use the projection meanwhile. Throws as View does where the new rows cannot be written or read.
RebuildReport rebuild_rows(EventLog& log, ViewStore& views, std::string_view name,
                           const MakeRowProjection& make, const RebuildProgress& progress,
                           std::string_view program_version = "");

// The same for the authorization index and its snapshot file. It is built in memory, so it starts from the
// first event each time. Throws std::system_error where the file cannot be written.
RebuildReport rebuild_authorization_index(EventLog& log, const Peppers& peppers,
                                          const std::filesystem::path& snapshot,
                                          const RebuildProgress& progress);

}  // namespace mintmark
