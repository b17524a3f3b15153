#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>

#include "domain/error.h"
#include "tools/config.h"

namespace mintmark {

// What the program ends with.
enum ExitCode : int {
  kDone = 0,
  kFailed = 1,   // the command could not be done; the reason is on standard error
  kUsage = 2,    // the command line or the configuration is wrong
  kDamaged = 3,  // verify or rebuild found something wrong
};

// The options that every command has: --data, --config and a flag for each setting.
class CommonOptions {
 public:
  void add_to(CLI::App& command);
  // Fails as load_config does.
  Result<Config> load() const;

 private:
  std::string data_ = "data";
  std::string config_file_;
  Flags flags_;
};

// Each adds its subcommand; when that is chosen, `exit_code` gets what it ends with.
void add_init(CLI::App& program, int& exit_code);
void add_serve(CLI::App& program, int& exit_code);
void add_partner(CLI::App& program, int& exit_code);
void add_replay(CLI::App& program, int& exit_code);
void add_rebuild(CLI::App& program, int& exit_code);
void add_verify(CLI::App& program, int& exit_code);
void add_tree_head(CLI::App& program, int& exit_code);
void add_backup(CLI::App& program, int& exit_code);
void add_restore(CLI::App& program, int& exit_code);
void add_keys(CLI::App& program, int& exit_code);
void add_account(CLI::App& program, int& exit_code);
void add_user(CLI::App& program, int& exit_code);
void add_token(CLI::App& program, int& exit_code);
void add_jobs(CLI::App& program, int& exit_code);

// Prints the error's messages on standard error; gives kFailed, or kUsage for kInvalid.
int report(const Error& error);

// Runs an operator's command (api/administration.h): by the server where one runs on the data folder, else on
// the opened folder in this process. Lines go to `line`.
Result<boost::json::object> administer(const Config& config, const boost::json::object& command,
                                       const std::function<void(const std::string&)>& line);

// A subcommand that is one operator's command: `members` makes it out of the options, `print` shows its
// result to people; with --json the result itself is printed.
struct AdminCommand {
  std::string name;  // account.open
  std::function<void(boost::json::object& command)> members;
  std::function<void(const boost::json::object& result)> print;
};
void add_admin_callback(CLI::App& app, int& exit_code, AdminCommand command);

// The same for a subcommand with a callback of its own: what it ends with.
int run_admin_command(const CommonOptions& options, bool as_json, const AdminCommand& command);

}  // namespace mintmark
