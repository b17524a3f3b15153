#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/caller.h"
#include "domain/time.h"
#include "eventstore/event_log.h"

namespace mintmark {

// Where the lists that callers are paging through began: a later page of a list leaves out what was created
// after its first page was answered, so that nothing moves on to the next page and is shown twice. What is
// deleted meanwhile moves the rest forward. Kept in memory for the latest limits::list_cursors_max lists; a
// list that is forgotten, by a restart say, is paged as it is.
//
// Several may page through one list with one key, and nothing in a request tells which of them asks. So each
// walk is remembered with the place that it has got to, and where two are at one place, both go on with what
// the earlier began with: the other misses what was created in between, but neither sees anything twice. A
// walk that nobody went on with for in_use_max makes way for a later one.
//
// Thread-safe; it never blocks.
class ListCursors {
 public:
  static constexpr auto in_use_max = std::chrono::seconds(10);
  static constexpr std::size_t walks_max = 8;  // of one list

  // Some rows of a list: from offset to before end.
  struct Rows {
    std::size_t offset = 0;
    std::size_t end = 0;
  };

  // A first page, answered when the newest was that. `identity` is the query without its limit and offset.
  void begin(const Caller& caller, std::string_view identity, Position newest, Rows page, Time now);
  // What the newest was when the list began of which this is the next page, or the latest once more; nothing
  // for any other page, which shows the list as it is.
  std::optional<Position> resume(const Caller& caller, std::string_view identity, Rows page, Time now);

 private:
  struct Walk {
    Position newest = 0;
    std::size_t latest = 0;  // where its latest page began
    std::size_t next = 0;    // where its next page begins
    Time last_use;
  };
  struct Entry {
    std::string key;
    std::vector<Walk> walks;  // at least one
  };

  static std::string key_of(const Caller& caller, std::string_view identity);
  static void drop_idle(std::vector<Walk>& walks, Time now);

  std::mutex mutex_;
  std::list<Entry> entries_;  // the one used last is the first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_;
};

}  // namespace mintmark
