#include "tests/simulation/node.h"

#include <chrono>
#include <stdexcept>
#include <utility>

#include "eventstore/key_rotation.h"
#include "tests/simulation/trace.h"

namespace mintmark::testing {
namespace {

constexpr std::chrono::minutes usage_interval(10);

template <class T>
T opened(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().messages.front());
  return std::move(*result);
}

RocksDbLog::Options log_options(World& world, std::function<void(const std::string&)> on_failure) {
  RocksDbLog::Options options;
  options.path = world.folder + "/log";
  options.env = &world.disk;
  options.free_disk_bytes = [&world] { return world.free_disk_bytes; };
  options.on_failure = std::move(on_failure);
  options.drive = Drive::kCaller;
  return options;
}

}  // namespace

void Node::create(World& world) {
  const auto options = log_options(world, [](const std::string&) {});
  if (!RocksDbLog::create(options, world.random.event_id(world.time.now())))
    throw std::runtime_error("no log can be made");
  const auto raw_log = opened(RocksDbLog::open(options));
  LedgerLog log(*raw_log, world.ledger);
  Vault vault(log, KeyEncryptionKey{}, world.random);
  Metadata metadata;
  metadata.actor.set_kind(Actor::OPERATOR);
  metadata.actor.set_id("init");
  metadata.recorded_at = world.time.now();
  opened(append_pepper(log, vault, 0, std::move(metadata), world.random));
}

Node::Node(World& world) : world_(world) {
  raw_log_ = opened(RocksDbLog::open(log_options(world, on_failure_)));
  log_ = std::make_unique<LedgerLog>(*raw_log_, world.ledger);
  world.ledger.check_recovered(*log_);
  vault_ = std::make_unique<Vault>(*log_, KeyEncryptionKey{}, world.random);
  peppers_ = std::make_unique<Peppers>(opened(vault_->load_peppers()));
  views_ = opened(ViewStore::open(world.folder + "/views", &world.disk));
  if (const auto bound = views_->bind(log_->log_id()); !bound)
    throw std::runtime_error(bound.error().messages.front());
  tokens_ = std::make_unique<TokenList>(views_->live(TokenList::projection_name));
  directory_ = std::make_unique<Directory>(views_->live(Directory::projection_name), *vault_);
  webhooks_ = std::make_unique<WebhookList>(views_->live(WebhookList::projection_name));
  extensions_ = std::make_unique<ExtensionList>(views_->live(ExtensionList::projection_name));
  handles_ = std::make_unique<HandleIndex>(views_->live(HandleIndex::projection_name));
  audit_ = std::make_unique<AuditIndex>(views_->live(AuditIndex::projection_name));
  jobs_ = opened(RocksDbJobStore::open(world.folder + "/jobs", world.time, &world.disk));
  planner_ = std::make_unique<JobPlanner>(*log_, *jobs_);
  calls_ = std::make_unique<WebhookCalls>(*log_, *vault_, *webhooks_, "https://tokens.example.com");
  calls_->set_extensions(*extensions_);
  index_ = std::make_unique<AuthorizationIndex>(*peppers_);
  // A snapshot that is not there or damaged: the index is built from the log.
  static_cast<void>(index_->load(snapshot_path(), log_->log_id()));
  const std::vector<Projection*> projections{index_.get(),    tokens_.get(),     directory_.get(),
                                             webhooks_.get(), extensions_.get(), handles_.get(),
                                             planner_.get(),  audit_.get()};
  for (const auto* projection : projections) {
    require(projection->checkpoint() <= log_->head(),
            fmt::format("{} is ahead of the log", projection->name()));
  }
  projector_ = std::make_unique<Projector>(*log_, projections, on_failure_, Drive::kCaller);
  while (projector_->step(world.dice.between(1, 200))) {
  }
  WorkerOptions options;
  options.concurrency = 4;
  options.concurrency_per_host = 2;
  options.drive = Drive::kCaller;
  const WorkerServices services{*log_, *jobs_, *calls_, world.time, world.random, world.time.make_timer()};
  worker_ = std::make_unique<Worker>(services, options, world.receivers.make_send(), on_failure_);
  expiry_ = std::make_unique<TokenExpiry>(*log_, *tokens_, *projector_, world.time, world.random, on_failure_,
                                          Drive::kCaller);
  usage_ = std::make_unique<UsageRecorder>(*log_, *index_, *projector_, world.time, world.random,
                                           usage_interval, on_failure_, Drive::kCaller);
}

bool Node::end_in_order() {
  const bool recorded = usage_->finish().has_value();
  index_->save(snapshot_path(), log_->log_id());
  return recorded;
}

Node::~Node() {
  world_.receivers.drop_calls();
}

}  // namespace mintmark::testing
