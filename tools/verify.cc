#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "api/admin_socket.h"
#include "eventstore/rocksdb_log.h"
#include "eventstore/tree_head_journal.h"
#include "tools/commands.h"
#include "tools/progress.h"

namespace mintmark {
namespace {

namespace json = boost::json;

// The tree heads of a log that no server has open; none where none was ever signed.
Result<std::vector<TreeHead>> stopped_tree_heads(const Config& config, const RocksDbLog::Options& log,
                                                 const std::string& further) {
  std::error_code code;
  if (!std::filesystem::exists(config.tree_head_key_path(), code) && further.empty() &&
      !std::filesystem::exists(config.tree_heads_path(), code)) {
    return {};
  }
  const auto id = RocksDbLog::log_id_of_stopped(log);
  if (!id) return std::unexpected(id.error());
  const auto seed = read_key_file(config.tree_head_key_path());
  if (!seed) return std::unexpected(seed.error());
  const NoteSigner signer(tree_head_origin(*id), seed->current);
  return read_tree_heads(signer.verifier(), config.tree_heads_path(), further);
}

Result<json::object> verify(const Config& config, const std::string& further) {
  if (const auto client = AdminClient::connect(config.admin_socket_path())) {
    json::object command{{"command", "verify"}};
    if (!further.empty()) command["tree_heads"] = std::filesystem::absolute(further).string();
    return client->run(command, [](const std::string&) {});
  }
  const RocksDbLog::Options log{config.log_path(), nullptr, {}, {}};
  auto heads = stopped_tree_heads(config, log, further);
  if (!heads) return std::unexpected(heads.error());
  VerifyOptions options;
  options.tree_heads = std::move(*heads);
  ProgressBar bar("verifying");
  const auto report =
      RocksDbLog::verify_stopped(log, [&](Position done, Position total) { bar.show(done, total); }, options);
  if (!report) return std::unexpected(report.error());
  return json::object{{"head", report->head}, {"root", hex(report->root)}, {"problem", report->problem}};
}

}  // namespace

void add_verify(CLI::App& program, int& exit_code) {
  auto* command = program.add_subcommand(
      "verify", "Check the log: every checksum, gap and root, the anchor and the signed tree heads");
  struct Options {
    CommonOptions common;
    std::string tree_heads;
    bool as_json = false;
  };
  auto options = std::make_shared<Options>();
  options->common.add_to(*command);
  command->add_option("--tree-heads", options->tree_heads,
                      "A further file of signed tree heads, kept elsewhere, to check the log against");
  command->add_flag("--json", options->as_json, "Print the result as one JSON object");
  command->callback([options, &exit_code] {
    const auto config = options->common.load();
    if (!config) {
      exit_code = report(config.error());
      return;
    }
    const auto result = verify(*config, options->tree_heads);
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
