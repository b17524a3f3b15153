#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "domain/events.pb.h"
#include "domain/time.h"
#include "eventstore/random.h"

// When what failed is attempted again.
namespace mintmark {

// An attempt's end: whether and why it failed, and when the receiver wants to be asked again.
struct AttemptEnd {
  AttemptFailure failure = ATTEMPT_SUCCEEDED;
  std::uint32_t status = 0;  // HTTP's; 0 where there was no answer
  std::optional<std::chrono::seconds> retry_after;
};

// Attempts are made at once, then 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h after the one before, each
// ± 20 %. The time of the next, behind `attempts` of a round that ended at `now`; nothing behind the last. A
// receiver's Retry-After puts it off further, by limits::retry_after_max at most. 410 is final.
std::optional<Time> next_attempt(std::uint32_t attempts, const AttemptEnd& end, Time now, Random& random);

// How long nothing is attempted at a webhook behind so many failures in a row: zero until the fifth, then
// 30 s, doubling up to an hour. The first attempt afterwards decides alone whether the next follows.
std::chrono::microseconds circuit_open_time(std::uint32_t failures);

// For people: "the receiver answered 503", "the connection timed out".
std::string describe(AttemptFailure failure, std::uint32_t status);

// For programs: "status", "timed_out", the name that the failure has in domain/events.proto without its
// prefix. Not of a success.
std::string failure_code(AttemptFailure failure);

}  // namespace mintmark
