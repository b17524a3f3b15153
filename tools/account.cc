#include <fmt/format.h>

#include "tools/commands.h"

namespace mintmark {
namespace {

namespace json = boost::json;

void add_open(CLI::App& group, int& exit_code) {
  struct Options {
    std::string name;
    std::string type = "vendor";
  };
  auto* command = group.add_subcommand("open", "Open an account");
  auto options = std::make_shared<Options>();
  command->add_option("--name", options->name, "Its name")->required();
  command->add_option("--type", options->type, "vendor or provider")->capture_default_str();
  add_admin_callback(*command, exit_code,
                     {"account.open",
                      [options](json::object& request) {
                        request["name"] = options->name;
                        request["type"] = options->type;
                      },
                      [](const json::object& result) {
                        fmt::print("{}\n", std::string_view(result.at("account").as_string()));
                      }});
}

void add_account_list(CLI::App& group, int& exit_code) {
  auto* command = group.add_subcommand("list", "List the accounts");
  add_admin_callback(*command, exit_code,
                     {"account.list", [](json::object&) {},
                      [](const json::object& result) {
                        for (const auto& account : result.at("accounts").as_array()) {
                          fmt::print("{}  {}\n", std::string_view(account.at("id").as_string()),
                                     std::string_view(account.at("name").as_string()));
                        }
                      }});
}

void add_rename(CLI::App& group, int& exit_code) {
  struct Options {
    std::string account;
    std::string name;
  };
  auto* command = group.add_subcommand("rename", "Give an account another name");
  auto options = std::make_shared<Options>();
  command->add_option("--account", options->account, "The account (VA-… or PA-…)")->required();
  command->add_option("--name", options->name, "Its new name")->required();
  add_admin_callback(*command, exit_code,
                     {"account.rename",
                      [options](json::object& request) {
                        request["account"] = options->account;
                        request["name"] = options->name;
                      },
                      [](const json::object& result) {
                        fmt::print("{} is {} now.\n", std::string_view(result.at("account").as_string()),
                                   std::string_view(result.at("name").as_string()));
                      }});
}

}  // namespace

void add_account(CLI::App& program, int& exit_code) {
  auto* group = program.add_subcommand("account", "Open, list and rename accounts");
  group->require_subcommand(1);
  add_open(*group, exit_code);
  add_account_list(*group, exit_code);
  add_rename(*group, exit_code);
}

}  // namespace mintmark
