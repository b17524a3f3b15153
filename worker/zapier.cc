#include "worker/zapier.h"

#include <stdexcept>
#include <utility>

#include "domain/token.h"
#include "worker/outcome.h"

namespace mintmark {
namespace {

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
  const Outcome outcome{job.subject(), "zapier", job.event_id(),
                        job.kind() == StoredJob::WITHDRAW_ZAPIER_CONNECTION};
  const auto recorded =
      record_outcome(log, clock, random, outcome, [&job](const std::vector<StoredEvent>& stream) {
        Token token;
        for (const auto& event : stream) evolve(token, event.recorded.event());
        return decide_job(token, job);
      });
  if (!recorded) return std::unexpected(recorded.error());
  return {};
}

}  // namespace mintmark
