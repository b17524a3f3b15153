#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "api/blocking_pool.h"
#include "api/list_cursors.h"
#include "api/module_table.h"
#include "api/scans.h"
#include "api/slots.h"
#include "domain/ids.h"
#include "domain/limits.h"
#include "eventstore/clock.h"
#include "eventstore/event_log.h"
#include "eventstore/pepper.h"
#include "eventstore/random.h"
#include "eventstore/vault.h"
#include "projections/audit_index.h"
#include "projections/authorization_index.h"
#include "projections/directory.h"
#include "projections/extension_list.h"
#include "projections/handle_index.h"
#include "projections/projector.h"
#include "projections/token_list.h"
#include "projections/webhook_list.h"

namespace mintmark {

class JobStore;
class WebhookCalls;

template <class T>
using awaitable = boost::asio::awaitable<T>;

// The streams and exports of events that are open.
using StreamSlots = Slots<AccountId>;

// What handlers work with. Everything outlives every request; every member is thread-safe.
struct Services {
  EventLog& log;
  Vault& vault;
  const Peppers& peppers;
  AuthorizationIndex& authorization_index;
  const TokenList& token_list;
  const Directory& directory;
  const WebhookList& webhooks;
  const ExtensionList& extensions;
  const HandleIndex& handles;
  const AuditIndex& audit;
  JobStore& jobs;
  WebhookCalls& calls;
  Projector& projector;
  BlockingPool& blocking;
  BlockingPool& hashing;  // passwords alone: a flood of sign-ins keeps nothing else waiting
  const Clock& clock;
  Random& random;
  bool secure_cookies;               // the console is reached over https
  const std::atomic<bool>& healthy;  // false once the log or a projection has failed
  const ModuleTable& modules;
  std::string public_url;  // under which clients reach us, without a slash at its end
  std::string told_url{};  // that, where the operator has said it; else empty
  ListCursors list_cursors{};
  Scans scans{};
  StreamSlots stream_slots{limits::event_streams_max, limits::event_streams_per_account_max};
  // How long a stream of events that is opened from now on is quiet before it tells that it is there.
  std::chrono::milliseconds event_stream_heartbeat = limits::event_stream_heartbeat;
  std::atomic<bool> damage_found{false};  // the stored log is not what it was; set by who reads it again
  std::atomic<std::int64_t> signed_position{
      -1};                                     // of the newest tree head; 0: none yet; below: none are signed
  std::atomic<std::int64_t> verified_at_s{0};  // when the log was last found whole; 0: not since the start
};

}  // namespace mintmark
