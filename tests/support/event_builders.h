#pragma once

#include <cstdint>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "eventstore/event_log.h"

// Short forms of what tests append, and of waiting for its answer.
namespace mintmark::testing {

// The same id for the same number; numbers from different tests may repeat, logs do not see each other.
inline EventId event_id(std::uint64_t number) {
  EventId id;
  for (std::size_t i = 0; i < 8; ++i) id.bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  id.bytes[6] = 0x70;
  return id;
}

inline Event account_opened(const std::string& name) {
  Event event;
  event.mutable_account_opened()->set_account_id("VA-000-001");
  event.mutable_account_opened()->set_name(name);
  return event;
}

inline NewEvent new_event(std::uint64_t number) {
  return {event_id(number), account_opened(fmt::format("event {}", number))};
}

// `count` events, numbered from `first_number`, for one stream.
inline StreamAppend stream_append(std::string stream, std::uint64_t expected_version,
                                  std::uint64_t first_number, std::size_t count = 1) {
  StreamAppend append{std::move(stream), expected_version, {}};
  for (std::size_t i = 0; i < count; ++i) append.events.push_back(new_event(first_number + i));
  return append;
}

inline AppendRequest append_request(StreamAppend append) {
  AppendRequest request;
  request.streams.push_back(std::move(append));
  request.metadata.actor.set_kind(Actor::OPERATOR);
  request.metadata.actor.set_id("test");
  return request;
}

inline AppendRequest append_request(std::string stream, std::uint64_t expected_version,
                                    std::uint64_t first_number, std::size_t count = 1) {
  return append_request(stream_append(std::move(stream), expected_version, first_number, count));
}

inline IdempotencyKey idempotency_key(const std::string& key, const std::string& request) {
  return {"hash of key " + key, "hash of request " + request};
}

inline std::future<AppendResult> start_append(EventLog& log, AppendRequest request) {
  std::promise<AppendResult> promise;
  auto future = promise.get_future();
  log.append(std::move(request), [promise = std::move(promise)](AppendResult result) mutable {
    promise.set_value(std::move(result));
  });
  return future;
}

inline std::vector<std::string> stored_bytes(EventLog& log) {
  std::vector<std::string> bytes;
  for (auto& event : log.read(0, log.head() + 1)) bytes.push_back(std::move(event.bytes));
  return bytes;
}

}  // namespace mintmark::testing
