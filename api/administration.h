#pragma once

#include <atomic>
#include <stop_token>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "api/services.h"
#include "domain/error.h"
#include "eventstore/key_rotation.h"
#include "eventstore/rocksdb_log.h"
#include "eventstore/tree_head_journal.h"

namespace mintmark {

// Where an operator's command prints lines before its result.
class LineOutput {
 public:
  virtual ~LineOutput() = default;
  virtual awaitable<void> write(std::vector<std::string> lines) = 0;
};

// What operators may do, the same on a running and on a stopped instance. A command is a JSON object whose
// member "command" names it; its other members are the command's own:
//
//   account.open    name, type (vendor, provider)         → {account}
//   account.list                                          → {accounts: […]}
//   account.rename  account, name                         → {account, name}
//   user.add        account, email, name, role (owner where the account has none, else member)
//                                                         → {user, email, password}
//   user.list       account                               → {users: […]}
//   user.password   email                                 → {email, password}
//   user.role       email, role (owner, member, auditor)  → {user, role}
//   user.activate, user.deactivate   email                → {user, status}
//   partner.create  name                                  → {id, key}
//   token.create    account, name, type (custom, zapier), description, external_id, expiration_date
//                                                         → {id, key} or {id, handle}
//   token.list      account, limit, offset                → {total, tokens: […]}
//   token.show      id                                    → the token
//   token.activate, token.deactivate   id                 → {id, status, position}
//   token.rotate    id                                    → {id, key} or {id, handle}
//   token.delete    id                                    → {id, position}
//   job.list        account, query (RQL)                  → {jobs: […]}
//   job.retry       id                                    → the job
//   job.retry       account, query, dry_run               → {count}
//   job.cancel      id                                    → the job
//   replay          see ReplayOptions                     → {}, and the events as lines
//   verify          tree_heads (a further file of them), public_key (of who signed them), restored (true: see
//                   VerifyOptions::is_restored)           → {head, root, problem, tree_heads,
//                   signed_and_lost},
//                                                           and lines such as "42 %"
//   tree_head.sign                                        → {head, root, note}
//   tree_head.key                                         → {public_key}
//   backup          events (a folder), vault (a file); absolute paths, one of them or both
//                                                         → {head, root, events, segments} and {vault_keys}
//   keys.rotate                                           → {wrapped_anew, pepper}
class Administration {
 public:
  // All must outlive it.
  Administration(Services& services, RocksDbLog& log, TreeHeadJournal& tree_heads, KeyRotation& key_rotation)
      : services_(services), log_(log), tree_heads_(tree_heads), key_rotation_(key_rotation) {}

  // `operator_name` goes to the log as the actor. kInvalid for an unknown command or a bad member; kConflict
  // for what may run once at a time. Ends early, as with stop(), once `gone` is requested. On an executor of
  // one thread.
  awaitable<Result<boost::json::object>> run(std::string operator_name, boost::json::object command,
                                             LineOutput& output, std::stop_token gone = {});

  // Ends, with kUnavailable, what reads all of the log, and so whatever begins after it. From any thread.
  void stop() { stop_.request_stop(); }

 private:
  Services& services_;
  RocksDbLog& log_;
  TreeHeadJournal& tree_heads_;
  KeyRotation& key_rotation_;
  std::stop_source stop_;
  std::atomic<bool> verifying_ = false;
};

// What `verify` answers.
boost::json::object represent_report(const VerifyReport& report);

}  // namespace mintmark
