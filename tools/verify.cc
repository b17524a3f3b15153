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

// The tree heads of a log that no server has open; none where none was ever signed. kInvalid where they are
// not what its key has signed.
Result<std::vector<TreeHead>> stopped_tree_heads(const Config& config, const EventId& log_id,
                                                 const std::string& further) {
  const auto key_path = config.tree_head_key_path();
  const auto heads_path = config.tree_heads_path();
  std::error_code code;
  if (!std::filesystem::exists(key_path, code)) {
    if (further.empty() && !std::filesystem::exists(heads_path, code)) return {};
    return fail(ErrorKind::kInvalid,
                fmt::format("there are tree heads in {}, but their signing key {} is missing",
                            further.empty() ? heads_path : further, key_path));
  }
  const auto seed = read_key_file(key_path);
  if (!seed) return std::unexpected(seed.error());
  const NoteSigner signer(tree_head_origin(log_id), seed->current);
  return read_tree_heads(signer.verifier(), heads_path, further);
}

Result<VerifyReport> verify_stopped(const Config& config, const std::string& further) {
  const RocksDbLog::Options log{config.log_path(), nullptr, {}, {}};
  VerifyOptions options;
  // Where the id cannot be read, either the log cannot be opened at all, or it is damaged: what follows
  // tells.
  const auto id = RocksDbLog::log_id_of_stopped(log);
  auto heads = id ? stopped_tree_heads(config, *id, further) : std::unexpected(id.error());
  if (heads) {
    options.tree_heads = std::move(*heads);
  } else if (id && heads.error().kind != ErrorKind::kInvalid) {
    return std::unexpected(heads.error());
  }
  ProgressBar bar("verifying");
  auto report =
      RocksDbLog::verify_stopped(log, [&](Position done, Position total) { bar.show(done, total); }, options);
  if (!report || !report->problem.empty() || heads) return report;
  if (!id) return std::unexpected(id.error());
  report->problem = heads.error().messages.front();
  return report;
}

Result<json::object> verify(const Config& config, const std::string& further) {
  if (const auto client = AdminClient::connect(config.admin_socket_path())) {
    json::object command{{"command", "verify"}};
    if (!further.empty()) command["tree_heads"] = std::filesystem::absolute(further).string();
    return client->run(command, [](const std::string&) {});
  }
  const auto report = verify_stopped(config, further);
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
      fmt::print(stderr, "mintmark: the log is damaged: {}{}\n", problem, problem.ends_with('.') ? "" : ".");
    }
    if (!problem.empty()) exit_code = kDamaged;
  });
}

}  // namespace mintmark
