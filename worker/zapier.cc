#include "worker/zapier.h"

#include <future>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "domain/limits.h"
#include "domain/token.h"

namespace mintmark {
namespace {

AppendResult append_and_wait(EventLog& log, AppendRequest request) {
  std::promise<AppendResult> promise;
  auto future = promise.get_future();
  log.append(std::move(request), [&promise](AppendResult result) { promise.set_value(std::move(result)); });
  return future.get();
}

Result<std::vector<Event>> decide_job(const Token& token, const StoredJob& job) {
  switch (job.kind()) {
    case StoredJob::ISSUE_ZAPIER_CONNECTION:
      return decide(token, IssueZapierConnection{job.event_id()});
    case StoredJob::WITHDRAW_ZAPIER_CONNECTION:
      return decide(token, WithdrawZapierConnection{});
    case StoredJob::KIND_UNSPECIFIED:
    case StoredJob::Kind::StoredJob_Kind_StoredJob_Kind_INT_MIN_SENTINEL_DO_NOT_USE_:
    case StoredJob::Kind::StoredJob_Kind_StoredJob_Kind_INT_MAX_SENTINEL_DO_NOT_USE_:
      break;
  }
  throw std::logic_error("a job of an unknown kind");
}

Error error_of(const AppendError& error) {
  if (error.kind == AppendError::Kind::kDiskFull) return {ErrorKind::kInsufficientStorage, {error.message}};
  if (error.kind == AppendError::Kind::kBusy) return {ErrorKind::kUnavailable, {error.message}};
  if (error.kind == AppendError::Kind::kUnknown) return {ErrorKind::kOutcomeUnknown, {error.message}};
  throw std::logic_error("an append of the worker broke a rule of the log: " + error.message);
}

}  // namespace

std::optional<StoredJob> plan_zapier_job(EventLog& log, const Recorded& recorded) {
  StoredJob job;
  job.set_event_id(recorded.event_id());
  job.set_position(recorded.position());
  job.set_subject(recorded.stream());
  job.set_due_us(recorded.recorded_at_us());
  const auto& event = recorded.event();
  if (event.has_token_created() && event.token_created().extension() == ZAPIER) {
    job.set_kind(StoredJob::ISSUE_ZAPIER_CONNECTION);
    return job;
  }
  if (event.has_token_deleted()) {
    const auto events = log.read_stream(recorded.stream(), 0);
    if (events.front().recorded.event().token_created().extension() != ZAPIER) return std::nullopt;
    job.set_kind(StoredJob::WITHDRAW_ZAPIER_CONNECTION);
    return job;
  }
  return std::nullopt;
}

Result<void> run_zapier_job(EventLog& log, const Clock& clock, Random& random, const StoredJob& job) {
  for (std::size_t attempt = 0; attempt < limits::conflict_retries_max; ++attempt) {
    const auto stream = log.read_stream(job.subject(), 0);
    Token token;
    for (const auto& event : stream) evolve(token, event.recorded.event());
    auto events = decide_job(token, job);
    if (!events) return std::unexpected(std::move(events.error()));
    if (events->empty()) return {};
    StreamAppend append{job.subject(), stream.size(), {}};
    const auto now = clock.now();
    for (auto& event : *events) append.events.push_back({random.event_id(now), std::move(event)});
    AppendRequest request;
    request.streams.push_back(std::move(append));
    request.metadata.actor.set_kind(Actor::WORKER);
    request.metadata.actor.set_id("zapier");
    request.metadata.recorded_at = now;
    request.metadata.correlation_id = job.event_id();
    request.metadata.causation_id = job.event_id();
    request.frees_space = job.kind() == StoredJob::WITHDRAW_ZAPIER_CONNECTION;
    const auto appended = append_and_wait(log, std::move(request));
    if (appended) return {};
    if (appended.error().kind != AppendError::Kind::kConflict)
      return std::unexpected(error_of(appended.error()));
  }
  return fail(ErrorKind::kUnavailable, "too many others changed the token at the same time");
}

}  // namespace mintmark
