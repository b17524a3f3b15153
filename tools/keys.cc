#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "tools/commands.h"

namespace mintmark {

namespace json = boost::json;

void add_keys(CLI::App& program, int& exit_code) {
  auto* group = program.add_subcommand("keys", "The keys that everything stored rests on");
  group->require_subcommand(1);
  auto* rotate = group->add_subcommand(
      "rotate", "Replace the key-encryption key and add a pepper, without a stop; every token stays valid");
  add_admin_callback(*rotate, exit_code,
                     {"keys.rotate", [](json::object&) {},
                      [](const json::object& result) {
                        fmt::print("{} keys wrapped anew; pepper {} is in use\n",
                                   json::serialize(result.at("wrapped_anew")),
                                   json::serialize(result.at("pepper")));
                      }});
}

}  // namespace mintmark
