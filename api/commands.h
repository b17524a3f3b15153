#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "api/caller.h"
#include "api/services.h"
#include "domain/error.h"
#include "eventstore/event_log.h"

// The way of every write: read the stream, decide, append at the version that was read, wait until the
// projections show it. A lost race is decided again.
namespace mintmark {

// What a decider wants appended. No events: nothing changes, and that is fine.
struct Decision {
  std::vector<Event> events;
  std::vector<VaultWrite> vault_writes;
  std::vector<StreamAppend> other_streams;  // appended with it or not at all
  bool frees_space = false;
};

// What came of it. `changed` is false where there was nothing to do. `repeated`: the idempotency key had done
// it before, and `committed` tells where.
struct Written {
  bool changed = false;
  bool repeated = false;
  Committed committed;
};

// Reads and folds the stream of one aggregate. Blocks on disk.
struct LoadedStream {
  std::uint64_t version = 0;
  std::vector<StoredEvent> events;
};

LoadedStream load_stream(Services& services, const std::string& stream);

// Decides from the stream as it is now; runs on a blocking thread, perhaps several times.
using Decide = std::function<Result<Decision>(const LoadedStream& stream)>;

// Fails as `decide` does; kPreconditionFailed where the thing that the caller's precondition is about is not
// as it says (what is not found stays not found); kConflict where the idempotency key came with another
// request, or the race was lost limits::conflict_retries_max times; kUnavailable, kInsufficientStorage,
// kOutcomeUnknown from the log.
awaitable<Result<Written>> write(Services& services, const Caller& caller, std::string stream, Decide decide);

// The state of an aggregate, folded from its events.
template <class Aggregate>
Aggregate fold(const LoadedStream& stream) {
  Aggregate aggregate;
  for (const auto& event : stream.events) evolve(aggregate, event.recorded.event());
  return aggregate;
}

// What the caller's idempotency key has done before; nothing without a key, or where it is new. kConflict
// where it came with another request: key_reused(). Blocks on disk.
Result<std::optional<Committed>> find_repeated(Services& services, const Caller& caller);
std::unexpected<Error> key_reused();

// Waits until every projection has taken in `position`; kOutcomeUnknown where that takes longer than
// limits::projection_wait_time_max or the projector has failed.
awaitable<Result<void>> projected(Services& services, Position position);

// Waits until every projection has taken in `position`: whether they did before the deadline, and before the
// projector failed.
awaitable<bool> reached_by(Services& services, Position position,
                           std::chrono::steady_clock::time_point deadline);

// Events with fresh ids, for one stream.
StreamAppend make_append(Services& services, std::string stream, std::uint64_t expected_version,
                         std::vector<Event> events);

}  // namespace mintmark
