#include <fmt/format.h>

#include "tools/commands.h"

namespace mintmark {

void add_replay(CLI::App& program, int& exit_code) {
  auto* command = program.add_subcommand("replay", "Print the log, oldest event first; never a secret");
  struct Options {
    CommonOptions common;
    std::map<std::string, std::string> filters;
    bool as_json = false;
  };
  auto options = std::make_shared<Options>();
  options->common.add_to(*command);
  const auto add_filter = [&](const std::string& name, const std::string& help) {
    command->add_option_function<std::string>(
        "--" + name, [options, name](const std::string& value) { options->filters[name] = value; }, help);
  };
  add_filter("from",
             "The first position, or an ISO 8601 date or date and time (a date is its midnight, UTC)");
  add_filter("to",
             "The last position, or an ISO 8601 date or date and time (a date is all of that day, UTC)");
  add_filter("token", "Only the events of this token (SU-…)");
  add_filter("account", "Only the events of this account (VA-… or PA-…) and what belongs to it");
  add_filter("actor", "Only what this actor did (UR-…, SU-…, zapier, an operator's name)");
  add_filter("type", "Only events of this type (TokenCreated, …)");
  command->add_flag("--json", options->as_json, "Print a JSON object a line");
  command->callback([options, &exit_code] {
    const auto config = options->common.load();
    if (!config) {
      exit_code = report(config.error());
      return;
    }
    boost::json::object request{{"command", "replay"}, {"json", options->as_json}};
    for (const auto& [name, value] : options->filters) request[name] = value;
    const auto result =
        administer(*config, request, [](const std::string& line) { fmt::print("{}\n", line); });
    if (!result) exit_code = report(result.error());
  });
}

}  // namespace mintmark
