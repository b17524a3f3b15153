#include "api/errors.h"
#include "api/event_query.h"
#include "api/event_representation.h"
#include "api/handlers.h"
#include "api/list_response.h"

namespace mintmark {
namespace {

Result<http::Response> answer_page(const Services& services, AccountId account, const EventQuery& query) {
  const auto page = query.page(services.audit, account);
  if (!page) return std::unexpected(page.error());
  auto events = EventRepresentation(services, account).events(page->positions);
  for (auto& event : events) apply_selection(event.get_object(), query.list().selection);
  auto response = list_response(events, query.list(), page->total);
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

}  // namespace

awaitable<http::Response> list_events(Context& context) {
  auto list = parse_list_query(context.request.query());
  if (!list) co_return error_response(list.error());
  const auto query = EventQuery::compile(std::move(*list));
  if (!query) co_return error_response(query.error());
  auto& services = context.services;
  const auto account = context.caller.account;
  auto read = [&services, account, &query] { return answer_page(services, account, *query); };
  if (!query->is_quick()) co_return co_await services.scans.answer(account, std::move(read));
  auto response = co_await services.blocking.run(std::move(read));
  co_return response ? std::move(*response) : error_response(response.error());
}

}  // namespace mintmark
