#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "api/administration.h"
#include "api/services.h"
#include "eventstore/clock.h"
#include "eventstore/key_file.h"
#include "eventstore/key_rotation.h"
#include "eventstore/random.h"
#include "eventstore/rocksdb_log.h"
#include "eventstore/tree_head_journal.h"
#include "eventstore/vault.h"
#include "projections/audit_index.h"
#include "projections/authorization_index.h"
#include "projections/directory.h"
#include "projections/extension_list.h"
#include "projections/handle_index.h"
#include "projections/projector.h"
#include "projections/token_list.h"
#include "projections/view_store.h"
#include "projections/webhook_list.h"
#include "tools/config.h"
#include "worker/job_planner.h"
#include "worker/rocksdb_job_store.h"
#include "worker/webhook_calls.h"

namespace mintmark {

// An opened data folder: everything that works on it, in the order of its dependencies; destruction is the
// shutdown. The server and the administration of a stopped instance both stand on it.
class Instance {
 public:
  // Makes the folder with an empty log, its key-encryption key (where there is none yet) and its first
  // pepper. kConflict where it holds an instance; fails as check_owner() does.
  static Result<void> create(const Config& config);

  // Opens it and waits until the projections have reached the log's head. `on_failure` is told, from any
  // thread, when the log or a projection fails. kUnavailable, with the reason, where that happens before,
  // and as check_owner() fails.
  static Result<std::unique_ptr<Instance>> open(const Config& config,
                                                std::function<void(const std::string& reason)> on_failure);
  // Ends the projector, saves the authorization index where it has moved and closes the log.
  ~Instance();

  std::atomic<bool> healthy = true;
  SystemClock clock;
  SystemRandom random;
  std::unique_ptr<RocksDbLog> log;
  std::unique_ptr<Vault> vault;
  std::unique_ptr<Peppers> peppers;
  std::unique_ptr<ViewStore> views;
  std::unique_ptr<TokenList> token_list;
  std::unique_ptr<Directory> directory;
  std::unique_ptr<WebhookList> webhooks;
  std::unique_ptr<ExtensionList> extensions;
  std::unique_ptr<HandleIndex> handles;
  std::unique_ptr<AuditIndex> audit;
  std::unique_ptr<RocksDbJobStore> jobs;
  std::unique_ptr<JobPlanner> job_planner;
  std::unique_ptr<WebhookCalls> webhook_calls;
  std::unique_ptr<AuthorizationIndex> authorization_index;
  std::unique_ptr<Projector> projector;
  std::unique_ptr<BlockingPool> blocking;
  std::unique_ptr<BlockingPool> hashing;
  std::unique_ptr<Services> services;
  std::unique_ptr<TreeHeadJournal> tree_heads;
  std::unique_ptr<KeyRotation> key_rotation;
  std::unique_ptr<Administration> administration;

 private:
  explicit Instance(const Config& config) : config_(config) {}
  // What was wrong with the log's head anchor.
  void tell_of_anchor();
  // Opens the log's tree heads. Fails where one was signed for a longer log than this one.
  Result<void> open_tree_heads();
  Result<void> open_views();
  std::unique_ptr<Services> make_services();
  // From any thread: the log or a projection has failed.
  void note_failure(const std::string& reason);
  // The first one; empty where there is none.
  std::string first_failure();

  const Config config_;
  std::mutex failure_mutex_;
  std::string failure_;        // guarded by failure_mutex_
  bool damage_found_ = false;  // while it was opened
};

// The key-encryption keys in the file that the configuration names. Fails as read_key_file, and names the
// setting where that has named the file. Blocks on disk.
Result<KeyEncryptionKeys> read_configured_keys(const Config& config);
// Whether the folder holds an instance.
bool instance_exists(const Config& config);
// kNotFound, naming the folder, where it holds none, also none that has lost its name (recover_log_name()).
// Blocks on disk.
Result<void> check_instance(const Config& config);

}  // namespace mintmark
