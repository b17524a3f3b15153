#include <optional>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "api/admin_socket.h"
#include "tools/commands.h"
#include "tools/instance.h"

namespace mintmark {
namespace {

namespace json = boost::json;

struct InitOptions {
  CommonOptions common;
  std::string account_name = "My company";
  std::string account_type = "vendor";
  std::string email;
  bool if_needed = false;
  bool as_json = false;
};

Result<json::object> ask(const Config& config, const json::object& command) {
  return administer(config, command, [](const std::string&) {});
}

// Whether somebody can sign in, so that nothing is left to make.
Result<bool> has_users(const Config& config, const json::array& accounts) {
  for (const auto& account : accounts) {
    const auto users = ask(config, {{"command", "user.list"}, {"account", account.at("id")}});
    if (!users) return std::unexpected(users.error());
    if (!users->at("users").as_array().empty()) return true;
  }
  return false;
}

// The folder, the first account and its first user. What an earlier, interrupted call has made is kept.
// Nothing where the folder is complete already.
Result<std::optional<json::object>> initialise(const Config& config, const InitOptions& options) {
  if (auto checked = AdminSocket::check_path(config.admin_socket_path()); !checked) {
    return std::unexpected(checked.error());
  }
  if (!instance_exists(config)) {
    if (auto created = Instance::create(config); !created) return std::unexpected(created.error());
  }
  const auto listed = ask(config, {{"command", "account.list"}});
  if (!listed) return std::unexpected(listed.error());
  const auto& accounts = listed->at("accounts").as_array();
  const auto complete = has_users(config, accounts);
  if (!complete) return std::unexpected(complete.error());
  if (*complete) return std::nullopt;
  json::string account;
  if (accounts.empty()) {
    const auto opened =
        ask(config,
            {{"command", "account.open"}, {"name", options.account_name}, {"type", options.account_type}});
    if (!opened) return std::unexpected(opened.error());
    account = opened->at("account").as_string();
  } else {
    account = accounts.front().at("id").as_string();
  }
  const auto added = ask(
      config, {{"command", "user.add"}, {"account", account}, {"email", options.email}, {"role", "owner"}});
  if (!added) return std::unexpected(added.error());
  return json::object{{"account", account},
                      {"user", added->at("user")},
                      {"email", added->at("email")},
                      {"password", added->at("password")}};
}

int init(const Config& config, const InitOptions& options) {
  const auto made = initialise(config, options);
  if (!made) return report(made.error());
  if (!*made) {
    if (options.if_needed) return kDone;
    return report({ErrorKind::kConflict, {fmt::format("{} holds an instance already.", config.data)}});
  }
  if (options.as_json) {
    fmt::print("{}\n", json::serialize(**made));
  } else {
    const auto member = [&](const char* name) { return std::string_view((*made)->at(name).as_string()); };
    fmt::print("Account   {}\nUser      {}\nE-mail    {}\nPassword  {}  (shown this once)\n",
               member("account"), member("user"), member("email"), member("password"));
  }
  return kDone;
}

}  // namespace

void add_init(CLI::App& program, int& exit_code) {
  auto* command =
      program.add_subcommand("init", "Make a data folder with a first account and its first user");
  auto options = std::make_shared<InitOptions>();
  options->common.add_to(*command);
  command->add_option("--account-name", options->account_name, "The first account's name")
      ->capture_default_str();
  command->add_option("--account-type", options->account_type, "vendor or provider")->capture_default_str();
  command->add_option("--email", options->email, "The first user's e-mail address")->required();
  command->add_flag("--if-needed", options->if_needed,
                    "Do nothing, and print nothing, where the folder holds an instance with a user already");
  command->add_flag("--json", options->as_json, "Print the result as one JSON object");
  command->callback([options, &exit_code] {
    const auto config = options->common.load();
    exit_code = config ? init(*config, *options) : report(config.error());
  });
}

}  // namespace mintmark
