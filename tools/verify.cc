#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "api/admin_socket.h"
#include "eventstore/files.h"
#include "eventstore/rocksdb_log.h"
#include "eventstore/tree_head_journal.h"
#include "eventstore/vault.h"
#include "tools/commands.h"
#include "tools/progress.h"

namespace mintmark {
namespace {

namespace json = boost::json;

// What the log is to be held to.
struct Demands {
  std::string tree_heads;  // a further file of them
  std::optional<NoteVerifier> public_key;
  bool is_restored = false;
};

// Reads the tree heads of a log that no server has open; none where none was ever signed. The key that signs
// is needed only where its public half is not given.
Result<TreeHeadReader::Findings> read_stopped_tree_heads(const Config& config, const EventId& log_id,
                                                         const Demands& demands,
                                                         const TreeHeadVisitor& visit) {
  const auto key_path = config.tree_head_key_path();
  const auto heads_path = config.tree_heads_path();
  const auto& further = demands.tree_heads;
  if (demands.public_key) {
    if (auto fits = check_tree_head_key(*demands.public_key, log_id); !fits)
      return std::unexpected(fits.error());
    TreeHeadReader own(heads_path, *demands.public_key);
    return read_tree_heads(own, further, visit);
  }
  if (is_absent(key_path)) {
    if (further.empty() && is_absent(heads_path)) return {};
    return TreeHeadReader::Findings{
        .problem = fmt::format("there are tree heads in {}, but their signing key {} is "
                               "missing, and no --public-key was given",
                               further.empty() ? heads_path : further, key_path),
        .kind = ErrorKind::kInvalid,
        .note = ""};
  }
  const auto seed = read_key_file(key_path);
  if (!seed) return std::unexpected(seed.error());
  const NoteSigner signer(tree_head_origin(log_id), seed->current);
  TreeHeadReader own(heads_path, signer.verifier());
  return read_tree_heads(own, further, visit);
}

// Looks at the keys of a vault with the key file that there is. Auditors have none, and need none; and that
// all are closed under it tells of the file, not of the vault.
class VaultCheck {
 public:
  explicit VaultCheck(const std::string& key_path) {
    if (const auto read = read_key_file(key_path)) keys_ = *read;
  }

  std::string problem(const VaultRow& row) {
    auto malformed = Vault::row_problem(row, std::nullopt);
    if (!malformed.empty()) return malformed;
    auto closed = Vault::row_problem(row, keys_);
    if (closed.empty()) has_opened_ = true;
    if (first_closed_.empty()) first_closed_ = std::move(closed);
    return has_opened_ ? first_closed_ : "";
  }
  std::string note() const {
    return !first_closed_.empty() && !has_opened_ ? "the key file is not that of its vault" : "";
  }

