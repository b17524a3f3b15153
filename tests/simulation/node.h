#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "eventstore/rocksdb_log.h"
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
#include "tests/simulation/dice.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/receivers.h"
#include "tests/simulation/simulated_disk.h"
#include "tests/simulation/simulated_time.h"
#include "tests/support/scripted_random.h"
#include "worker/job_planner.h"
#include "worker/rocksdb_job_store.h"
#include "worker/token_expiry.h"
#include "worker/usage_recorder.h"
#include "worker/worker.h"

namespace mintmark::testing {

// What outlives a process.
struct World {
  std::string folder;
  Dice& dice;
  SimulatedDisk& disk;
  SimulatedTime& time;
  SeededRandom& random;
  SimulatedReceivers& receivers;
  Ledger& ledger;
  std::uint64_t free_disk_bytes = std::uint64_t{1} << 40U;
};

// One life of the process: log, projections and worker as tools/instance.cc opens them, driven step by step.
class Node {
 public:
  // Makes an empty instance with its first pepper.
  static void create(World& world);

  // Opens it and brings the projections to the log's head. Throws std::runtime_error where it does not open.
  explicit Node(World& world);
  // Ends it there and then. What is left undone stays so.
  ~Node();

  // Why the process would end; empty as long as it would not.
  const std::string& failure() const { return failure_; }
  // What a server does in an orderly end. False where the log does not take when tokens were used last: it is
  // lost then.
  bool end_in_order();

  RocksDbLog& steps() { return *raw_log_; }
  LedgerLog& log() { return *log_; }
  Vault& vault() { return *vault_; }
  Peppers& peppers() { return *peppers_; }
  Projector& projector() { return *projector_; }
  const AuthorizationIndex& index() const { return *index_; }
  ViewStore& views() { return *views_; }
  RocksDbJobStore& jobs() { return *jobs_; }
  Worker& worker() { return *worker_; }
  TokenExpiry& expiry() { return *expiry_; }
  UsageRecorder& usage() { return *usage_; }

 private:
  std::string snapshot_path() const { return world_.folder + "/index"; }

  World& world_;
  std::string failure_;
  const std::function<void(const std::string&)> on_failure_ = [this](const std::string& reason) {
    if (failure_.empty()) failure_ = reason;
  };
  std::unique_ptr<RocksDbLog> raw_log_;
  std::unique_ptr<LedgerLog> log_;
  std::unique_ptr<Vault> vault_;
  std::unique_ptr<Peppers> peppers_;
  std::unique_ptr<ViewStore> views_;
  std::unique_ptr<TokenList> tokens_;
  std::unique_ptr<Directory> directory_;
  std::unique_ptr<WebhookList> webhooks_;
  std::unique_ptr<ExtensionList> extensions_;
  std::unique_ptr<HandleIndex> handles_;
  std::unique_ptr<AuditIndex> audit_;
  std::unique_ptr<RocksDbJobStore> jobs_;
  std::unique_ptr<JobPlanner> planner_;
  std::unique_ptr<WebhookCalls> calls_;
  std::unique_ptr<AuthorizationIndex> index_;
  std::unique_ptr<Projector> projector_;
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<TokenExpiry> expiry_;
  std::unique_ptr<UsageRecorder> usage_;
};

}  // namespace mintmark::testing
