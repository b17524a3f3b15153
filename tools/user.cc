#include <optional>

#include <fmt/format.h>

#include "tools/commands.h"

namespace mintmark {
namespace {

namespace json = boost::json;

void print_password(const json::object& result) {
  fmt::print("E-mail    {}\nPassword  {}  (shown this once)\n",
             std::string_view(result.at("email").as_string()),
             std::string_view(result.at("password").as_string()));
}

void add_add(CLI::App& group, int& exit_code) {
  struct Options {
    std::string account;
    std::string email;
    std::string name;
    std::optional<std::string> role;
  };
  auto* command = group.add_subcommand("add", "Add a user with a generated password");
  auto options = std::make_shared<Options>();
  command->add_option("--account", options->account, "The account (VA-… or PA-…)")->required();
  command->add_option("--email", options->email, "The e-mail address that the user signs in with")
      ->required();
  command->add_option("--name", options->name, "The user's name (the address's local part)");
  command->add_option("--role", options->role,
                      "owner, member or auditor (member; owner while the account has none)");
  add_admin_callback(*command, exit_code,
                     {"user.add",
                      [options](json::object& request) {
                        request["account"] = options->account;
                        request["email"] = options->email;
                        if (!options->name.empty()) request["name"] = options->name;
                        if (options->role) request["role"] = *options->role;
                      },
                      print_password});
}

void add_user_list(CLI::App& group, int& exit_code) {
  auto* command = group.add_subcommand("list", "List an account's users");
  auto account = std::make_shared<std::string>();
  command->add_option("--account", *account, "The account (VA-… or PA-…)")->required();
  add_admin_callback(*command, exit_code,
                     {"user.list", [account](json::object& request) { request["account"] = *account; },
                      [](const json::object& result) {
                        for (const auto& user : result.at("users").as_array()) {
                          fmt::print("{}  {:<8} {}\n", std::string_view(user.at("id").as_string()),
                                     std::string_view(user.at("role").as_string()),
                                     std::string_view(user.at("email").as_string()));
                        }
                      }});
}

void add_password(CLI::App& group, int& exit_code) {
  auto* command = group.add_subcommand("password", "Give a user a new, generated password");
  auto email = std::make_shared<std::string>();
  command->add_option("--email", *email, "The user's e-mail address")->required();
  add_admin_callback(
      *command, exit_code,
      {"user.password", [email](json::object& request) { request["email"] = *email; }, print_password});
}

void add_role(CLI::App& group, int& exit_code) {
  struct Options {
    std::string email;
    std::string role;
  };
  auto* command = group.add_subcommand("role", "Give a user another role");
  auto options = std::make_shared<Options>();
  command->add_option("--email", options->email, "The user's e-mail address")->required();
  command->add_option("--role", options->role, "owner, member or auditor")->required();
  add_admin_callback(*command, exit_code,
                     {"user.role",
                      [options](json::object& request) {
                        request["email"] = options->email;
                        request["role"] = options->role;
                      },
                      [](const json::object& result) {
                        fmt::print("{} is {} now.\n", std::string_view(result.at("user").as_string()),
                                   std::string_view(result.at("role").as_string()));
                      }});
}

void add_switch(CLI::App& group, int& exit_code, const std::string& name, const std::string& help) {
  auto* command = group.add_subcommand(name, help);
  auto email = std::make_shared<std::string>();
  command->add_option("--email", *email, "The user's e-mail address")->required();
  add_admin_callback(*command, exit_code,
                     {"user." + name, [email](json::object& request) { request["email"] = *email; },
                      [](const json::object& result) {
                        fmt::print("{} is {}.\n", std::string_view(result.at("user").as_string()),
                                   std::string_view(result.at("status").as_string()));
                      }});
}

}  // namespace

void add_user(CLI::App& program, int& exit_code) {
  auto* group = program.add_subcommand("user", "Add, list and change users");
  group->require_subcommand(1);
  add_add(*group, exit_code);
  add_user_list(*group, exit_code);
  add_password(*group, exit_code);
  add_role(*group, exit_code);
  add_switch(*group, exit_code, "deactivate", "End a user's sessions and let them sign in no more");
  add_switch(*group, exit_code, "activate", "Let a deactivated user sign in again");
}

}  // namespace mintmark
