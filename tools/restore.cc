#include <filesystem>
#include <system_error>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "eventstore/backup.h"
#include "eventstore/files.h"
#include "tools/commands.h"
#include "tools/data_folder.h"
#include "tools/instance.h"
#include "tools/progress.h"

namespace mintmark {
namespace {

namespace json = boost::json;

struct RestoreOptions {
  CommonOptions common;
  std::string events;
  std::string vault;
  bool as_json = false;
};

// That the restored log opens with its keys, holds every pepper, and that all that is wrapped opens too: the
// vault's backup may have been made in mid-rotation, when some of it needs the key before.
Result<void> check_keys(const RocksDbLog::Options& options, const KeyEncryptionKeys& keys) {
  auto log = RocksDbLog::open(options);
  if (!log) return std::unexpected(log.error());
  SystemRandom random;
  Vault vault(**log, keys, random);
  const auto peppers = vault.load_peppers();
  if (!peppers) return std::unexpected(peppers.error());
  return vault.check_all(keys);
}

Result<json::object> restore(const Config& config, const RestoreOptions& options) {
  if (auto checked = check_owner(config); !checked) return std::unexpected(checked.error());
  if (instance_exists(config)) {
    return fail(ErrorKind::kConflict,
                fmt::format("{} holds an instance; nothing is restored over it.", config.data));
  }
  const auto keys = read_configured_keys(config);
  if (!keys) return std::unexpected(keys.error());
  if (auto removed = remove_unfinished_log(config); !removed) return std::unexpected(removed.error());
  auto code = make_folders(config.data);
  if (!code) {
    std::filesystem::permissions(config.data, std::filesystem::perms::owner_all, code);
  }
  if (code) {
    return fail(ErrorKind::kUnavailable, fmt::format("{} cannot be made: {}.", config.data, code.message()));
  }
  // Under another name until its keys open too.
  const RocksDbLog::Options log{unfinished_log_path(config), nullptr, {}, {}};
  ProgressBar bar("restoring");
  const auto restored = restore_log(log, options.events, options.vault,
                                    [&](Position done, Position total) { bar.show(done, total); });
  auto checked = restored ? check_keys(log, *keys) : Result<void>(std::unexpected(restored.error()));
  if (!checked) {
    std::filesystem::remove_all(log.path, code);
    return std::unexpected(checked.error());
  }
  if (auto named = name_finished_log(config); !named) return std::unexpected(named.error());
  return json::object{{"head", restored->head}, {"root", hex(restored->root)}};
}

}  // namespace

void add_restore(CLI::App& program, int& exit_code) {
  auto* command =
      program.add_subcommand("restore", "Make a data folder out of a backup, which is checked as a whole");
  auto options = std::make_shared<RestoreOptions>();
  options->common.add_to(*command);
  command->add_option("--events", options->events, "The folder of the events' backup")->required();
  command->add_option("--vault", options->vault, "The file of the vault's backup")->required();
  command->add_flag("--json", options->as_json, "Print the result as one JSON object");
  command->callback([options, &exit_code] {
    const auto config = options->common.load();
    if (!config) {
      exit_code = report(config.error());
      return;
    }
    const auto result = restore(*config, *options);
    if (!result) {
      exit_code = report(result.error());
    } else if (options->as_json) {
      fmt::print("{}\n", json::serialize(*result));
    } else {
      fmt::print("{} events restored; root {}\n", json::serialize(result->at("head")),
                 std::string_view(result->at("root").as_string()));
    }
  });
}

}  // namespace mintmark
