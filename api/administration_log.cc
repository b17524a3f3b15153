#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "api/administration_commands.h"
#include "api/json.h"
#include "api/replay.h"
#include "eventstore/backup.h"

namespace mintmark::administration {

namespace json = boost::json;

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

awaitable<Outcome> verify(Command& command) {
  auto check = [&command]() -> Outcome {
    FieldErrors errors;
    const auto further = JsonFields(command.members, errors).text("tree_heads").value_or("");
    if (errors.any()) return std::move(errors).error();
    VerifyOptions options;
    options.stop = command.stop;
    auto heads = command.tree_heads.heads(further);
    if (!heads && heads.error().kind != ErrorKind::kInvalid) return std::unexpected(heads.error());
    if (heads) options.tree_heads = std::move(*heads);
    auto report = command.log.verify([](Position, Position) {}, options);
    if (command.stop.stop_requested())
      return fail(ErrorKind::kUnavailable, "The server stops; the log was not read to its end.");
    if (!heads && report.problem.empty()) report.problem = heads.error().messages.front();
    return json::object{{"head", report.head}, {"root", hex(report.root)}, {"problem", report.problem}};
  };
  co_return co_await command.services.blocking.run(std::move(check));
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

awaitable<Outcome> back_up(Command& command) {
  FieldErrors errors;
  JsonFields fields(command.members, errors);
  const auto events = fields.text("events").value_or("");
  const auto vault = fields.text("vault").value_or("");
  if (events.empty() && vault.empty()) errors.add("events", "Say where the events or the vault are to go.");
  if (!events.empty() && vault.starts_with(events + "/")) {
    errors.add("vault", "The vault must not lie in the events' folder, which is kept: see docs/backup.md.");
  }
  if (errors.any()) co_return std::move(errors).error();
  auto write = [&]() -> Outcome {
    json::object result;
    if (!events.empty()) {
      const auto report = backup_events(command.log, events);
      if (!report) return std::unexpected(report.error());
      result = {{"head", report->head},
                {"root", hex(report->root)},
                {"events", report->events},
                {"segments", report->segments}};
    }
    if (!vault.empty()) {
      // After the events: so it holds the key of each of them.
      const auto paused = command.key_rotation.pause();
      const auto keys = backup_vault(command.log, vault);
      if (!keys) return std::unexpected(keys.error());
      result["vault_keys"] = *keys;
    }
    return result;
  };
  co_return co_await command.services.blocking.run(std::move(write));
}

}  // namespace mintmark::administration
