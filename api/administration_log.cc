#include <atomic>
#include <chrono>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "api/administration_commands.h"
#include "api/json.h"
#include "api/replay.h"
#include "eventstore/backup.h"

namespace mintmark {

boost::json::object represent_report(const VerifyReport& report) {
  return {{"head", report.head},
          {"root", hex(report.root)},
          {"problem", report.problem},
          {"tree_heads", report.tree_heads},
          {"signed_and_lost", report.signed_and_lost},
          {"note", report.note}};
}

namespace administration {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds progress_interval{200};

}  // namespace

awaitable<Outcome> replay(Command& command) {
  auto options = ReplayOptions::parse(command.members);
  if (!options) co_return std::unexpected(options.error());
  Replay replay(command.log, std::move(*options));
  using Lines = std::optional<std::vector<std::string>>;
  for (;;) {
    auto read = [&replay]() -> Result<Lines> { return replay.next(); };
    auto lines = co_await command.services.blocking.run(std::move(read));
    if (!lines) co_return std::unexpected(lines.error());
    if (!*lines) co_return json::object();
    co_await command.output.write(std::move(**lines));
  }
}

namespace {

// Runs what tells how far it has come on a thread of the pool, and prints each new percentage. Whoever does
// not take the lines any more ends nothing by that.
awaitable<Outcome> run_with_progress(Command& command, std::function<Outcome(const VerifyProgress&)> work) {
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer wake(executor);
  std::atomic<int> percent = -1;
  std::exception_ptr thrown;
  Outcome outcome;
  bool ended = false;
  auto on_pool = [&percent, &work]() -> Outcome {
    return work([&percent](Position done, Position total) {
      percent = total == 0 ? 100 : static_cast<int>(done * 100 / total);
    });
  };
  auto running = command.services.blocking.run(std::move(on_pool));
  asio::co_spawn(executor, std::move(running), [&](const std::exception_ptr& why, Outcome result) {
    thrown = why;
    outcome = std::move(result);
    ended = true;
    wake.cancel();
  });
  bool listens = true;
  for (int told = -1; !ended || told != percent;) {
    if (!ended) {
      wake.expires_after(progress_interval);
      co_await wake.async_wait(as_result);
    }
    if (told == percent) continue;
    told = percent;
    std::vector<std::string> line{fmt::format("{} %", told)};
    try {
      if (listens) co_await command.output.write(std::move(line));
    } catch (const boost::system::system_error&) {
      listens = false;
    }
  }
  if (thrown) std::rethrow_exception(thrown);
  co_return outcome;
}

struct Verification {
  std::string tree_heads;  // a further file of them
  std::optional<NoteVerifier> public_key;
  bool restored = false;
};

Result<Verification> parse_verification(const Command& command) {
  FieldErrors errors;
  JsonFields fields(command.members, errors);
  Verification asked{.tree_heads = fields.text("tree_heads").value_or(""),
                     .public_key = {},
                     .restored = fields.boolean("restored").value_or(false)};
  if (const auto text = fields.text("public_key")) {
    asked.public_key = NoteVerifier::parse(*text);
    if (!asked.public_key) errors.add("public_key", "Must be what `mintmark tree-head key` prints.");
  }
  if (errors.any()) return std::move(errors).error();
  if (asked.public_key) {
    const auto fits = check_tree_head_key(*asked.public_key, command.log.log_id());
    if (!fits) return std::unexpected(fits.error());
  }
  return asked;
}

Outcome verify_as_asked(Command& command, const Verification& asked, const VerifyProgress& progress) {
  const auto& own = command.tree_heads.verifier();
  Result<TreeHeadReader::Findings> heads;
  VerifyOptions options;
  options.tree_heads = [&](const TreeHeadVisitor& visit) {
    heads = command.tree_heads.read(asked.tree_heads, visit);
    return heads.has_value();
  };
  options.is_restored = asked.restored;
  options.vault_problem = [&command](const VaultRow& row) { return command.services.vault.row_problem(row); };
  options.stop = command.stop;
  auto report = command.log.verify(progress, options);
  if (command.stop.stop_requested()) {
    return fail(ErrorKind::kUnavailable,
                "The log was not read to its end: the server stops, or nobody waits for it any more.");
  }
  if (!heads) return std::unexpected(heads.error());
  if (report.note.empty()) report.note = std::move(heads->note);
  if (report.problem.empty()) report.problem = std::move(heads->problem);
  if (report.problem.empty() && asked.public_key && *asked.public_key != own) {
    report.problem =
        fmt::format("its tree heads are signed by {}, not by {}", own.text(), asked.public_key->text());
  }
  return represent_report(report);
}

}  // namespace

awaitable<Outcome> verify(Command& command) {
  const auto asked = parse_verification(command);
  if (!asked) co_return std::unexpected(asked.error());
  // Each holds a thread that requests wait for.
  if (command.verifying.exchange(true))
    co_return fail(ErrorKind::kConflict, "The log is being verified already; wait for that to end.");
  const auto release = [](std::atomic<bool>* verifying) { *verifying = false; };
  const std::unique_ptr<std::atomic<bool>, decltype(release)> held(&command.verifying, release);
  auto check = [&](const VerifyProgress& progress) { return verify_as_asked(command, *asked, progress); };
  co_return co_await run_with_progress(command, std::move(check));
}

awaitable<Outcome> sign_a_tree_head(Command& command) {
  auto sign = [&command]() -> Outcome {
    const auto published = command.tree_heads.publish();
    if (!published) return std::unexpected(published.error());
    return json::object{
        {"head", published->head.size}, {"root", hex(published->head.root)}, {"note", published->note}};
  };
  co_return co_await command.services.blocking.run(std::move(sign));
}

awaitable<Outcome> show_the_tree_head_key(Command& command) {
  co_return json::object{{"public_key", command.tree_heads.verifier().text()}};
}

awaitable<Outcome> rotate_keys(Command& command) {
  auto rotate = [&command]() -> Outcome {
    const auto report = command.key_rotation.run(command.caller.actor);
    if (!report) return std::unexpected(report.error());
    return json::object{{"wrapped_anew", report->wrapped_anew}, {"pepper", report->pepper}};
  };
  co_return co_await command.services.blocking.run(std::move(rotate));
}

namespace {

std::filesystem::path resolved(const std::filesystem::path& path) {
  std::error_code code;
  auto real = std::filesystem::weakly_canonical(path, code);
  return code ? path.lexically_normal() : real;
}

// By the paths' components, however they are spelt.
bool lies_in(const std::filesystem::path& file, const std::filesystem::path& folder) {
  const auto inside = resolved(file).lexically_relative(resolved(folder));
  return !inside.empty() && *inside.begin() != "..";
}

}  // namespace

awaitable<Outcome> back_up(Command& command) {
  FieldErrors errors;
  JsonFields fields(command.members, errors);
  const auto events = fields.text("events").value_or("");
  const auto vault = fields.text("vault").value_or("");
  if (events.empty() && vault.empty()) errors.add("events", "Say where the events or the vault are to go.");
  if (!events.empty() && !vault.empty() && lies_in(vault, events)) {
    errors.add("vault", "The vault must not lie in the events' folder, which is kept: see docs/backup.md.");
  }
  if (errors.any()) co_return std::move(errors).error();
  auto write = [&]() -> Outcome {
    json::object result;
    if (!events.empty()) {
      const auto report = backup_events(command.log, events, command.stop);
      if (!report) return std::unexpected(report.error());
      result = {{"head", report->head},
                {"root", hex(report->root)},
                {"events", report->events},
                {"segments", report->segments}};
    }
    if (!vault.empty()) {
      // After the events: so it holds the key of each of them.
      const auto paused = command.key_rotation.pause();
      const auto keys = backup_vault(command.log, vault, command.stop);
      if (!keys) return std::unexpected(keys.error());
      result["vault_keys"] = *keys;
    }
    return result;
  };
  co_return co_await command.services.blocking.run(std::move(write));
}

}  // namespace administration
}  // namespace mintmark
