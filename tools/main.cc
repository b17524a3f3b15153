#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "tools/commands.h"
#include "tools/process.h"

namespace {

constexpr auto version = "mintmark " MINTMARK_VERSION;

void add_version(CLI::App& program) {
  program.set_version_flag("--version", version, "Print the version and exit");
  auto* command = program.add_subcommand("version", "Print the version");
  auto as_json = std::make_shared<bool>(false);
  command->add_flag("--json", *as_json, "Print it as one JSON object");
  command->callback([as_json] {
    if (*as_json) {
      fmt::print("{}\n", boost::json::serialize(boost::json::object{{"version", MINTMARK_VERSION}}));
    } else {
      fmt::print("{}\n", version);
    }
  });
}

// What is lost on its way out must not look done: it may be a password that is shown once.
int ended(int exit_code) {
  if (mintmark::flush_standard_output()) return exit_code;
  fmt::print(stderr, "mintmark: what was to be printed could not be: {}\n", std::strerror(errno));
  return exit_code == mintmark::kDone ? mintmark::kFailed : exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace mintmark;
  if (!open_standard_streams()) return kFailed;
  forbid_core_dumps();
  // Standard output is for what a command prints.
  spdlog::set_default_logger(spdlog::stderr_color_mt("mintmark"));
  CLI::App program("Mintmark issues, checks, revokes and accounts for API tokens.", "mintmark");
  program.require_subcommand(1);
  program.footer(
      "Settings also come from DIR/mintmark.toml and from variables: --log-level is log_level in the file "
      "and "
      "MINTMARK_LOG_LEVEL in the environment. Flags win over variables, variables over the file.\n\n"
      "Exit codes: 0 done, 1 failed, 2 wrong command line or configuration, 3 damage found.");
  int exit_code = kDone;
  add_init(program, exit_code);
  add_serve(program, exit_code);
  add_account(program, exit_code);
  add_user(program, exit_code);
  add_token(program, exit_code);
  add_partner(program, exit_code);
  add_jobs(program, exit_code);
  add_replay(program, exit_code);
  add_rebuild(program, exit_code);
  add_verify(program, exit_code);
  add_tree_head(program, exit_code);
  add_keys(program, exit_code);
  add_backup(program, exit_code);
  add_restore(program, exit_code);
  add_version(program);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = program.exit(error) == 0 ? kDone : kUsage;
  } catch (const std::exception& error) {
    fmt::print(stderr, "mintmark: {}\n", error.what());
    exit_code = kFailed;
  }
  return ended(exit_code);
}
