#include <fmt/format.h>

#include "tools/commands.h"

namespace mintmark {
namespace {

namespace json = boost::json;

void add_partner_create(CLI::App& group, int& exit_code) {
  auto* command = group.add_subcommand(
      "create", "Make a partner and print its key, which exchanges handles and nothing else");
  auto name = std::make_shared<std::string>();
  command->add_option("--name", *name, "The name of its account and its token")->required();
  add_admin_callback(*command, exit_code,
                     {"partner.create", [name](json::object& request) { request["name"] = *name; },
                      [](const json::object& result) {
                        fmt::print("Token   {}\nKey     {}  (shown this once)\n",
                                   std::string_view(result.at("id").as_string()),
                                   std::string_view(result.at("key").as_string()));
                      }});
}

}  // namespace

void add_partner(CLI::App& program, int& exit_code) {
  auto* group = program.add_subcommand("partner", "Make partners: who may exchange Zapier handles for keys");
  group->require_subcommand(1);
  add_partner_create(*group, exit_code);
}

}  // namespace mintmark
