#include "api/job_service.h"

#include <string>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "api/commands.h"
#include "api/list_response.h"
#include "api/representation.h"
#include "domain/limits.h"
#include "worker/attempts.h"
#include "worker/job_planner.h"
#include "worker/webhook_calls.h"

namespace mintmark {
namespace {

namespace json = boost::json;

std::string jobs_stream(AccountId account) {
  return "jobs-" + account.text();
}

std::string_view kind_name(JobKind kind) {
  switch (kind) {
    case ISSUE_ZAPIER_CONNECTION:
      return "issue_zapier_connection";
    case WITHDRAW_ZAPIER_CONNECTION:
      return "withdraw_zapier_connection";
    case DELIVER_WEBHOOK:
      return "deliver_webhook";
    case TEST_WEBHOOK:
      return "test_webhook";
    case STOP_WEBHOOK:
      return "stop_webhook";
    case FOLLOW_TOKEN:
      return "follow_token";
    case JOB_KIND_UNSPECIFIED:
    case JobKind_INT_MIN_SENTINEL_DO_NOT_USE_:
    case JobKind_INT_MAX_SENTINEL_DO_NOT_USE_:
      break;
  }
  return "";
}

std::string_view status_name(const JobView& view) {
  switch (view.job.status()) {
    case StoredJob::DONE:
      return "done";
    case StoredJob::DEAD:
      return "dead";
    case StoredJob::CANCELLED:
      return "cancelled";
    case StoredJob::WAITING:
    case StoredJob::STATUS_UNSPECIFIED:
    case StoredJob::Status::StoredJob_Status_StoredJob_Status_INT_MIN_SENTINEL_DO_NOT_USE_:
    case StoredJob::Status::StoredJob_Status_StoredJob_Status_INT_MAX_SENTINEL_DO_NOT_USE_:
      break;
  }
  if (view.state == JobQueue::State::kRunning) return "running";
  return view.state == JobQueue::State::kParked ? "parked" : "waiting";
}

json::value status_or_null(std::uint32_t status) {
  return status == 0 ? json::value(nullptr) : json::value(status);
}

// Why it is as it is, where that was not its last attempt's doing.
json::value error_without_attempt(const StoredJob& job) {
  if (job.status() != StoredJob::DEAD) return nullptr;
  return json::value(fmt::format("it was not attempted: {} deliveries to this webhook were waiting",
                                 limits::deliveries_waiting_max));
}

json::value error_or_null(const StoredAttempt& attempt) {
  if (attempt.failure() == ATTEMPT_SUCCEEDED) return nullptr;
  return json::value(describe(attempt.failure(), attempt.status()));
}

// The same for programs.
json::value failure_without_attempt(const StoredJob& job) {
  return job.status() == StoredJob::DEAD ? json::value("too_many_waiting") : json::value(nullptr);
}

json::value failure_or_null(const StoredAttempt& attempt) {
  if (attempt.failure() == ATTEMPT_SUCCEEDED) return nullptr;
  return json::value(failure_code(attempt.failure()));
}

// The event that called for it: its position and what it says.
json::object represent_event(const StoredJob& job) {
  auto type = event_type_name(job.event_kind());
  if (type.empty()) {
    const auto* field = Event::descriptor()->FindFieldByNumber(static_cast<int>(job.event_kind()));
    if (field) type = field->name();
  }
  return {{"position", job.key().position()}, {"type", std::move(type)}};
}

json::value next_attempt_of(const JobView& view) {
  if (status_name(view) != "waiting") return nullptr;
  return represent_time(view.job.due_us());
}

// What every representation has.
json::object represent_common(const JobView& view) {
  const auto& job = view.job;
  return {
      {"id", job_id(key_of(job.key()))},
      {"status", status_name(view)},
      {"event", represent_event(job)},
      {"created_at", represent_time(job.created_us())},
      {"next_attempt_at", next_attempt_of(view)},
  };
}

enum class Change { kRetry, kCancel };

// The event that does it to the jobs.
Event change_event(Change change, const std::vector<JobReference>& jobs) {
  Event event;
  for (const auto& job : jobs) {
    *(change == Change::kRetry ? event.mutable_jobs_retried()->add_jobs()
                               : event.mutable_jobs_cancelled()->add_jobs()) = job;
  }
  return event;
}

Result<Decision> decide_change(Services& services, AccountId account, const std::string& id, Change change) {
  const auto found = find_job(services, account, id);
  if (!found) return std::unexpected(found.error());
  const auto status = found->job.status();
  if (status == StoredJob::DONE) return fail(ErrorKind::kConflict, "status: This job is done.");
  if (change == Change::kRetry && found->state == JobQueue::State::kRunning) {
    return fail(ErrorKind::kConflict, "status: This job is running.");
  }
  if (change == Change::kCancel && status == StoredJob::CANCELLED) {
    return fail(ErrorKind::kConflict, "status: This job is cancelled already.");
  }
  const bool lost_its_webhook =
      is_about_webhook(found->job.key().kind()) && !services.jobs.subscription(found->job.key().target());
  if (change == Change::kRetry && lost_its_webhook) {
    return fail(ErrorKind::kConflict, "webhook: There is no such webhook any more.");
  }
  Decision decision;
  decision.events.push_back(change_event(change, {found->job.key()}));
  return decision;
}

awaitable<Result<JobView>> change_job(Services& services, const Caller& caller, std::string id,
                                      Change change) {
  Decide decide_this = [&services, &caller, &id, change](const LoadedStream&) {
    return decide_change(services, caller.account, id, change);
  };
  const auto written = co_await write(services, caller, jobs_stream(caller.account), std::move(decide_this));
  if (!written) co_return std::unexpected(written.error());
  auto read = [&services, &caller, &id] { return find_job(services, caller.account, id); };
  co_return co_await services.blocking.run(std::move(read));
}

// What of the account's jobs the query lets through and a retry would do something for.
Result<std::vector<JobReference>> select_jobs(Services& services, AccountId account, const ListQuery& query) {
  auto selected = filter_list(represent_jobs(services, account), job_fields, query);
  if (!selected) return std::unexpected(selected.error());
  std::vector<JobReference> jobs;
  for (const auto& job : *selected) {
    const auto& status = job.at("status").as_string();
    if (status == "running" || status == "cancelled") continue;
    const auto key = parse_job_id(job.at("id").as_string());
    if (key) jobs.push_back(reference_to(*key));
  }
  return jobs;
}

}  // namespace

const std::string& JobRepresentation::webhook_name(const JobKey& key) {
  const auto known = webhook_names_.find(key.target);
  if (known != webhook_names_.end()) return known->second;
  const auto row = services_.webhooks.find(webhook_of(key));
  return webhook_names_.emplace(key.target, row ? row->label() : "").first->second;
}

const std::string& JobRepresentation::token_name(const JobKey& key) {
  const auto known = token_names_.find(key.target);
  if (known != token_names_.end()) return known->second;
  const auto row = services_.token_list.find(token_of(key));
  return token_names_.emplace(key.target, row ? row->name() : "").first->second;
}

json::object JobRepresentation::job(const JobView& view) {
  const auto key = key_of(view.job.key());
  auto shown = represent_common(view);
  shown["kind"] = kind_name(key.kind);
  shown["webhook"] = nullptr;
  shown["token"] = nullptr;
  if (is_about_webhook(key.kind)) {
    shown["webhook"] = {{"id", webhook_of(key).text()}, {"name", webhook_name(key)}};
  } else {
    shown["token"] = {{"id", token_of(key).text()}, {"name", token_name(key)}};
  }
  shown["attempts"] = view.job.attempts();
  const auto& history = view.job.history();
  shown["last_status"] = history.empty() ? json::value(nullptr) : status_or_null(history.rbegin()->status());
  shown["last_error"] = history.empty() ? error_without_attempt(view.job) : error_or_null(*history.rbegin());
  shown["last_failure"] =
      history.empty() ? failure_without_attempt(view.job) : failure_or_null(*history.rbegin());
  return shown;
}

json::object JobRepresentation::delivery(const JobView& view) {
  auto shown = represent_common(view);
  json::array attempts;
  for (const auto& attempt : view.job.history()) {
    attempts.push_back({{"at", represent_time(attempt.started_at_us())},
                        {"duration_ms", attempt.duration_us() / 1000},
                        {"status", status_or_null(attempt.status())},
                        {"error", error_or_null(attempt)},
                        {"failure", failure_or_null(attempt)}});
  }
  shown["attempts"] = std::move(attempts);
  shown["request"] = nullptr;
  return shown;
}

// It is made anew, from the webhook as it is now.
void JobRepresentation::add_request(const JobView& view, json::object& delivery) {
  const auto call = services_.calls.show(view.job);
  if (!call) return;
  const auto row = services_.webhooks.find(webhook_of(key_of(view.job.key())));
  const auto& history = view.job.history();
  const bool changed = row && row->has_modified() && !history.empty() &&
                       row->modified().at_us() >= history.rbegin()->started_at_us();
  delivery["request"] = {{"method", call->method}, {"body", call->body}, {"changed", changed}};
}

json::array represent_jobs(Services& services, AccountId account) {
  JobRepresentation representation(services);
  json::array shown;
  for (const auto& view : services.jobs.jobs_of(account, limits::jobs_listed_max)) {
    shown.push_back(representation.job(view));
  }
  return shown;
}

Result<http::Response> show_deliveries(Services& services, AccountId account, WebhookId webhook,
                                       const ListQuery& query) {
  const auto row = services.webhooks.find(webhook);
  if (!row || row->account_id() != account.text()) return fail(ErrorKind::kNotFound, "Webhook not found.");
  JobRepresentation representation(services);
  const auto views = services.jobs.deliveries_of(webhook, limits::deliveries_listed_max);
  std::unordered_map<std::string, const JobView*> by_id;
  json::array shown;
  for (const auto& view : views) {
    by_id.emplace(job_id(key_of(view.job.key())), &view);
    shown.push_back(representation.delivery(view));
  }
  const auto complete = [&](json::object& delivery) {
    representation.add_request(*by_id.at(std::string(delivery.at("id").as_string())), delivery);
  };
  return respond_with_list(std::move(shown), delivery_fields, query, complete);
}

Result<JobView> find_job(Services& services, AccountId account, const std::string& id) {
  const auto key = parse_job_id(id);
  auto view = key ? services.jobs.view(*key) : std::nullopt;
  if (!view || view->job.account() != account.code()) return not_found("Job");
  return std::move(*view);
}

awaitable<Result<JobView>> retry_job(Services& services, const Caller& caller, std::string id) {
  return change_job(services, caller, std::move(id), Change::kRetry);
}

awaitable<Result<JobView>> cancel_job(Services& services, const Caller& caller, std::string id) {
  return change_job(services, caller, std::move(id), Change::kCancel);
}

awaitable<Result<std::size_t>> retry_jobs(Services& services, const Caller& caller, ListQuery query,
                                          bool dry_run) {
  if (dry_run) {
    auto count = [&services, &caller, &query]() -> Result<std::size_t> {
      const auto jobs = select_jobs(services, caller.account, query);
      if (!jobs) return std::unexpected(jobs.error());
      return jobs->size();
    };
    co_return co_await services.blocking.run(std::move(count));
  }
  std::size_t count = 0;
  Decide decide_this = [&services, &caller, &query, &count](const LoadedStream&) -> Result<Decision> {
    const auto jobs = select_jobs(services, caller.account, query);
    if (!jobs) return std::unexpected(jobs.error());
    count = jobs->size();
    Decision decision;
    if (!jobs->empty()) decision.events.push_back(change_event(Change::kRetry, *jobs));
    return decision;
  };
  const auto written = co_await write(services, caller, jobs_stream(caller.account), std::move(decide_this));
  if (!written) co_return std::unexpected(written.error());
  if (!written->repeated) co_return count;
  auto read = [&services, position = written->committed.last]() -> Result<std::size_t> {
    const auto events = services.log.read(position - 1, 1);
    return static_cast<std::size_t>(events.at(0).recorded.event().jobs_retried().jobs_size());
  };
  co_return co_await services.blocking.run(std::move(read));
}

}  // namespace mintmark
