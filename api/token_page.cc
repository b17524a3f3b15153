#include "api/token_page.h"

#include <boost/json/array.hpp>

#include "api/errors.h"
#include "api/list_response.h"
#include "api/representation.h"
#include "api/token_query.h"

namespace mintmark {
namespace {

namespace json = boost::json;

std::string text_or_empty(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : std::string();
}

// Rows on disk answer what comes near the newest token quickly.
TokenList::Page read_rows(const Services& services, AccountId account, const TokenPageRequest& page) {
  return services.token_list.page(account, page.offset, page.limit, page.newest);
}

TokenList::Page read_columns(const Services& services, NameCache& names, AccountId account,
                             const TokenBlocks& blocks, const Filter& filter,
                             const std::vector<OrderBy>& order, const TokenPageRequest& page) {
  TokenScan scan(
      services.clock.now(),
      [&names](const Actor& actor) {
        const auto& by = names.actor(actor);
        return TokenCreator{actor.id(), text_or_empty(by.at("name")), text_or_empty(by.at("email"))};
      },
      [&names](ExtensionId id) { return names.extension(id); });
  const auto matches = query_tokens(blocks, filter, order, page, scan);
  TokenList::Page read;
  read.total = matches.total;
  for (const auto id : matches.tokens) {
    // Nothing where it was deleted a moment ago.
    if (auto row = services.token_list.find(id); row && row->account_id() == account.text())
      read.rows.push_back(std::move(*row));
  }
  return read;
}

// The position that the account's newest token has, or had when this list's first page was answered.
Position newest_of(const TokenList::Page& first, const TokenBlocks* blocks) {
  if (blocks != nullptr) return blocks->empty() ? 0 : blocks->back()->created_positions.back();
  return first.rows.empty() ? 0 : first.rows.front().created_position();
}

std::size_t count_rows(const TokenBlocks& blocks) {
  std::size_t count = 0;
  for (const auto& block : blocks) count += block->size();
  return count;
}

}  // namespace

bool is_plain(const ListQuery& query) {
  return query.filter.parts.empty() && query.search.empty() && query.ordering.empty() &&
         query.offset <= limits::list_rows_skipped_max;
}

http::Response answer_token_list(Services& services, const Caller& caller, const ListQuery& query) {
  const auto filter = compile_filter(query, token_fields);
  if (!filter) return error_response(filter.error());
  const auto order = compile_ordering(query, token_fields);
  if (!order) return error_response(order.error());

  TokenPageRequest page{query.offset, query.limit};
  const auto checkpoint = services.token_list.checkpoint();
  const ListCursors::Rows rows{query.offset, query.offset + query.limit};
  const auto now = services.clock.now();
  if (query.offset > 0 && query.limit > 0) {
    page.newest = services.list_cursors.resume(caller, query.identity, rows, now).value_or(page.newest);
  }
  const auto left_out = page.newest < checkpoint ? checkpoint - page.newest : 0;
  const bool rows_are_quick = filter->passes_all() && order->empty() &&
                              page.offset <= limits::list_rows_skipped_max &&
                              left_out <= limits::list_rows_skipped_max;
  NameCache names(services, caller.account);
  std::shared_ptr<const TokenBlocks> blocks;
  TokenList::Page read;
  if (rows_are_quick) {
    read = read_rows(services, caller.account, page);
  } else {
    blocks = services.token_list.blocks(caller.account);
    const auto bounded = check_work(*filter, count_rows(*blocks), limits::query_checks_max);
    if (!bounded) return error_response(bounded.error());
    read = read_columns(services, names, caller.account, *blocks, *filter, *order, page);
  }
  if (query.offset == 0 && query.limit > 0)
    services.list_cursors.begin(caller, query.identity, newest_of(read, blocks.get()), rows, now);

  json::array items(names.storage());
  for (const auto& row : read.rows) {
    auto token = represent_token(names, row, now);
    apply_selection(token, query.selection);
    items.push_back(std::move(token));
  }
  return list_response(items, query, read.total);
}

}  // namespace mintmark
