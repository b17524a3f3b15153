#include "projections/former_tokens.h"

#include "projections/authorization_snapshot.h"

namespace mintmark {

void FormerTokens::note(std::span<const TokenChange> changes, const TokenTable& table) {
  for (const auto& change : changes) {
    const auto id = change.record.token;
    const auto order = TokenTable::order_of(id);
    if (order < TokenTable::first_order_of(part_)) continue;
    const auto [place, is_new] = former_.try_emplace(order);
    if (!is_new) continue;
    if (const auto* const entry = table.find(id)) append_token(table.record(id, *entry), place->second);
  }
}

void FormerTokens::take_part(const TokenTable& table, std::string& bytes) {
  const auto append_former_before = [&](std::uint64_t end) {
    while (!former_.empty() && former_.begin()->first < end) {
      bytes += former_.begin()->second;
      former_.erase(former_.begin());
    }
  };
  table.for_each(part_, [&](const TokenRecord& record) {
    const auto order = TokenTable::order_of(record.token);
    append_former_before(order);
    if (former_.empty() || former_.begin()->first != order) {
      append_token(record, bytes);
    } else {
      append_former_before(std::uint64_t{order} + 1);
    }
  });
  ++part_;
  append_former_before(TokenTable::first_order_of(part_));
}

}  // namespace mintmark
