#pragma once

#include <optional>
#include <string>

#include "domain/error.h"
#include "eventstore/clock.h"
#include "eventstore/event_log.h"
#include "eventstore/random.h"
#include "worker/job_store.h"
#include "worker/outbound_client.h"

// What Zapier tokens call for: a connection that their handle can be exchanged over is issued when one is
// created, and withdrawn when it is deleted; the webhooks that it made pause, resume and end with it. All of
// it blocks on disk; what appends blocks until that is durable, is harmless to repeat, and fails with
// kUnavailable or kInsufficientStorage where the log takes nothing now, kOutcomeUnknown where it has failed.
namespace mintmark {

// Whether the connection has still to be issued, or withdrawn: somebody else may have been faster, or the
// token be deleted meanwhile. With a provisioning URL every deletion has to be told: the call that told it of
// the token may have come through without anybody here knowing.
bool is_connection_due(EventLog& log, const JobKey& key, bool has_provisioning_url);

// What the provisioning URL is told before that. With a secret it is signed as webhooks' calls are
// (webhook_signature.h), `provisioning` in the place of the webhook's id; without one it carries the
// message's id alone.
OutboundRequest provisioning_call(EventLog& log, const StoredJob& job, const std::string& url,
                                  const std::string& secret, Time now);

// Records that it is done. Decides on the token as it is now. `told`: the provisioning URL was, so a
// withdrawal is recorded also where no connection was issued.
Result<void> record_connection(EventLog& log, const Clock& clock, Random& random, const StoredJob& job,
                               bool told);

// Records that the provisioning URL did not take it.
Result<void> record_provisioning_failure(EventLog& log, const Clock& clock, Random& random,
                                         const StoredJob& job, const ZapierProvisioningFailed& failed);

// Pauses, resumes or ends the webhooks that the token made, as the token is now.
Result<void> let_webhooks_follow(EventLog& log, JobStore& jobs, const Clock& clock, Random& random,
                                 const StoredJob& job);

// Stops a webhook whose receiver is gone or has failed for limits::webhook_failing_time_max by now, unless
// its account has started it anew.
Result<void> stop_webhook(EventLog& log, JobStore& jobs, const Clock& clock, Random& random,
                          const StoredJob& job);

}  // namespace mintmark
