#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "domain/time.h"
#include "eventstore/event_log.h"
#include "worker/jobs.pb.h"

namespace mintmark {

// A job that somebody has for a while. The fence tells this claim from every other of the job.
struct Claim {
  StoredJob job;
  std::uint64_t fence = 0;
};

// The queue of what is to be done outside. A job stays until it is completed: whoever dies holding it loses
// its lease, and it is claimed again. Only the store's own clock judges a lease. Thread-safe; everything
// blocks on disk and throws std::runtime_error where that fails.
class JobStore {
 public:
  virtual ~JobStore() = default;

  // The position up to which jobs have been planned.
  virtual Position planned() = 0;
  // Adds the jobs that the events up to `position` call for, with that checkpoint, in one atomic write: so a
  // job is made once, however often its events are read.
  virtual void plan(Position position, const std::vector<StoredJob>& jobs) = 0;

  // The first job that is due, not leased and not behind an earlier one of its subject.
  virtual std::optional<Claim> claim(std::chrono::milliseconds lease) = 0;
  // The earliest moment at which a job that cannot be claimed now may become claimable; nothing without any
  // job.
  virtual std::optional<Time> next_due() = 0;

  // Each answers false, and does nothing, where the claim is stale: its lease ended and another has the job.
  virtual bool extend(const Claim& claim, std::chrono::milliseconds lease) = 0;
  virtual bool complete(const Claim& claim) = 0;
  // Gives the job back, to be tried again in `delay`.
  virtual bool postpone(const Claim& claim, std::chrono::milliseconds delay) = 0;

  virtual std::size_t size() = 0;
};

}  // namespace mintmark
