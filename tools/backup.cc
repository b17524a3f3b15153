#include "eventstore/backup.h"

#include <filesystem>
#include <memory>
#include <string>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "tools/commands.h"

namespace mintmark {
namespace {

namespace json = boost::json;

struct BackupOptions {
  CommonOptions common;
  std::string events;
  std::string vault;
  bool check = false;
  bool as_json = false;

  // The members of the operator's command. The server has a working folder of its own.
  void add_members(json::object& object) const {
    const auto add = [&object](const char* name, const std::string& path) {
      if (!path.empty()) object[name] = std::filesystem::absolute(path).lexically_normal().string();
    };
    add("events", events);
    add("vault", vault);
  }
};

void print_vault_keys(const json::object& result) {
  if (result.contains("vault_keys")) {
    fmt::print("{} keys of the vault\n", json::serialize(result.at("vault_keys")));
  }
}

void print_backup(const json::object& result) {
  if (result.contains("head")) {
    fmt::print("{} events, {} of them new in {} segments; root {}\n", json::serialize(result.at("head")),
               json::serialize(result.at("events")), json::serialize(result.at("segments")),
               std::string_view(result.at("root").as_string()));
  }
  print_vault_keys(result);
}

Result<json::object> read_through(const BackupOptions& options) {
  const auto contents = check_backup(options.events);
  if (!contents) return std::unexpected(contents.error());
  json::object result{{"problem", ""}, {"head", contents->tree.size()}, {"root", hex(contents->tree.root())}};
  if (!options.vault.empty()) {
    const auto keys = check_vault_backup(options.vault, contents->log_id);
    if (!keys) return std::unexpected(keys.error());
    result["vault_keys"] = *keys;
  }
  return result;
}

// Needs neither the instance nor its keys.
int run_check(const BackupOptions& options) {
  if (options.events.empty()) return report({ErrorKind::kInvalid, {"--check reads the backup in --events."}});
  const auto result = read_through(options);
  if (!result) {
    if (options.as_json) {
      fmt::print("{}\n", json::serialize(json::object{{"problem", result.error().messages.front()}}));
    } else {
      report(result.error());
    }
    return kDamaged;
  }
  if (options.as_json) {
    fmt::print("{}\n", json::serialize(*result));
    return kDone;
  }
  fmt::print("{} events, none missing or changed; root {}\n", json::serialize(result->at("head")),
             std::string_view(result->at("root").as_string()));
  print_vault_keys(*result);
  return kDone;
}

}  // namespace

void add_backup(CLI::App& program, int& exit_code) {
  auto* command = program.add_subcommand(
      "backup", "Bring a backup up to now, beside a running server too, and check what was written");
  auto options = std::make_shared<BackupOptions>();
  options->common.add_to(*command);
  command->add_option("--events", options->events,
                      "The folder of the events' backup: only what is new is added to it");
  command->add_option("--vault", options->vault,
                      "The file of the vault's backup, which is replaced: keep no older ones");
  command->add_flag("--check", options->check,
                    "Write nothing: read the whole backup and check it, on whatever machine it is");
  command->add_flag("--json", options->as_json, "Print the result as one JSON object");
  command->callback([options, &exit_code] {
    const auto members = [options](json::object& object) { options->add_members(object); };
    exit_code = options->check
                    ? run_check(*options)
                    : run_admin_command(options->common, options->as_json, {"backup", members, print_backup});
  });
}

}  // namespace mintmark
