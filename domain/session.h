#pragma once

#include <optional>
#include <string>
#include <vector>

#include "domain/error.h"
#include "domain/events.pb.h"
#include "domain/ids.h"
#include "domain/time.h"

// The session aggregate, stream session-<hash>: a person signed in to the console. Pure, as domain/token.h.
namespace mintmark {

struct Session {
  bool open = false;
  std::optional<UserId> user;
  std::optional<AccountId> account;
  Time expires_at;
};

struct OpenSession {
  UserId user;
  AccountId account;
  std::string secret_hash;
  Time expires_at;
};

struct CloseSession {};

// OpenSession is kConflict where the stream has a session already; CloseSession on a closed one changes
// nothing.
Result<std::vector<Event>> decide(const Session& session, const OpenSession& command);
Result<std::vector<Event>> decide(const Session& session, const CloseSession& command);

// Total: an event of another kind of stream changes nothing.
void evolve(Session& session, const Event& event);

}  // namespace mintmark
