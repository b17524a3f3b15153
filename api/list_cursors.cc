#include "api/list_cursors.h"

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

void ListCursors::remember(const Caller& caller, std::string_view identity, Position newest) {
  auto key = key_of(caller, identity);
  const std::scoped_lock lock(mutex_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    found->second->newest = newest;
    entries_.splice(entries_.begin(), entries_, found->second);
    return;
  }
  entries_.push_front({std::move(key), newest});
  by_key_.emplace(entries_.front().key, entries_.begin());
  if (entries_.size() <= limits::list_cursors_max) return;
  by_key_.erase(entries_.back().key);
  entries_.pop_back();
}

std::optional<Position> ListCursors::find(const Caller& caller, std::string_view identity) {
  const auto key = key_of(caller, identity);
  const std::scoped_lock lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->newest;
}

}  // namespace mintmark
