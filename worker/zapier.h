#pragma once

#include <optional>

#include "domain/error.h"
#include "eventstore/clock.h"
#include "eventstore/event_log.h"
#include "eventstore/random.h"
#include "worker/job_store.h"

// What Zapier tokens call for outside: a connection that their handle can be exchanged over is issued when
// one is created, and withdrawn when it is deleted.
namespace mintmark {

// The job that an event calls for, if any. Reads the token's stream: blocks on disk.
std::optional<StoredJob> plan_zapier_job(EventLog& log, const Recorded& recorded);

// Does the job: decides on the token as it is now and appends the outcome. Doing it again, or after somebody
// else did it, changes nothing. kUnavailable or kInsufficientStorage where the log takes nothing now,
// kOutcomeUnknown where it has failed. Blocks until the outcome is durable.
Result<void> run_zapier_job(EventLog& log, const Clock& clock, Random& random, const StoredJob& job);

}  // namespace mintmark
