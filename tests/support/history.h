#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "domain/events.pb.h"
#include "domain/ids.h"
#include "eventstore/event_log.h"
#include "projections/projection.h"
#include "tests/support/event_builders.h"

// Logs as the product writes them: domain events in their streams.
namespace mintmark::testing {

inline TokenId token_id(std::uint32_t number) {
  return TokenId::from_value(number);
}
inline UserId user_id(std::uint32_t number) {
  return UserId::from_value(number);
}
inline AccountId vendor(std::uint32_t number) {
  return AccountId::from_value(AccountType::kVendor, number);
}

inline Event token_created(TokenId id, AccountId account, Extension extension = CUSTOM,
                           const std::string& name = "Billing") {
  Event event;
  auto& created = *event.mutable_token_created();
  created.set_token_id(id.text());
  created.set_account_id(account.text());
  created.set_extension(extension);
  created.set_name(name);
  created.mutable_secret_digest()->set_pepper(1);
  created.mutable_secret_digest()->set_digest(std::string(16, 'd'));
  return event;
}

inline Event token_renamed(const std::string& name) {
  Event event;
  event.mutable_token_updated()->set_name(name);
  return event;
}

inline Event token_revealed() {
  Event event;
  event.mutable_token_revealed();
  return event;
}

inline Event token_deleted() {
  Event event;
  event.mutable_token_deleted();
  return event;
}

inline Event connection_issued(const std::string& connection_id = std::string(16, 'c')) {
  Event event;
  event.mutable_zapier_connection_issued()->set_connection_id(connection_id);
  return event;
}

inline Event connection_withdrawn(const std::string& connection_id = std::string(16, 'c')) {
  Event event;
  event.mutable_zapier_connection_withdrawn()->set_connection_id(connection_id);
  return event;
}

inline Event account_opened(AccountId id, const std::string& name) {
  Event event;
  event.mutable_account_opened()->set_account_id(id.text());
  event.mutable_account_opened()->set_name(name);
  return event;
}

// Appends each event at the head of its stream, recorded one second after the event before it.
class History {
 public:
  explicit History(EventLog& log) : log_(log) {
    actor.set_kind(Actor::OPERATOR);
    actor.set_id("test");
  }

  Position add(const std::string& stream, Event event, std::vector<VaultWrite> vault_writes = {}) {
    AppendRequest request;
    const auto number = log_.head() + 1;
    request.streams.push_back({stream, log_.read_stream(stream, 0).size(), {}});
    request.streams.back().events.push_back({event_id(number), std::move(event)});
    request.metadata.actor = actor;
    request.metadata.recorded_at = recorded_at(number);
    request.vault_writes = std::move(vault_writes);
    const auto result = append_and_wait(log_, std::move(request));
    if (!result) throw std::runtime_error(result.error().message);
    return result->last;
  }
  Position add(TokenId token, Event event) { return add(stream_of(token), std::move(event)); }

  static Time recorded_at(Position position) {
    return Time(std::chrono::microseconds(1'763'910'245'000'000) + std::chrono::seconds(position));
  }

  Actor actor;

 private:
  EventLog& log_;
};

// Brings the projection up to the log's head, or to `last`, in batches of at most `batch` events.
inline void feed(EventLog& log, Projection& projection, Position last = UINT64_MAX,
                 std::size_t batch = 1024) {
  last = std::min(last, log.head());
  while (projection.checkpoint() < last) {
    const auto events =
        log.read(projection.checkpoint(), std::min<std::size_t>(batch, last - projection.checkpoint()));
    projection.apply(events);
  }
}

}  // namespace mintmark::testing
