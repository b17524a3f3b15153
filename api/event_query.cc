#include "api/event_query.h"

#include <algorithm>
#include <utility>

#include "api/event_data.h"
#include "api/list_response.h"
#include "domain/limits.h"

namespace mintmark {
namespace {

// The places of event_fields.
enum EventField : std::size_t {
  kPosition,
  kType,
  kAt,
  kObjectId,
  kObjectKind,
  kActorId,
  kActorKind,
  kClientIp,
};

bool matches(const Condition& condition, const AuditEntry& entry) {
  switch (static_cast<EventField>(condition.field)) {
    case kPosition:
      return condition.matches(std::optional(static_cast<std::int64_t>(entry.position)));
    case kType:
      return condition.matches(event_type(entry.type));
    case kAt:
      return condition.matches(std::optional(entry.at_us));
    case kObjectId:
      return condition.matches(audit_object(entry.stream).id);
    case kObjectKind:
      return condition.matches(audit_object(entry.stream).kind);
    case kActorId:
      return condition.matches(entry.actor_id);
    case kActorKind:
      return condition.matches(actor_kind_name(entry.actor_kind));
    case kClientIp:
      return condition.matches(entry.client_ip);
  }
  return false;
}

// The condition that every row has to meet which asks for one thing; null where there is none.
const Condition* find_object_condition(const Filter& filter) {
  if (filter.kind == Filter::Kind::kCondition) {
    const auto& condition = filter.condition;
    const bool asks_for_one = condition.field == kObjectId && condition.kind == Condition::Kind::kOneOf &&
                              !condition.or_null && condition.texts.only();
    return asks_for_one ? &condition : nullptr;
  }
  if (filter.kind != Filter::Kind::kAll) return nullptr;
  for (const auto& part : filter.parts) {
    if (const auto* found = find_object_condition(part)) return found;
  }
  return nullptr;
}

bool is_one_condition(const Filter& filter) {
  if (filter.kind == Filter::Kind::kCondition) return true;
  return filter.kind == Filter::Kind::kAll && filter.parts.size() == 1 &&
         is_one_condition(filter.parts.front());
}

}  // namespace

Result<EventQuery> EventQuery::compile(ListQuery query) {
  auto filter = compile_filter(query, event_fields);
  if (!filter) return std::unexpected(std::move(filter.error()));
  const auto order = compile_ordering(query, event_fields);
  if (!order) return std::unexpected(order.error());
  EventQuery made(std::move(query), std::move(*filter));
  // There is one field to order by, and no two events are equal in it.
  made.oldest_first_ = !order->empty() && !order->front().descending;
  made.takes_all_ = made.filter_.passes_all();
  if (const auto* condition = find_object_condition(made.filter_)) {
    made.stream_ = audit_stream(*condition->texts.only());
    made.takes_all_ = is_one_condition(made.filter_);
  }
  return made;
}

AuditTrail EventQuery::trail(const AuditIndex& index, AccountId account) const {
  return stream_ ? index.trail(account, *stream_) : index.trail(account);
}

Result<EventQuery::Page> EventQuery::page(const AuditIndex& index, AccountId account) const {
  auto events = trail(index, account);
  const auto bounded = check_work(filter_, takes_all_ ? 0 : events.count(), limits::query_checks_max);
  if (!bounded) return std::unexpected(bounded.error());
  Page page;
  // Where all are wanted the page's place is known, and the number of all.
  const auto skipped = takes_all_ ? std::min<std::uint64_t>(list_.offset, events.count()) : 0;
  std::size_t found = skipped;
  const AuditTrail::Visit visit = [&](std::uint64_t, const AuditEntry& entry) {
    const auto matches_entry = [&entry](const Condition& condition) { return matches(condition, entry); };
    if (!takes_all_ && !passes(filter_, matches_entry)) return true;
    if (found++ >= list_.offset && page.positions.size() < list_.limit) {
      page.positions.push_back(entry.position);
    }
    return !takes_all_ || page.positions.size() < list_.limit;
  };
  if (oldest_first_) {
    events.forward(skipped + 1, visit);
  } else {
    events.backward(events.count() - skipped, visit);
  }
  page.total = takes_all_ ? events.count() : found;
  return page;
}

EventQuery::Slice EventQuery::slice(const AuditIndex& index, AccountId account, std::uint64_t first,
                                    Position last) const {
  auto events = trail(index, account);
  Slice slice{{}, first, true};
  events.forward(first, [&](std::uint64_t number, const AuditEntry& entry) {
    if (entry.position > last) return false;
    const bool is_full = slice.positions.size() == limits::event_slice_events_max ||
                         number - first == limits::event_slice_looked_at_max;
    if (is_full) {
      slice.is_last = false;
      return false;
    }
    slice.next = number + 1;
    const auto matches_entry = [&entry](const Condition& condition) { return matches(condition, entry); };
    if (takes_all_ || passes(filter_, matches_entry)) slice.positions.push_back(entry.position);
    return true;
  });
  return slice;
}

}  // namespace mintmark
