#include <filesystem>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "tools/commands.h"

namespace mintmark {

namespace json = boost::json;

void add_backup(CLI::App& program, int& exit_code) {
  auto* command = program.add_subcommand(
      "backup", "Bring a backup up to now, beside a running server too, and check what was written");
  struct Options {
    std::string events;
    std::string vault;
  };
  auto options = std::make_shared<Options>();
  command->add_option("--events", options->events,
                      "The folder of the events' backup: only what is new is added to it");
  command->add_option("--vault", options->vault,
                      "The file of the vault's backup, which is replaced: keep no older ones");
  const auto members = [options](json::object& object) {
    // The server has a working folder of its own.
    const auto add = [&object](const char* name, const std::string& path) {
      if (!path.empty()) object[name] = std::filesystem::absolute(path).lexically_normal().string();
    };
    add("events", options->events);
    add("vault", options->vault);
  };
  const auto print = [](const json::object& result) {
    if (result.contains("head")) {
      fmt::print("{} events, {} of them new in {} segments; root {}\n", json::serialize(result.at("head")),
                 json::serialize(result.at("events")), json::serialize(result.at("segments")),
                 std::string_view(result.at("root").as_string()));
    }
    if (result.contains("vault_keys")) {
      fmt::print("{} keys of the vault\n", json::serialize(result.at("vault_keys")));
    }
  };
  add_admin_callback(*command, exit_code, {"backup", members, print});
}

}  // namespace mintmark
