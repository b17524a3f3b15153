#include "projections/rebuild.h"

#include <array>
#include <filesystem>
#include <system_error>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "api/admin_socket.h"
#include "eventstore/rocksdb_log.h"
#include "projections/audit_index.h"
#include "projections/authorization_index.h"
#include "projections/directory.h"
#include "projections/extension_list.h"
#include "projections/handle_index.h"
#include "projections/token_list.h"
#include "projections/webhook_list.h"
#include "tools/commands.h"
#include "tools/data_folder.h"
#include "tools/instance.h"
#include "tools/progress.h"
#include "worker/rocksdb_job_store.h"

namespace mintmark {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 7> projection_names = {
    AuditIndex::projection_name,    AuthorizationIndex::projection_name, Directory::projection_name,
    ExtensionList::projection_name, HandleIndex::projection_name,        TokenList::projection_name,
    WebhookList::projection_name};

// What every rebuild reads.
struct Sources {
  SystemRandom random;
  std::unique_ptr<RocksDbLog> log;
  std::unique_ptr<Vault> vault;
  std::unique_ptr<Peppers> peppers;
  std::unique_ptr<ViewStore> views;
};

Result<void> open(const Config& config, Sources& sources) {
  if (AdminClient::connect(config.admin_socket_path())) {
    return fail(ErrorKind::kUnavailable, "A server runs on this data folder; stop it first.");
  }
  if (auto checked = check_owner(config); !checked) return checked;
  if (auto checked = check_instance(config); !checked) return checked;
  const auto key = read_configured_keys(config);
  if (!key) return std::unexpected(key.error());
  auto log = RocksDbLog::open({config.log_path(), nullptr, {}, {}});
  if (!log) return std::unexpected(log.error());
  sources.log = std::move(*log);
  sources.vault = std::make_unique<Vault>(*sources.log, *key, sources.random);
  auto peppers = sources.vault->load_peppers();
  if (!peppers) return std::unexpected(peppers.error());
  sources.peppers = std::make_unique<Peppers>(*peppers);
  auto views = ViewStore::open(config.views_path(), &sources.log->env());
  if (!views) return std::unexpected(views.error());
  sources.views = std::move(*views);
  return sources.views->bind(sources.log->log_id());
}

RebuildReport rebuild(const Config& config, Sources& sources, std::string_view name) {
  ProgressBar bar{std::string(name)};
  const auto progress = [&](Position done, Position total) { bar.show(done, total); };
  if (name == AuthorizationIndex::projection_name) {
    return rebuild_authorization_index(*sources.log, *sources.peppers, config.index_snapshot_path(),
                                       progress);
  }
  const auto make = [&](View view) -> std::unique_ptr<RowProjection> {
    if (name == AuditIndex::projection_name) return std::make_unique<AuditIndex>(view);
    if (name == Directory::projection_name) return std::make_unique<Directory>(view, *sources.vault);
    if (name == ExtensionList::projection_name) return std::make_unique<ExtensionList>(view);
    if (name == HandleIndex::projection_name) return std::make_unique<HandleIndex>(view);
    if (name == WebhookList::projection_name) return std::make_unique<WebhookList>(view);
    return std::make_unique<TokenList>(view);
  };
  return rebuild_rows(*sources.log, *sources.views, name, make, progress, MINTMARK_VERSION);
}

// What could not be planned, or was planned of events that the log does not have, is planned again, with all
// other jobs, at the next start; whether there is such.
Result<bool> forget_misplanned_jobs(const Config& config, Position head) {
  std::error_code code;
  if (!std::filesystem::exists(config.jobs_path(), code)) return false;
  const SystemClock clock;
  auto jobs = RocksDbJobStore::open(config.jobs_path(), clock);
  if (!jobs) return std::unexpected(jobs.error());
  if ((*jobs)->parked_streams() == 0 && (*jobs)->planned() <= head) return false;
  jobs->reset();
  // Under another name first: cut short, it leaves all of the jobs or none.
  const auto old = config.jobs_path() + ".old";
  std::filesystem::remove_all(old);
  std::filesystem::rename(config.jobs_path(), old);
  std::filesystem::remove_all(old);
  return true;
}

std::string finding(const RebuildReport& report) {
  if (!report.had_old) return "there was no old one";
  if (report.difference.empty()) return "equal to the old one";
  return fmt::format("not equal to the old one: {}", report.difference);
}

json::object finding_as_json(std::string_view name, const RebuildReport& report) {
  return {{"name", name},
          {"events", report.events},
          {"equal", report.had_old && report.difference.empty()},
          {"had_old", report.had_old},
          {"difference", report.difference},
          {"parked_streams", report.parked_streams}};
}

struct RebuildOptions {
  CommonOptions common;
  std::string name;
  bool all = false;
  bool as_json = false;
};

int rebuild_some(const Config& config, const RebuildOptions& options) {
  Sources sources;
  if (const auto opened = open(config, sources); !opened) return report(opened.error());
  int exit_code = kDone;
  json::array projections;
  for (const auto name : projection_names) {
    if (!options.all && name != options.name) continue;
    const auto result = rebuild(config, sources, name);
    projections.push_back(finding_as_json(name, result));
    if (!options.as_json) fmt::print("{:<20} {} events, {}\n", name, result.events, finding(result));
    if (!result.difference.empty()) exit_code = kDamaged;
    if (result.parked_streams > 0) {
      fmt::print(stderr, "mintmark: {} streams of {} are parked; see the lines above.\n",
                 result.parked_streams, name);
      exit_code = kDamaged;
    }
  }
  bool jobs_planned_again = false;
  if (options.all) {
    const auto forgotten = forget_misplanned_jobs(config, sources.log->head());
    if (!forgotten) return report(forgotten.error());
    jobs_planned_again = *forgotten;
  }
  if (options.as_json) {
    fmt::print("{}\n", json::serialize(json::object{{"projections", std::move(projections)},
                                                    {"jobs_planned_again", jobs_planned_again}}));
  } else if (jobs_planned_again) {
    fmt::print("{:<20} planned again at the next start\n", "jobs");
  }
  return exit_code;
}

}  // namespace

void add_rebuild(CLI::App& program, int& exit_code) {
  auto* command = program.add_subcommand("rebuild", "Make projections anew from the log; no server may run");
  auto options = std::make_shared<RebuildOptions>();
  options->common.add_to(*command);
  auto* name =
      command->add_option("projection", options->name, "Which one")
          ->check(CLI::IsMember(std::vector<std::string>(projection_names.begin(), projection_names.end())));
  auto* all = command->add_flag("--all", options->all, "All of them");
  command->add_flag("--json", options->as_json, "Print what was found as one JSON object");
  name->excludes(all);
  command->callback([options, &exit_code] {
    if (!options->all && options->name.empty()) throw CLI::RequiredError("PROJECTION or --all");
    const auto config = options->common.load();
    exit_code = config ? rebuild_some(*config, *options) : report(config.error());
  });
}

}  // namespace mintmark