 private:
  std::optional<KeyEncryptionKeys> keys_;
  bool has_opened_ = false;
  std::string first_closed_;
};

Result<VerifyReport> verify_stopped(const Config& config, const Demands& demands) {
  const RocksDbLog::Options log{config.log_path(), nullptr, {}, {}};
  VerifyOptions options;
  options.is_restored = demands.is_restored;
  VaultCheck vault(config.key_path());
  options.vault_problem = [&vault](const VaultRow& row) { return vault.problem(row); };
  // Where the id cannot be read, either the log cannot be opened at all, or it is damaged: what follows
  // tells.
  const auto id = RocksDbLog::log_id_of_stopped(log);
  Result<TreeHeadReader::Findings> heads;
  if (id) {
    options.tree_heads = [&](const TreeHeadVisitor& visit) {
      heads = read_stopped_tree_heads(config, *id, demands, visit);
      return heads.has_value();
    };
  }
  ProgressBar bar("verifying");
  auto report =
      RocksDbLog::verify_stopped(log, [&](Position done, Position total) { bar.show(done, total); }, options);
  if (!report || !report->problem.empty()) return report;
  if (!id) return std::unexpected(id.error());
  if (!heads) return std::unexpected(heads.error());
  report->problem = std::move(heads->problem);
  if (report->note.empty()) report->note = std::move(heads->note);
  if (report->note.empty()) report->note = vault.note();
  return report;
}

Result<json::object> verify_by_server(AdminClient& client, const Demands& demands) {
  json::object command{{"command", "verify"}, {"restored", demands.is_restored}};
  if (!demands.tree_heads.empty())
    command["tree_heads"] = std::filesystem::absolute(demands.tree_heads).string();
  if (demands.public_key) command["public_key"] = demands.public_key->text();
  ProgressBar bar("verifying");
  return client.run(command, [&bar](const std::string& line) {
    Position percent = 0;
    const auto [end, code] = std::from_chars(line.data(), line.data() + line.size(), percent);
    if (code == std::errc()) bar.show(std::min<Position>(percent, 100), 100);
  });
}

Result<json::object> verify(const Config& config, const Demands& demands) {
  if (const auto client = AdminClient::connect(config.admin_socket_path()))
    return verify_by_server(*client, demands);
  const auto report = verify_stopped(config, demands);
  if (!report) return std::unexpected(report.error());
  return represent_report(*report);
}

void print_verified(const json::object& result) {
  fmt::print("{} events, none missing or changed; root {}; held to {} tree heads\n",
             json::serialize(result.at("head")), std::string_view(result.at("root").as_string()),
             json::serialize(result.at("tree_heads")));
  if (const auto lost = result.at("signed_and_lost").to_number<Position>(); lost > 0)
    fmt::print("{} events behind them were signed, and are lost\n", lost);
  if (const std::string_view note = result.at("note").as_string(); !note.empty())
    fmt::print("note: {}\n", note);
}

struct VerifyCommand {
  CommonOptions common;
  std::string tree_heads;
  std::string public_key;
  bool restored = false;
  bool as_json = false;
};

Result<json::object> run_verify(const VerifyCommand& options) {
  Demands demands{.tree_heads = options.tree_heads, .public_key = {}, .is_restored = options.restored};
  if (!options.public_key.empty()) {
    demands.public_key = NoteVerifier::parse(options.public_key);
    if (!demands.public_key) {
      return fail(ErrorKind::kInvalid,
                  "The public key is not what `mintmark tree-head key` prints: NAME+KEYID+BASE64.");
    }
  }
  const auto config = options.common.load();
  if (!config) return std::unexpected(config.error());
  return verify(*config, demands);
}

}  // namespace

void add_verify(CLI::App& program, int& exit_code) {
  auto* command = program.add_subcommand(
      "verify", "Check the log: every checksum, gap and root, the anchor and the signed tree heads");
  auto options = std::make_shared<VerifyCommand>();
  options->common.add_to(*command);
  command->add_option("--tree-heads", options->tree_heads,
                      "A further file of signed tree heads, kept elsewhere, to check the log against");
  command->add_option(
      "--public-key", options->public_key,
      "Check tree heads with this key, as `tree-head key` prints it, not with the signing key");
  command->add_flag("--restored", options->restored,
                    "The log was restored: count what was signed behind its end, and allow it");
  command->add_flag("--json", options->as_json, "Print the result as one JSON object");
  command->callback([options, &exit_code] {
    const auto result = run_verify(*options);
    if (!result) {
      exit_code = report(result.error());
      return;
    }
    const std::string_view problem = result->at("problem").as_string();
    if (options->as_json) {
      fmt::print("{}\n", json::serialize(*result));
    } else if (problem.empty()) {
      print_verified(*result);
    } else {
      fmt::print(stderr, "mintmark: the log is damaged: {}{}\n", problem, problem.ends_with('.') ? "" : ".");
    }
    if (!problem.empty()) exit_code = kDamaged;
  });
}

}  // namespace mintmark
