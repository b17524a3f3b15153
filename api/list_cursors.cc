#include "api/list_cursors.h"

#include <algorithm>
#include <utility>

#include <openssl/sha.h>

#include "domain/limits.h"

namespace mintmark {

// The hash keeps every entry small, however long the query.
std::string ListCursors::key_of(const Caller& caller, std::string_view identity) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(identity.data()), identity.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return caller.account.text() + caller.actor.id() + '/' + digest;
}

// All but the one used last.
void ListCursors::drop_idle(std::vector<Walk>& walks, Time now) {
  const auto last_use = std::ranges::max_element(walks, {}, &Walk::last_use)->last_use;
  std::erase_if(walks, [&](const Walk& walk) {
    return walk.last_use != last_use && std::chrono::abs(now - walk.last_use) > in_use_max;
  });
}

void ListCursors::begin(const Caller& caller, std::string_view identity, Position newest, Rows page,
                        Time now) {
  auto key = key_of(caller, identity);
  const Walk walk{newest, page.offset, page.end, now};
  const std::scoped_lock lock(mutex_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    auto& walks = found->second->walks;
    walks.push_back(walk);
    drop_idle(walks, now);
    if (walks.size() > walks_max) walks.erase(std::ranges::min_element(walks, {}, &Walk::last_use));
    entries_.splice(entries_.begin(), entries_, found->second);
    return;
  }
  entries_.push_front({std::move(key), {walk}});
  by_key_.emplace(entries_.front().key, entries_.begin());
  if (entries_.size() <= limits::list_cursors_max) return;
  by_key_.erase(entries_.back().key);
  entries_.pop_back();
}

std::optional<Position> ListCursors::resume(const Caller& caller, std::string_view identity, Rows page,
                                            Time now) {
  const auto key = key_of(caller, identity);
  const std::scoped_lock lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  entries_.splice(entries_.begin(), entries_, found->second);
  auto& walks = found->second->walks;
  drop_idle(walks, now);
  std::ranges::sort(walks, {}, &Walk::newest);
  // A page that is asked for again, since its answer was lost, say; any other page is nobody's next.
  auto walk = std::ranges::find(walks, page.offset, &Walk::next);
  if (walk == walks.end()) walk = std::ranges::find(walks, page.offset, &Walk::latest);
  if (walk == walks.end()) return std::nullopt;
  for (auto& other : walks) {
    if (other.next == page.offset) other.newest = walk->newest;
  }
  walk->latest = page.offset;
  walk->next = page.end;
  walk->last_use = now;
  return walk->newest;
}

}  // namespace mintmark
