#include <fmt/format.h>

#include "tools/commands.h"

namespace mintmark {

namespace json = boost::json;

void add_tree_head(CLI::App& program, int& exit_code) {
  auto* group = program.add_subcommand(
      "tree-head", "Sign what the log holds now, so that a copy kept elsewhere proves it later");
  group->require_subcommand(1);
  auto* sign = group->add_subcommand(
      "sign", "Sign a tree head (C2SP tlog-checkpoint), append it to the tree heads' file and print it");
  add_admin_callback(*sign, exit_code,
                     {"tree_head.sign", [](json::object&) {},
                      [](const json::object& result) {
                        fmt::print("{}", std::string_view(result.at("note").as_string()));
                      }});
  auto* key = group->add_subcommand("key", "Print the public key that tree heads are signed with");
  add_admin_callback(*key, exit_code,
                     {"tree_head.key", [](json::object&) {},
                      [](const json::object& result) {
                        fmt::print("{}\n", std::string_view(result.at("public_key").as_string()));
                      }});
}

}  // namespace mintmark
