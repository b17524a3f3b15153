#include <boost/json/array.hpp>

#include "api/conditions.h"
#include "api/errors.h"
#include "api/handlers.h"
#include "api/job_service.h"
#include "api/list_response.h"

namespace mintmark {
namespace {

namespace json = boost::json;

std::string job_in_path(const Context& context) {
  return std::string(context.parameters[0]);
}

http::Response answer(const json::object& body) {
  auto response = json_response(200, body);
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

awaitable<http::Response> answer_job(Context& context, Result<JobView> found) {
  if (!found) co_return error_response(found.error());
  auto represent = [&context, &found]() -> Result<json::object> {
    return JobRepresentation(context.services).job(*found);
  };
  const auto shown = co_await context.services.blocking.run(std::move(represent));
  if (!shown) co_return error_response(shown.error());
  co_return answer(*shown);
}

// kInvalid for another value than true or false.
Result<bool> read_dry_run(const http::Request& request) {
  const auto value = find_parameter(request, "dry_run");
  if (!value) return std::unexpected(value.error());
  if (!*value || **value == "false") return false;
  if (**value != "true") return fail(ErrorKind::kInvalid, "dry_run: Must be true or false.");
  return true;
}

}  // namespace

awaitable<http::Response> list_jobs(Context& context) {
  const auto query = parse_list_query(context.request.query());
  if (!query) co_return error_response(query.error());
  auto read = [&context, &query]() -> Result<http::Response> {
    return respond_with_list(represent_jobs(context.services, context.caller.account), job_fields, *query);
  };
  auto response = co_await context.services.scans.answer(context.caller.account, std::move(read));
  response.headers.emplace_back("Cache-Control", "no-store");
  co_return response;
}

awaitable<http::Response> get_job(Context& context) {
  auto read = [&context] { return find_job(context.services, context.caller.account, job_in_path(context)); };
  auto found = co_await context.services.blocking.run(std::move(read));
  co_return co_await answer_job(context, std::move(found));
}

awaitable<http::Response> retry_job(Context& context) {
  auto changed = co_await retry_job(context.services, context.caller, job_in_path(context));
  co_return co_await answer_job(context, std::move(changed));
}

awaitable<http::Response> cancel_job(Context& context) {
  auto changed = co_await cancel_job(context.services, context.caller, job_in_path(context));
  co_return co_await answer_job(context, std::move(changed));
}

awaitable<http::Response> retry_jobs(Context& context) {
  auto query = parse_list_query(context.request.query());
  if (!query) co_return error_response(query.error());
  const auto dry_run = read_dry_run(context.request);
  if (!dry_run) co_return error_response(dry_run.error());
  const auto count = co_await retry_jobs(context.services, context.caller, std::move(*query), *dry_run);
  if (!count) co_return error_response(count.error());
  co_return answer({{"count", *count}});
}

}  // namespace mintmark
