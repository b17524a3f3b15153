#include <boost/json/serialize.hpp>
#include <fmt/format.h>

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
  bool as_json = false;
};

// The folder, the first account and its first user. What an earlier, interrupted call has made is kept.
Result<json::object> initialise(const Config& config, const InitOptions& options) {
  const auto ignore_lines = [](const std::string&) {};
  if (!instance_exists(config)) {
    if (auto created = Instance::create(config); !created) return std::unexpected(created.error());
  }
  auto listed = administer(config, {{"command", "account.list"}}, ignore_lines);
  if (!listed) return listed;
  const auto& accounts = listed->at("accounts").as_array();
  json::string account;
  if (accounts.empty()) {
    auto opened = administer(
        config, {{"command", "account.open"}, {"name", options.account_name}, {"type", options.account_type}},
        ignore_lines);
    if (!opened) return opened;
    account = opened->at("account").as_string();
  } else {
    account = accounts.front().at("id").as_string();
    auto users = administer(config, {{"command", "user.list"}, {"account", account}}, ignore_lines);
    if (!users) return users;
    if (!users->at("users").as_array().empty()) {
      return fail(ErrorKind::kConflict, fmt::format("{} holds an instance already.", config.data));
    }
  }
  auto added = administer(
      config, {{"command", "user.add"}, {"account", account}, {"email", options.email}, {"role", "owner"}},
      ignore_lines);
  if (!added) return added;
  return json::object{{"account", account},
                      {"user", added->at("user")},
                      {"email", added->at("email")},
                      {"password", added->at("password")}};
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
  command->add_flag("--json", options->as_json, "Print the result as one JSON object");
  command->callback([options, &exit_code] {
    const auto config = options->common.load();
    if (!config) {
      exit_code = report(config.error());
      return;
    }
    const auto result = initialise(*config, *options);
    if (!result) {
      exit_code = report(result.error());
    } else if (options->as_json) {
      fmt::print("{}\n", json::serialize(*result));
    } else {
      const auto member = [&](const char* name) { return std::string_view(result->at(name).as_string()); };
      fmt::print("Account   {}\nUser      {}\nE-mail    {}\nPassword  {}  (shown this once)\n",
                 member("account"), member("user"), member("email"), member("password"));
    }
  });
}

}  // namespace mintmark
