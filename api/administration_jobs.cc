#include <optional>
#include <utility>

#include <boost/json/array.hpp>

#include "api/administration_commands.h"
#include "api/job_service.h"
#include "api/json.h"
#include "api/list_response.h"

namespace mintmark::administration {

namespace json = boost::json;

namespace {

// The account that a job belongs to becomes the caller's. Blocks.
Result<std::string> take_job(Command& command) {
  FieldErrors errors;
  auto id = JsonFields(command.members, errors).required_text("id");
  if (errors.any()) return std::move(errors).error();
  const auto key = parse_job_id(*id);
  const auto job = key ? command.services.jobs.find(*key) : std::nullopt;
  if (!job) return fail(ErrorKind::kNotFound, "Job not found.");
  command.caller.account = AccountId::from_code(job->account());
  return std::move(*id);
}

Result<ListQuery> job_query(const Command& command) {
  FieldErrors errors;
  const auto query = JsonFields(command.members, errors).text("query");
  if (errors.any()) return std::move(errors).error();
  return parse_list_query(query.value_or(""));
}

awaitable<Outcome> represent_changed(Command& command, Result<JobView> changed) {
  if (!changed) co_return std::unexpected(changed.error());
  auto represent = [&command, &changed]() -> Outcome {
    return JobRepresentation(command.services).job(*changed);
  };
  co_return co_await command.services.blocking.run(std::move(represent));
}

awaitable<Outcome> retry_many_jobs(Command& command) {
  auto find = [&command] { return named_account(command); };
  const auto account = co_await command.services.blocking.run(std::move(find));
  if (!account) co_return std::unexpected(account.error());
  command.caller.account = *account;
  FieldErrors errors;
  const auto dry_run = JsonFields(command.members, errors).boolean("dry_run");
  if (errors.any()) co_return std::move(errors).error();
  auto query = job_query(command);
  if (!query) co_return std::unexpected(query.error());
  const auto count =
      co_await retry_jobs(command.services, command.caller, std::move(*query), dry_run.value_or(false));
  if (!count) co_return std::unexpected(count.error());
  co_return json::object{{"count", *count}};
}

}  // namespace

awaitable<Outcome> list_some_jobs(Command& command) {
  auto read = [&command]() -> Outcome {
    const auto account = named_account(command);
    if (!account) return std::unexpected(account.error());
    const auto query = job_query(command);
    if (!query) return std::unexpected(query.error());
    auto jobs = filter_list(represent_jobs(command.services, *account), job_fields, *query);
    if (!jobs) return std::unexpected(jobs.error());
    return json::object{{"jobs", std::move(*jobs)}};
  };
  co_return co_await command.services.blocking.run(std::move(read));
}

awaitable<Outcome> retry_some_jobs(Command& command) {
  if (!command.members.contains("id")) co_return co_await retry_many_jobs(command);
  auto find = [&command] { return take_job(command); };
  const auto id = co_await command.services.blocking.run(std::move(find));
  if (!id) co_return std::unexpected(id.error());
  auto changed = co_await retry_job(command.services, command.caller, *id);
  co_return co_await represent_changed(command, std::move(changed));
}

awaitable<Outcome> cancel_a_job(Command& command) {
  auto find = [&command] { return take_job(command); };
  const auto id = co_await command.services.blocking.run(std::move(find));
  if (!id) co_return std::unexpected(id.error());
  auto changed = co_await cancel_job(command.services, command.caller, *id);
  co_return co_await represent_changed(command, std::move(changed));
}

}  // namespace mintmark::administration
