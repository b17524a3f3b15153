#include <fmt/format.h>

#include "tools/commands.h"

namespace mintmark {
namespace {

namespace json = boost::json;

template <class Object>
std::string_view text(const Object& object, std::string_view member) {
  const auto& value = object.at(member);
  return value.is_string() ? std::string_view(value.as_string()) : "";
}

// Who made it: a person's e-mail address, else the id of a token or an operator's name.
std::string_view creator_of(const json::value& token) {
  const auto& by = token.at("events").at("created").at("by");
  const auto email = text(by, "email");
  return email.empty() ? text(by, "id") : email;
}

void print_token(const json::value& token) {
  fmt::print("{}  {:<8} {:<8} {}  {:<20}  {}\n", text(token, "id"), text(token, "status"),
             text(token.at("extension"), "name"), text(token.at("events").at("created"), "at"),
             creator_of(token), text(token, "name"));
}

void print_new_value(const json::object& token) {
  const bool zapier = token.contains("handle");
  fmt::print("Token   {}\n{}{}\n", text(token, "id"), zapier ? "Handle  " : "Key     ",
             text(token, zapier ? "handle" : "key"));
}

void add_token_create(CLI::App& group, int& exit_code) {
  struct Options {
    std::string account;
    std::string name;
    std::string type = "custom";
    std::map<std::string, std::string> others;
  };
  auto* command = group.add_subcommand("create", "Create a token and print its value");
  auto options = std::make_shared<Options>();
  command->add_option("--account", options->account, "The account (VA-… or PA-…)")->required();
  command->add_option("--name", options->name, "Its label")->required();
  command->add_option("--type", options->type, "custom or zapier")->capture_default_str();
  const auto add_other = [&](const std::string& flag, const std::string& member, const std::string& help) {
    command->add_option_function<std::string>(
        flag, [options, member](const std::string& value) { options->others[member] = value; }, help);
  };
  add_other("--description", "description", "What it is for");
  add_other("--external-id", "external_id", "Its id in another system");
  add_other("--expires", "expiration_date", "When it expires, in ISO 8601 (never)");
  add_admin_callback(*command, exit_code,
                     {"token.create",
                      [options](json::object& request) {
                        request["account"] = options->account;
                        request["name"] = options->name;
                        request["type"] = options->type;
                        for (const auto& [member, value] : options->others) request[member] = value;
                      },
                      print_new_value});
}

void add_token_list(CLI::App& group, int& exit_code) {
  struct Options {
    std::string account;
    std::size_t limit = 100;
    std::size_t offset = 0;
  };
  auto* command = group.add_subcommand("list", "List an account's tokens, newest first");
  auto options = std::make_shared<Options>();
  command->add_option("--account", options->account, "The account (VA-… or PA-…)")->required();
  command->add_option("--limit", options->limit, "At most so many, up to 1000")->capture_default_str();
  command->add_option("--offset", options->offset, "Skip so many")->capture_default_str();
  add_admin_callback(*command, exit_code,
                     {"token.list",
                      [options](json::object& request) {
                        request["account"] = options->account;
                        request["limit"] = options->limit;
                        request["offset"] = options->offset;
                      },
                      [options](const json::object& result) {
                        const auto& tokens = result.at("tokens").as_array();
                        for (const auto& token : tokens) print_token(token);
                        const auto total = result.at("total").to_number<std::size_t>();
                        const auto shown = options->offset + tokens.size();
                        if (tokens.empty() || shown >= total) return;
                        fmt::print(stderr, "{} of {}; --offset {} shows more\n", tokens.size(), total, shown);
                      }});
}

void add_by_id(CLI::App& group, int& exit_code, const std::string& name, const std::string& help,
               std::function<void(const json::object&)> print) {
  auto* command = group.add_subcommand(name, help);
  auto id = std::make_shared<std::string>();
  command->add_option("id", *id, "The token (SU-…)")->required();
  add_admin_callback(
      *command, exit_code,
      {"token." + name, [id](json::object& request) { request["id"] = *id; }, std::move(print)});
}

}  // namespace

void add_token(CLI::App& program, int& exit_code) {
  auto* group = program.add_subcommand("token", "Create, list, show, switch off, rotate and delete tokens");
  group->require_subcommand(1);
  add_token_create(*group, exit_code);
  add_token_list(*group, exit_code);
  add_by_id(*group, exit_code, "show", "Show a token, not its value",
            [](const json::object& token) { print_token(token); });
  const auto print_status = [](const json::object& result) {
    fmt::print("{} is {}.\n", text(result, "id"), text(result, "status"));
  };
  add_by_id(*group, exit_code, "deactivate", "Have a token's key refused until it is activated again",
            print_status);
  add_by_id(*group, exit_code, "activate", "Have a deactivated token's key taken again", print_status);
  add_by_id(*group, exit_code, "rotate", "Print a new value for a token; from then on the old one is refused",
            print_new_value);
  add_by_id(*group, exit_code, "delete", "Delete a token; from then on its key is refused",
            [](const json::object& result) { fmt::print("{} is deleted.\n", text(result, "id")); });
}

}  // namespace mintmark
