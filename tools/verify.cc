#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "api/admin_socket.h"
#include "eventstore/rocksdb_log.h"
#include "tools/commands.h"
#include "tools/progress.h"

namespace mintmark {
namespace {

namespace json = boost::json;

Result<json::object> verify(const Config& config) {
  if (const auto client = AdminClient::connect(config.admin_socket_path())) {
    return client->run({{"command", "verify"}}, [](const std::string&) {});
  }
  ProgressBar bar("verifying");
  const auto report = RocksDbLog::verify_stopped(
      {config.log_path(), nullptr, {}, {}}, [&](Position done, Position total) { bar.show(done, total); });
  if (!report) return std::unexpected(report.error());
  return json::object{{"head", report->head}, {"root", hex(report->root)}, {"problem", report->problem}};
}

}  // namespace

void add_verify(CLI::App& program, int& exit_code) {
  auto* command =
      program.add_subcommand("verify", "Check the log: every checksum, gap and root, and the anchor");
  struct Options {
    CommonOptions common;
    bool as_json = false;
  };
  auto options = std::make_shared<Options>();
  options->common.add_to(*command);
  command->add_flag("--json", options->as_json, "Print the result as one JSON object");
  command->callback([options, &exit_code] {
    const auto config = options->common.load();
    if (!config) {
      exit_code = report(config.error());
      return;
    }
    const auto result = verify(*config);
    if (!result) {
      exit_code = report(result.error());
      return;
    }
    const std::string_view problem = result->at("problem").as_string();
    if (options->as_json) {
      fmt::print("{}\n", json::serialize(*result));
    } else if (problem.empty()) {
      fmt::print("{} events, none missing or changed; root {}\n", json::serialize(result->at("head")),
                 std::string_view(result->at("root").as_string()));
    } else {
      fmt::print(stderr, "mintmark: the log is damaged: {}.\n", problem);
    }
    if (!problem.empty()) exit_code = kDamaged;
  });
}

}  // namespace mintmark
