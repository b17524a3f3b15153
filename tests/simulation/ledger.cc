#include "tests/simulation/ledger.h"

#include <utility>

#include "tests/simulation/trace.h"

namespace mintmark::testing {

std::size_t Ledger::submitted(const AppendRequest& request) {
  Append append;
  for (const auto& stream : request.streams) {
    for (const auto& event : stream.events) append.ids.emplace_back(event.id.view());
  }
  if (request.idempotency_key) append.key_hash = request.idempotency_key->key_hash;
  for (std::size_t i = 0; i < append.ids.size(); ++i) places_[append.ids[i]] = {appends_.size(), i};
  appends_.push_back(std::move(append));
  return appends_.size() - 1;
}

void Ledger::answered(std::size_t number, const AppendResult& result, EventLog& log) {
  if (!result) return;
  ++acknowledged_;
  observe(log);
  require(result->last <= events_.size(), "an append is acknowledged that the log does not show");
  const auto& asked = appends_[number];
  const auto& first_id = events_[result->first - 1].recorded.event_id();
  const auto& found = appends_[places_.at(first_id).append];
  require(result->last - result->first + 1 == found.ids.size(), "an append is acknowledged in part");
  const bool same_key = !asked.key_hash.empty() && asked.key_hash == found.key_hash;
  require(found.ids == asked.ids || (result->repeated && same_key),
          "an append is acknowledged at the positions of another");
}

void Ledger::observe(EventLog& log) {
  require(log.head() >= events_.size(), "the log's head went back");
  if (log.head() == events_.size()) return;
  for (auto& event : log.read(events_.size(), log.head())) take(std::move(event));
  require(left_of_append_ == 0, "half of an append is published");
}

void Ledger::take(StoredEvent event) {
  const auto& recorded = event.recorded;
  require(recorded.position() == events_.size() + 1, fmt::format("a gap before {}", recorded.position()));
  const auto place = places_.find(recorded.event_id());
  require(place != places_.end(), fmt::format("nobody asked for the event at {}", recorded.position()));
  require(published_ids_.insert(recorded.event_id()).second,
          fmt::format("the event at {} was there before", recorded.position()));
  const auto& append = appends_[place->second.append];
  if (place->second.index == 0) {
    require(left_of_append_ == 0, fmt::format("half of an append before {}", recorded.position()));
    left_of_append_ = append.ids.size();
    require(append.key_hash.empty() || published_keys_.insert(append.key_hash).second,
            fmt::format("a second append under one idempotency key at {}", recorded.position()));
  }
  require(append.ids.size() - left_of_append_ == place->second.index,
          fmt::format("the event at {} is not in its append's order", recorded.position()));
  --left_of_append_;
  events_.push_back(std::move(event));
  on_event(events_.back());
}

void Ledger::check_recovered(EventLog& log) {
  require(log.head() >= events_.size(),
          fmt::format("acknowledged events are lost: the log ends at {}, and was at {}", log.head(),
                      events_.size()));
  const auto found = log.read(0, events_.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    require(found[i].bytes == events_[i].bytes, fmt::format("the event at {} is another now", i + 1));
  }
  observe(log);
}

void LedgerLog::append(AppendRequest request, AppendDone done) {
  const auto number = ledger_.submitted(request);
  const auto& append = request.streams.at(0);
  const bool is_waited_for =
      request.metadata.actor.kind() != Actor::USER && !append.stream.starts_with("deliveries");
  const auto answered = std::make_shared<bool>(false);
  log_.append(std::move(request), [this, number, answered, alive = alive_,
                                   done = std::move(done)](const AppendResult& result) mutable {
    if (!*alive) return;
    *answered = true;
    ledger_.answered(number, result, *this);
    done(result);
  });
  if (!is_waited_for) return;
  while (!*answered && (log_.commit_step() || log_.anchor_step())) {
  }
}

}  // namespace mintmark::testing
