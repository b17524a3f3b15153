#include "api/errors.h"
#include "api/event_query.h"
#include "api/event_representation.h"
#include "api/handlers.h"
#include "api/list_response.h"

namespace mintmark {
namespace {

namespace json = boost::json;

struct ShownPage {
  json::array events;
  std::size_t total = 0;
};

ShownPage read_page(const Services& services, AccountId account, const EventQuery& query) {
  const auto page = query.page(services.audit, account);
  ShownPage shown{EventRepresentation(services, account).events(page.positions), page.total};
  for (auto& event : shown.events) apply_selection(event.get_object(), query.list().selection);
  return shown;
}

}  // namespace

awaitable<http::Response> list_events(Context& context) {
  auto list = parse_list_query(context.request.query());
  if (!list) co_return error_response(list.error());
  const auto query = EventQuery::compile(std::move(*list));
  if (!query) co_return error_response(query.error());
  auto read = [&context, &query]() -> Result<ShownPage> {
    return read_page(context.services, context.caller.account, *query);
  };
  const auto page = co_await context.services.blocking.run(std::move(read));
  if (!page) co_return error_response(page.error());
  auto response = list_response(page->events, query->list(), page->total);
  response.headers.emplace_back("Cache-Control", "no-store");
  co_return response;
}

}  // namespace mintmark
