#include "tools/instance.h"

#include <algorithm>
#include <filesystem>
#include <future>
#include <system_error>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include "eventstore/files.h"
#include "tools/data_folder.h"
#include "tools/index_snapshot.h"
#include "tools/worker_settings.h"

namespace mintmark {
namespace {

constexpr std::size_t blocking_threads_min = 4;

// As many as leave a core for the rest, where there is one.
std::size_t hashing_threads() {
  const std::size_t half = std::thread::hardware_concurrency() / 2;
  return std::clamp<std::size_t>(half, 1, limits::hashing_threads_max);
}

// The folder is its owner's alone: it holds the keys and the socket for administration.
Result<void> make_private_folder(const std::string& path) {
  std::error_code code = make_folders(path);
  if (!code) std::filesystem::permissions(path, std::filesystem::perms::owner_all, code);
  if (code) return fail(ErrorKind::kUnavailable, fmt::format("{} cannot be made: {}.", path, code.message()));
  return {};
}

// The first pepper is the log's first event.
Result<void> add_first_pepper(EventLog& log, Vault& vault, const Clock& clock, Random& random) {
  Metadata metadata;
  metadata.actor.set_kind(Actor::OPERATOR);
  metadata.actor.set_id("init");
  metadata.recorded_at = clock.now();
  const auto added = append_pepper(log, vault, 0, std::move(metadata), random);
  if (!added) return std::unexpected(added.error());
  return {};
}

// Whether the projections get there.
bool wait_until_projected(Projector& projector, Position position) {
  std::promise<bool> promise;
  auto reached = promise.get_future();
  projector.when_reached(position, [&promise](bool done) { promise.set_value(done); });
  return reached.get();
}

}  // namespace

bool instance_exists(const Config& config) {
  std::error_code code;
  return std::filesystem::exists(config.log_path(), code);
}

Result<void> check_instance(const Config& config) {
  if (auto recovered = recover_log_name(config); !recovered) return recovered;
  if (instance_exists(config)) return {};
  return fail(ErrorKind::kNotFound,
              fmt::format("{} holds no instance; `mintmark init` makes one.", config.data));
}

Result<KeyEncryptionKeys> read_configured_keys(const Config& config) {
  auto keys = read_key_file(config.key_path());
  if (!keys && !config.key_file.empty()) keys.error().messages.front() += " The setting key_file names it.";
  return keys;
}

Result<void> Instance::create(const Config& config) {
  if (auto checked = check_owner(config); !checked) return checked;
  if (instance_exists(config)) {
    return fail(ErrorKind::kConflict, fmt::format("{} holds an instance already.", config.data));
  }
  if (auto removed = remove_unfinished_log(config); !removed) return removed;
  if (auto made = make_private_folder(config.data); !made) return made;
  std::error_code code;
  SystemRandom random;
  const SystemClock clock;
  if (!std::filesystem::exists(config.key_path(), code)) {
    // One that is there already is somebody else's, and may hold more than the key; its rights stay as they
    // are.
    const auto folder = std::filesystem::path(config.key_path()).parent_path();
    if (!folder.empty() && !std::filesystem::exists(folder, code)) {
      if (auto made = make_private_folder(folder); !made) return made;
    }
    const auto key = create_key_file(config.key_path(), random);
    if (!key) return std::unexpected(key.error());
  }
  const auto key = read_configured_keys(config);
  if (!key) return std::unexpected(key.error());
  {
    const RocksDbLog::Options options{unfinished_log_path(config), nullptr, {}, {}};
    auto created = RocksDbLog::create(options, random.event_id(clock.now()));
    if (!created) return created;
    auto log = RocksDbLog::open(options);
    if (!log) return std::unexpected(log.error());
    Vault vault(**log, *key, random);
    if (auto added = add_first_pepper(**log, vault, clock, random); !added) return added;
  }
  return name_finished_log(config);
}

Result<std::unique_ptr<Instance>> Instance::open(const Config& config,
                                                 std::function<void(const std::string&)> on_failure) {
  if (auto checked = check_owner(config); !checked) return std::unexpected(checked.error());
  if (auto checked = check_instance(config); !checked) return std::unexpected(checked.error());
  const auto key = read_configured_keys(config);
  if (!key) return std::unexpected(key.error());
  std::unique_ptr<Instance> instance(new Instance(config));
  const auto failed = [&opened = *instance, on_failure = std::move(on_failure)](const std::string& reason) {
    opened.note_failure(reason);
    on_failure(reason);
  };
  auto log = RocksDbLog::open({config.log_path(), nullptr, {}, failed});
  if (!log) return std::unexpected(log.error());
  instance->log = std::move(*log);
  instance->tell_of_anchor();
  if (auto opened = instance->open_tree_heads(); !opened) return std::unexpected(opened.error());
  instance->vault = std::make_unique<Vault>(*instance->log, *key, instance->random);
  if (key->previous) {
    spdlog::warn("a rotation of the keys was not finished; `mintmark keys rotate` goes on with it");
  }
  auto peppers = instance->vault->load_peppers();
  if (!peppers) return std::unexpected(peppers.error());
  instance->peppers = std::make_unique<Peppers>(*peppers);
  if (auto opened = instance->open_views(); !opened) return std::unexpected(opened.error());
  const auto head = instance->log->head();
  // The index first: what it refuses must not wait for rows to be written. Jobs behind the rows that they
  // need to know. The audit index last: whom it wakes finds everything else up to date.
  const std::vector<Projection*> projections{instance->authorization_index.get(), instance->token_list.get(),
                                             instance->directory.get(),           instance->webhooks.get(),
                                             instance->extensions.get(),          instance->handles.get(),
                                             instance->job_planner.get(),         instance->audit.get()};
  for (const auto* projection : projections) {
    if (projection->checkpoint() > head) {
      return fail(
          ErrorKind::kUnavailable,
          fmt::format("{} has reached position {}, but the log ends at {}: it belongs to another log. "
                      "`mintmark rebuild --all` makes it anew.",
                      projection->name(), projection->checkpoint(), head));
    }
  }
  instance->projector = std::make_unique<Projector>(*instance->log, projections, failed);
  if (!wait_until_projected(*instance->projector, head)) {
    return fail(ErrorKind::kUnavailable,
                fmt::format("The views cannot follow the log: {}.", instance->first_failure()));
  }
  instance->projector->wait_for_space();
  const auto threads = std::max<std::size_t>(blocking_threads_min, std::thread::hardware_concurrency());
  instance->blocking = std::make_unique<BlockingPool>(threads);
  instance->hashing = std::make_unique<BlockingPool>(hashing_threads(), limits::hashing_queue_max);
  instance->services = instance->make_services();
  instance->services->damage_found = instance->damage_found_;
  const auto rewrite_vault = [&log = *instance->log] { return log.rewrite_vault(); };
  instance->key_rotation = std::make_unique<KeyRotation>(
      *instance->log, *instance->vault, *instance->peppers, instance->clock, instance->random,
      KeyRotation::Options{.key_path = config.key_path(), .rewrite_vault = rewrite_vault});
  instance->administration = std::make_unique<Administration>(*instance->services, *instance->log,
                                                              *instance->tree_heads, *instance->key_rotation);
  return instance;
}

std::unique_ptr<Services> Instance::make_services() {
  return std::unique_ptr<Services>(new Services{*log,
                                                *vault,
                                                *peppers,
                                                *authorization_index,
                                                *token_list,
                                                *directory,
                                                *webhooks,
                                                *extensions,
                                                *handles,
                                                *audit,
                                                *jobs,
                                                *webhook_calls,
                                                *projector,
                                                *blocking,
                                                *hashing,
                                                clock,
                                                random,
                                                config_.secure_cookies,
                                                healthy,
                                                config_.modules,
                                                config_.endpoint(config_.port)});
}

void Instance::note_failure(const std::string& reason) {
  healthy = false;
  const std::scoped_lock lock(failure_mutex_);
  if (failure_.empty()) failure_ = reason;
}

std::string Instance::first_failure() {
  const std::scoped_lock lock(failure_mutex_);
  return failure_;
}

// The projections, as far as they have come.
Result<void> Instance::open_views() {
  auto store = ViewStore::open(config_.views_path(), &log->env());
  if (!store) return std::unexpected(store.error());
  views = std::move(*store);
  if (auto bound = views->bind(log->log_id()); !bound) return bound;
  token_list = std::make_unique<TokenList>(views->live(TokenList::projection_name));
  directory = std::make_unique<Directory>(views->live(Directory::projection_name), *vault);
  webhooks = std::make_unique<WebhookList>(views->live(WebhookList::projection_name));
  extensions = std::make_unique<ExtensionList>(views->live(ExtensionList::projection_name));
  handles = std::make_unique<HandleIndex>(views->live(HandleIndex::projection_name));
  audit = std::make_unique<AuditIndex>(views->live(AuditIndex::projection_name));
  auto queue = RocksDbJobStore::open(config_.jobs_path(), clock, &log->env());
  if (!queue) return std::unexpected(queue.error());
  jobs = std::move(*queue);
  job_planner = std::make_unique<JobPlanner>(*log, *jobs);
  webhook_calls = std::make_unique<WebhookCalls>(*log, *vault, *webhooks, config_.endpoint(config_.port));
  webhook_calls->set_policy(outbound_policy(config_));
  webhook_calls->set_extensions(*extensions);
  authorization_index = std::make_unique<AuthorizationIndex>(*peppers);
  const auto snapshot = config_.index_snapshot_path();
  const auto loaded = authorization_index->load(snapshot, log->log_id());
  // A new instance has none, which is nothing to tell.
  if (std::error_code error; !loaded && std::filesystem::exists(snapshot, error))
    spdlog::info("the authorization index is built from the log: {}", loaded.error());
  return {};
}

void Instance::tell_of_anchor() {
  if (const auto& note = log->anchor_note(); !note.empty()) spdlog::warn("{}; it was written anew", note);
  if (const auto& damage = log->anchor_damage(); !damage.empty()) {
    spdlog::error("{}; it was written anew, but the disk cannot be trusted", damage);
    damage_found_ = true;
  }
}

Result<void> Instance::open_tree_heads() {
  const auto path = config_.tree_heads_path();
  const bool has_key = !is_absent(config_.tree_head_key_path());
  const auto seed = open_tree_head_key(config_.tree_head_key_path(), path, random);
  if (!seed) return std::unexpected(seed.error());
  tree_heads = std::make_unique<TreeHeadJournal>(*log, *seed, path);
  if (!has_key) {
    // From here on a missing file is one that went away.
    if (const auto begun = tree_heads->begin(); !begun) spdlog::error("{}", begun.error().messages.front());
  } else if (is_absent(path)) {
    spdlog::warn("there is no file {}, so the log is held to no tree head: is its disk mounted?", path);
  }
  std::string problem;
  const auto read = tree_heads->read_own([&](const TreeHead& head) {
    problem = log->tree_head_problem(head);
    return problem.empty();
  });
  if (!read.note.empty()) spdlog::warn("{}", read.note);
  if (!read.problem.empty()) {
    // Whoever can write there must not be able to keep the service from starting, nor to hide what was
    // signed.
    spdlog::error("{}", read.problem);
    if (read.kind == ErrorKind::kInvalid) damage_found_ = true;
  }
  if (problem.empty()) return {};
  return fail(ErrorKind::kUnavailable, fmt::format("The log in {} is not the one that {} is of: {}.",
                                                   config_.log_path(), path, problem));
}

Instance::~Instance() {
  administration.reset();
  hashing.reset();
  blocking.reset();
  projector.reset();
  if (!authorization_index || !log || !services) return;
  save_index_snapshot(*authorization_index, config_.index_snapshot_path(), log->log_id());
}

}  // namespace mintmark
