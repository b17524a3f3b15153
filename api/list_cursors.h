#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "api/caller.h"
#include "eventstore/event_log.h"

namespace mintmark {

// Where the lists that callers are paging through began: a later page of a list leaves out what was created
// after its first page was answered (pages of one size, one behind the other), so that nothing moves on to
// the next page and is shown twice. What is deleted meanwhile moves the rest forward. Kept in memory for the
// latest limits::list_cursors_max lists; a list that is forgotten, by a restart say, is paged as it is.
// Thread-safe; it never blocks.
class ListCursors {
 public:
  // `identity` is the query without its offset.
  void remember(const Caller& caller, std::string_view identity, Position newest);
  std::optional<Position> find(const Caller& caller, std::string_view identity);

 private:
  struct Entry {
    std::string key;
    Position newest = 0;
  };

  static std::string key_of(const Caller& caller, std::string_view identity);

  std::mutex mutex_;
  std::list<Entry> entries_;  // the one used last is the first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_;
};

}  // namespace mintmark
