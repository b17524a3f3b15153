#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "eventstore/bytes.h"
#include "worker/job_key.h"

// The job store's keys, as rocksdb_job_store.h lists them; for its own file alone.
namespace mintmark::job_store_keys {

template <class... Numbers>
std::string key_with(char prefix, Numbers... numbers) {
  std::string key(1, prefix);
  (put_big_endian(key, static_cast<std::uint64_t>(numbers)), ...);
  return key;
}

inline std::string job_key(const JobKey& key) {
  return key_with('j', key.position, key.kind, key.target);
}
inline std::string account_key(std::uint32_t account, const JobKey& key) {
  return key_with('a', account, key.position, key.kind, key.target);
}
// Whether a job of the kind is in its webhook's list of deliveries, and the key of its place there.
inline bool is_delivery(JobKind kind) {
  return kind == DELIVER_WEBHOOK || kind == TEST_WEBHOOK;
}
inline std::string history_key(const JobKey& key) {
  return key_with('h', key.target, key.position, key.kind);
}
inline std::string finished_key(std::int64_t finished_us, const JobKey& key) {
  return key_with('t', finished_us, key.position, key.kind, key.target);
}
inline std::string subscription_key(std::uint32_t webhook) {
  return key_with('w', webhook);
}

// The number at a place of a key that key_with() made.
inline std::uint64_t number_at(std::string_view key, std::size_t place) {
  return get_big_endian(key.substr(1 + place * 8));
}

inline JobKey key_at(std::string_view key, std::size_t place) {
  return {number_at(key, place), static_cast<JobKind>(number_at(key, place + 1)),
          static_cast<std::uint32_t>(number_at(key, place + 2))};
}

}  // namespace mintmark::job_store_keys
