#pragma once

#include <functional>
#include <string>
#include <vector>

#include "domain/error.h"
#include "eventstore/clock.h"
#include "eventstore/event_log.h"
#include "eventstore/random.h"

namespace mintmark {

// What the worker has to say about a stream: who says it and what caused it.
struct Outcome {
  std::string stream;
  std::string actor;         // a worker's name
  std::string cause;         // the event id that called for it; empty where the clock did
  bool frees_space = false;  // may use the disk's reserve
  std::vector<VaultWrite> vault_writes = {};
};

// Decides from the stream's events as they are now.
using DecideOutcome = std::function<Result<std::vector<Event>>(const std::vector<StoredEvent>& stream)>;

// Reads the stream, decides and appends, again where somebody else was faster; gives the position of the last
// event, 0 where there was nothing to say. Fails as `decide` does; kUnavailable or kInsufficientStorage where
// the log takes nothing now, kOutcomeUnknown where it has failed. Blocks until the outcome is durable.
Result<Position> record_outcome(EventLog& log, const Clock& clock, Random& random, const Outcome& outcome,
                                const DecideOutcome& decide);

// As record_outcome, for many streams that have nothing to do with each other: their appends are under way
// together, so that the log can sync them together. One result for each, in their order; `decide` is asked of
// each.
std::vector<Result<Position>> record_outcomes(EventLog& log, const Clock& clock, Random& random,
                                              const std::vector<Outcome>& outcomes,
                                              const DecideOutcome& decide);

// As record_outcome, for events that do not depend on what the stream holds: it is not read.
Result<Position> append_outcome(EventLog& log, const Clock& clock, Random& random, const Outcome& outcome,
                                const std::vector<Event>& events);

}  // namespace mintmark
