#include "api/commands.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <utility>
#include <variant>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "domain/limits.h"

namespace mintmark {
namespace {

namespace asio = boost::asio;

// Nothing to append: the stream is as it should be, in this version, and the log has come this far.
struct Unchanged {
  std::uint64_t version;
  Position head;
};

// Either nothing to do, or what to append, or what the idempotency key did before.
using Prepared = std::variant<Unchanged, AppendRequest, Committed>;

// Since which version the thing is what it is now.
std::uint64_t unchanged_since(const LoadedStream& loaded) {
  const auto changed = std::ranges::find_if_not(
      loaded.events | std::views::reverse,
      [](const StoredEvent& event) { return leaves_unchanged(event.recorded.event()); });
  return changed == loaded.events.rend() ? loaded.version : changed->recorded.version();
}

// Whether the precondition fits the thing as the decision has seen it.
bool holds(Services& services, const Precondition& wanted, const std::string& stream,
           const LoadedStream& loaded, const Decision& decision) {
  if (wanted.stream == stream) return wanted.holds(unchanged_since(loaded), loaded.version);
  const auto other = std::ranges::find(decision.other_streams, wanted.stream, &StreamAppend::stream);
  const auto version = other != decision.other_streams.end() ? other->expected_version
                                                             : services.log.version_of(wanted.stream);
  return wanted.holds(version, version);
}

// What came of the decision, unless the caller has seen another version of the thing than is there now. That
// the thing is unknown counts more, and any other refusal less.
Result<Decision> check_precondition(Services& services, const Caller& caller, const std::string& stream,
                                    const LoadedStream& loaded, Result<Decision> decision) {
  const auto& wanted = caller.precondition;
  if (!wanted || (!decision && decision.error().kind == ErrorKind::kNotFound)) return decision;
  if (holds(services, *wanted, stream, loaded, decision ? *decision : Decision{})) return decision;
  return fail(ErrorKind::kPreconditionFailed, "If-Match: This has changed since you read it.");
}

Result<Prepared> prepare(Services& services, const Caller& caller, const std::string& stream,
                         const Decide& decide) {
  const auto repeated = find_repeated(services, caller);
  if (!repeated) return std::unexpected(repeated.error());
  if (*repeated) return Prepared(**repeated);
  const auto loaded = load_stream(services, stream);
  const auto head = services.log.head();
  auto decision = check_precondition(services, caller, stream, loaded, decide(loaded));
  if (!decision) return std::unexpected(std::move(decision.error()));
  if (decision->events.empty()) return Prepared(Unchanged{loaded.version, head});
  AppendRequest request;
  request.streams.push_back(make_append(services, stream, loaded.version, std::move(decision->events)));
  for (auto& other : decision->other_streams) request.streams.push_back(std::move(other));
  request.metadata = {caller.actor, services.clock.now(), caller.request_id, "", "", caller.client_ip};
  request.idempotency_key = caller.idempotency_key;
  request.vault_writes = std::move(decision->vault_writes);
  request.frees_space = decision->frees_space;
  return Prepared(std::move(request));
}

awaitable<AppendResult> append(EventLog& log, AppendRequest request) {
  auto initiate = [&log](auto handler, AppendRequest wanted) {
    auto executor =
        asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
    log.append(std::move(wanted), [executor, handler = std::move(handler)](AppendResult result) mutable {
      asio::post(executor, [handler = std::move(handler), result = std::move(result)]() mutable {
        std::move(handler)(std::move(result));
      });
    });
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(AppendResult)>(
      std::move(initiate), asio::use_awaitable, std::move(request));
}

Error error_of(const AppendError& error) {
  switch (error.kind) {
    case AppendError::Kind::kConflict:
      return {ErrorKind::kConflict, {"Somebody else changed this at the same time; try again."}};
    case AppendError::Kind::kKeyReused:
      return key_reused().error();
    case AppendError::Kind::kBusy:
      return {ErrorKind::kUnavailable, {"Too many writes are waiting; try again."}};
    case AppendError::Kind::kDiskFull:
      return {ErrorKind::kInsufficientStorage, {"The disk is nearly full; nothing was stored."}};
    case AppendError::Kind::kUnknown:
      return {ErrorKind::kOutcomeUnknown,
              {"The outcome is unknown: retry with the same Idempotency-Key to learn it."}};
    case AppendError::Kind::kInvalid:
      break;
  }
  throw std::logic_error("an append broke a limit of the log: " + error.message);
}

// The versions that an append leads to, or has led to.
WriteOutcome outcome_of(const AppendRequest& request) {
  WriteOutcome outcome;
  for (const auto& append : request.streams) {
    outcome.note(append.stream, append.expected_version + append.events.size());
  }
  return outcome;
}
WriteOutcome outcome_of(EventLog& log, const Committed& committed) {
  WriteOutcome outcome;
  for (const auto& event : log.read(committed.first - 1, committed.last - committed.first + 1)) {
    outcome.note(event.recorded.stream(), event.recorded.version());
  }
  return outcome;
}

void note(const Caller& caller, const WriteOutcome& outcome, Position position) {
  if (!caller.outcome) return;
  for (const auto& [stream, version] : outcome.versions) caller.outcome->note(stream, version);
  caller.outcome->position = std::max(caller.outcome->position, position);
}

}  // namespace

std::unexpected<Error> key_reused() {
  return fail(ErrorKind::kConflict, "Idempotency-Key: This key came with another request before.");
}

Result<std::optional<Committed>> find_repeated(Services& services, const Caller& caller) {
  const auto& key = caller.idempotency_key;
  const auto earlier = key ? services.log.find_idempotency_key(key->key_hash) : std::nullopt;
  if (!earlier) return std::nullopt;
  const auto& hash = earlier->request_hash;
  if (hash != key->request_hash && hash != caller.unkeyed_request_hash) return key_reused();
  return earlier->committed;
}

LoadedStream load_stream(Services& services, const std::string& stream) {
  LoadedStream loaded;
  loaded.events = services.log.read_stream(stream, 0);
  loaded.version = loaded.events.size();
  return loaded;
}

StreamAppend make_append(Services& services, std::string stream, std::uint64_t expected_version,
                         std::vector<Event> events) {
  StreamAppend append{std::move(stream), expected_version, {}};
  const auto now = services.clock.now();
  for (auto& event : events) append.events.push_back({services.random.event_id(now), std::move(event)});
  return append;
}

awaitable<bool> reached_by(Services& services, Position position,
                           std::chrono::steady_clock::time_point deadline) {
  if (services.projector.position() >= position) co_return true;
  struct Wait {
    asio::steady_timer timer;
    bool reached = false;
  };
  const auto executor = co_await asio::this_coro::executor;
  const auto wait = std::make_shared<Wait>(asio::steady_timer(executor, deadline));
  // The projector only posts: its thread never touches the timer, which belongs to ours. Once nobody waits
  // any more it must not even do that, since our executor may be gone.
  services.projector.when_reached(position, [executor, waiting = std::weak_ptr(wait)](bool reached) {
    auto alive = waiting.lock();
    if (!alive) return;
    asio::post(executor, [alive = std::move(alive), reached] {
      alive->reached = reached;
      alive->timer.cancel();
    });
  });
  co_await wait->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  co_return wait->reached;
}

awaitable<Result<void>> projected(Services& services, Position position) {
  const auto deadline = std::chrono::steady_clock::now() + limits::projection_wait_time_max;
  const bool reached = co_await reached_by(services, position, deadline);
  if (!reached)
    co_return fail(ErrorKind::kOutcomeUnknown,
                   "This is stored, but the views lag behind; read it in a moment.");
  co_return Result<void>();
}

awaitable<Result<Written>> write(Services& services, const Caller& caller, std::string stream,
                                 Decide decide) {
  for (std::size_t attempt = 0; attempt < limits::conflict_retries_max; ++attempt) {
    auto work = [&services, &caller, &stream, &decide] { return prepare(services, caller, stream, decide); };
    auto prepared = co_await services.blocking.run(std::move(work));
    if (!prepared) co_return std::unexpected(std::move(prepared.error()));
    Written written;
    WriteOutcome outcome;
    Position position = 0;
    if (const auto* unchanged = std::get_if<Unchanged>(&*prepared)) {
      outcome.note(stream, unchanged->version);
      position = unchanged->head;
    } else if (const auto* earlier = std::get_if<Committed>(&*prepared)) {
      written = {true, true, *earlier};
    } else {
      auto& request = std::get<AppendRequest>(*prepared);
      outcome = outcome_of(request);
      auto appended = co_await append(services.log, std::move(request));
      if (!appended && appended.error().kind == AppendError::Kind::kConflict) continue;
      if (!appended) co_return std::unexpected(error_of(appended.error()));
      written = {true, appended->repeated, *appended};
    }
    if (written.changed) position = written.committed.last;
    if (written.repeated) {
      auto read = [&services, committed = written.committed]() -> Result<WriteOutcome> {
        return outcome_of(services.log, committed);
      };
      auto earlier_outcome = co_await services.blocking.run(std::move(read));
      if (!earlier_outcome) co_return std::unexpected(std::move(earlier_outcome.error()));
      outcome = std::move(*earlier_outcome);
    }
    note(caller, outcome, position);
    auto shown = co_await projected(services, position);
    if (!shown) co_return std::unexpected(std::move(shown.error()));
    co_return written;
  }
  co_return fail(ErrorKind::kConflict, "Too many changed this at the same time; try again.");
}

}  // namespace mintmark
