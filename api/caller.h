#pragma once

#include <memory>
#include <optional>
#include <string>

#include "api/conditions.h"
#include "domain/events.pb.h"
#include "domain/ids.h"
#include "eventstore/event_log.h"

namespace mintmark {

// Who asks, and what the log should remember of the asking.
struct Caller {
  Actor actor;
  AccountId account;
  Role role = ROLE_UNSPECIFIED;
  std::optional<std::uint64_t> permissions = {};  // module_bit()s of a token's; nothing: every module
  std::string request_id;
  std::string client_ip;
  std::optional<IdempotencyKey> idempotency_key;
  std::string unkeyed_request_hash = {};          // SHA-256 of the same, as earlier versions kept it in logs
  std::optional<Precondition> precondition = {};  // what write() checks before it appends
  std::shared_ptr<WriteOutcome> outcome = {};     // where write() notes what it did; may be null
};

// The caller of a write that follows from another one of theirs: without what the client says of its request.
inline Caller as_consequence(Caller caller) {
  caller.idempotency_key.reset();
  caller.precondition.reset();
  caller.outcome.reset();
  return caller;
}

}  // namespace mintmark
