#include "worker/outcome.h"

#include <future>
#include <stdexcept>
#include <utility>

#include "domain/limits.h"

namespace mintmark {
namespace {

Error error_of(const AppendError& error) {
  if (error.kind == AppendError::Kind::kDiskFull) return {ErrorKind::kInsufficientStorage, {error.message}};
  if (error.kind == AppendError::Kind::kBusy) return {ErrorKind::kUnavailable, {error.message}};
  if (error.kind == AppendError::Kind::kUnknown) return {ErrorKind::kOutcomeUnknown, {error.message}};
  throw std::logic_error("an append of the worker broke a rule of the log: " + error.message);
}

AppendRequest request_at(const Clock& clock, Random& random, const Outcome& outcome, std::uint64_t version,
                         std::vector<Event> events) {
  StreamAppend append{outcome.stream, version, {}};
  const auto now = clock.now();
  for (auto& event : events) append.events.push_back({random.event_id(now), std::move(event)});
  AppendRequest request;
  request.streams.push_back(std::move(append));
  request.metadata.actor.set_kind(Actor::WORKER);
  request.metadata.actor.set_id(outcome.actor);
  request.metadata.recorded_at = now;
  request.metadata.correlation_id = outcome.cause;
  request.metadata.causation_id = outcome.cause;
  request.frees_space = outcome.frees_space;
  request.vault_writes = outcome.vault_writes;
  return request;
}

AppendResult append_at(EventLog& log, const Clock& clock, Random& random, const Outcome& outcome,
                       std::uint64_t version, std::vector<Event> events) {
  return append_and_wait(log, request_at(clock, random, outcome, version, std::move(events)));
}

std::future<AppendResult> begin_append(EventLog& log, AppendRequest request) {
  std::promise<AppendResult> promise;
  auto future = promise.get_future();
  log.append(std::move(request), [promise = std::move(promise)](AppendResult result) mutable {
    promise.set_value(std::move(result));
  });
  return future;
}

std::unexpected<Error> too_many_conflicts() {
  return fail(ErrorKind::kUnavailable, "too many others changed this at the same time");
}

}  // namespace

Result<Position> record_outcome(EventLog& log, const Clock& clock, Random& random, const Outcome& outcome,
                                const DecideOutcome& decide) {
  for (std::size_t attempt = 0; attempt < limits::conflict_retries_max; ++attempt) {
    const auto stream = log.read_stream(outcome.stream, 0);
    auto events = decide(stream);
    if (!events) return std::unexpected(std::move(events.error()));
    if (events->empty()) return 0;
    const auto appended = append_at(log, clock, random, outcome, stream.size(), std::move(*events));
    if (appended) return appended->last;
    if (appended.error().kind != AppendError::Kind::kConflict)
      return std::unexpected(error_of(appended.error()));
  }
  return too_many_conflicts();
}

std::vector<Result<Position>> record_outcomes(EventLog& log, const Clock& clock, Random& random,
                                              const std::vector<Outcome>& outcomes,
                                              const DecideOutcome& decide) {
  std::vector<Result<Position>> recorded(outcomes.size(), Position{0});
  std::vector<std::pair<std::size_t, std::future<AppendResult>>> under_way;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const auto stream = log.read_stream(outcomes[i].stream, 0);
    auto events = decide(stream);
    if (!events) {
      recorded[i] = std::unexpected(std::move(events.error()));
    } else if (!events->empty()) {
      auto request = request_at(clock, random, outcomes[i], stream.size(), std::move(*events));
      under_way.emplace_back(i, begin_append(log, std::move(request)));
    }
  }
  for (auto& [i, append] : under_way) {
    const auto appended = append.get();
    if (appended) {
      recorded[i] = appended->last;
    } else if (appended.error().kind == AppendError::Kind::kConflict) {
      recorded[i] = record_outcome(log, clock, random, outcomes[i], decide);
    } else {
      recorded[i] = std::unexpected(error_of(appended.error()));
    }
  }
  return recorded;
}

Result<Position> append_outcome(EventLog& log, const Clock& clock, Random& random, const Outcome& outcome,
                                const std::vector<Event>& events) {
  auto version = log.version_of(outcome.stream);
  for (std::size_t attempt = 0; attempt < limits::conflict_retries_max; ++attempt) {
    const auto appended = append_at(log, clock, random, outcome, version, events);
    if (appended) return appended->last;
    if (appended.error().kind != AppendError::Kind::kConflict)
      return std::unexpected(error_of(appended.error()));
    version = appended.error().actual_version;
  }
  return too_many_conflicts();
}

}  // namespace mintmark
