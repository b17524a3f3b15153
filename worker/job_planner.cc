#include "worker/job_planner.h"

#include <stdexcept>
#include <string>
#include <utility>

#include <spdlog/spdlog.h>

#include "domain/webhook.h"
#include "worker/planning.h"

namespace mintmark {
namespace {

bool is_deletion(const Event& event) {
  return ends_webhook(event) || event.has_token_deleted();
}

}  // namespace

void JobPlanner::apply(std::span<const StoredEvent> events) {
  const auto planned = jobs_.planned();
  while (!events.empty() && events.front().recorded.position() <= planned) events = events.subspan(1);
  while (!events.empty()) {
    const auto poison = try_to_plan(events);
    if (!poison) return;
    // What is in front of it could be planned a moment ago.
    if (poison->index > 0 && try_to_plan(events.first(poison->index)))
      throw std::logic_error("jobs are planned one way and then another");
    park(events[poison->index], poison->reason);
    events = events.subspan(poison->index + 1);
  }
}

std::optional<JobPlanner::Poison> JobPlanner::try_to_plan(std::span<const StoredEvent> events) {
  const bool any_parked = jobs_.parked_streams() > 0;
  Planning planning(log_, jobs_);
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto& recorded = events[i].recorded;
    if (any_parked && jobs_.is_parked(recorded.stream()) && !is_deletion(recorded.event())) continue;
    const auto taken = take_in([&] { return planning.take(recorded); });
    if (!taken) return Poison{i, taken.error().messages.front()};
  }
  jobs_.plan(std::move(planning).plan(events.back().recorded.position()));
  return std::nullopt;
}

void JobPlanner::park(const StoredEvent& event, const std::string& reason) {
  const auto& recorded = event.recorded;
  JobPlan plan{.position = recorded.position(), .jobs = {}, .subscriptions = {}, .ended_subscriptions = {}};
  // A deletion of a parked stream that cannot be planned either changes nothing.
  if (!jobs_.is_parked(recorded.stream())) {
    spdlog::critical("{}: cannot plan the event at position {}; stream {} is parked: {}", name(),
                     recorded.position(), recorded.stream(), reason);
    plan.parked.push_back({recorded.stream(), recorded.position(), reason});
  }
  jobs_.plan(plan);
}

std::string_view token_event_name(const Event& event) {
  if (event.has_token_created()) return "created";
  if (event.has_token_updated() || event.has_permissions_granted() || event.has_permissions_revoked()) {
    return "updated";
  }
  // A Zapier token becomes active when its connection is issued.
  if (event.has_token_activated() || event.has_zapier_connection_issued()) return "activated";
  if (event.has_token_deactivated()) return "deactivated";
  if (event.has_token_rotated()) return "rotated";
  if (event.has_token_renewed()) return "renewed";
  if (event.has_token_expiring()) return "expiring";
  if (event.has_token_expired()) return "expired";
  if (event.has_token_deleted()) return "deleted";
  return "";
}

std::string event_type_name(std::uint32_t event_kind) {
  if (event_kind == Event::kWebhookTriggered) return "trigger";
  if (event_kind == Event::kWebhookTestRequested) return "test";
  Event event;
  const auto* field = Event::descriptor()->FindFieldByNumber(static_cast<int>(event_kind));
  if (!field) return "";
  event.GetReflection()->MutableMessage(&event, field);
  const auto name = token_event_name(event);
  return name.empty() ? "" : "token." + std::string(name);
}

}  // namespace mintmark
