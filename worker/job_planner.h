#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eventstore/event_log.h"
#include "projections/projection.h"
#include "worker/job_store.h"

namespace mintmark {

// Makes events into jobs, and recorded outcomes into what became of them: the job store is a projection like
// the others, and the projector feeds it through this.
//
//   a trigger of a webhook, a test of it     → a delivery to it
//   what happens to a token                  → a delivery to each active webhook of its account for tokens
//   a Zapier token is created, deleted       → its connection is issued, withdrawn
//   it stops, starts or ends                 → its webhooks follow
//   a receiver answers 410, fails for long   → its webhook stops
class JobPlanner final : public Projection {
 public:
  // Both must outlive it.
  JobPlanner(EventLog& log, JobStore& jobs) : log_(log), jobs_(jobs) {}

  std::string_view name() const override { return "jobs"; }
  Position checkpoint() const override { return jobs_.planned(); }
  // Reads streams of the log: blocks on disk.
  void apply(std::span<const StoredEvent> events) override;
  // What an event names and is not there is not an error: it plans nothing. A webhook or a token whose
  // account cannot be told parks its stream; of a parked stream only a deletion still counts.
  std::size_t parked_streams() const override { return jobs_.parked_streams(); }
  std::vector<ParkedStream> parked(std::size_t limit) const override { return jobs_.parked(limit); }

 private:
  struct Poison {
    std::size_t index;
    std::string reason;
  };
  // Plans them all; or none, where one cannot be planned.
  std::optional<Poison> try_to_plan(std::span<const StoredEvent> events);
  void park(const StoredEvent& event, const std::string& reason);

  EventLog& log_;
  JobStore& jobs_;
};

// Whether a token's event is told to the webhooks for tokens; its name there: "created", "updated", … Empty
// where it is not.
std::string_view token_event_name(const Event& event);
// The same of any event that calls for a delivery: "token.created", "trigger", "test".
std::string event_type_name(std::uint32_t event_kind);

}  // namespace mintmark
