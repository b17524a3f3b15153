#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/list_filter.h"
#include "api/rql.h"
#include "projections/audit_index.h"

namespace mintmark {

// Which of an account's events a list wants, and in which order. What asks for the events of one thing
// (object.id=SU-…) is answered from that thing's own, everything else by a look at each of the account's: a
// million take a second or less, and nothing is kept of them but the page.
class EventQuery {
 public:
  // kInvalidQuery where the query does not fit event_fields.
  static Result<EventQuery> compile(ListQuery query);

  const ListQuery& list() const { return list_; }
  // Whether it asks for all events or for one thing's alone: then it looks at no others.
  bool is_quick() const { return takes_all_ || stream_.has_value(); }

  struct Page {
    std::vector<Position> positions;  // in the order of the list
    std::size_t total = 0;
  };
  // The page that the query asks for; kInvalidQuery where it asks more of so many events than
  // limits::query_checks_max allows. Blocks on disk.
  Result<Page> page(const AuditIndex& index, AccountId account) const;

  // What lets through, oldest first, in slices: for what goes through all of them.
  struct Slice {
    std::vector<Position> positions;
    std::uint64_t next = 1;  // the first one's number of the slice behind it
    bool is_last = false;
  };
  // Those from number `first` on of the ones with a position up to `last`; looks at some thousands and lets a
  // few hundred through. Blocks on disk.
  Slice slice(const AuditIndex& index, AccountId account, std::uint64_t first, Position last) const;

 private:
  EventQuery(ListQuery query, Filter filter) : list_(std::move(query)), filter_(std::move(filter)) {}
  AuditTrail trail(const AuditIndex& index, AccountId account) const;

  ListQuery list_;
  Filter filter_;
  bool oldest_first_ = false;
  std::optional<std::string> stream_;  // of the one thing whose events they are
  bool takes_all_ = false;             // of the trail's
};

}  // namespace mintmark
