#include <algorithm>
#include <chrono>
#include <utility>

#include "api/handlers.h"
#include "worker/job_store.h"

namespace mintmark {
namespace {

// By name; there may be more.
constexpr std::size_t parked_streams_shown_max = 100;

// What the worker has to do, and how long the oldest of it that waits for nothing but its turn has been due.
boost::json::object represent_jobs(const Services& services) {
  const auto counts = services.jobs.counts();
  const auto now = services.clock.now();
  const auto late = now - std::min(counts.oldest_due.value_or(now), now);
  return {{"waiting", counts.waiting},
          {"running", counts.running},
          {"parked", counts.parked},
          {"oldest_due_s", std::chrono::floor<std::chrono::seconds>(late).count()}};
}

}  // namespace

boost::json::array represent_parked(const Services& services) {
  boost::json::array parked;
  for (const auto& [projection, stream] : services.projector.parked(parked_streams_shown_max)) {
    parked.push_back(
        {{"projection", projection}, {"stream", stream.stream}, {"since_position", stream.position}});
  }
  return parked;
}

struct Told {
  boost::json::object jobs;
  boost::json::array parked;
};

std::string_view status_of(bool healthy, const Projector& projector) {
  if (!healthy) return "failed";
  return projector.parked_streams() > 0 ? "degraded" : "ok";
}

// 200 while everything works; 503 once the log or a projection has failed. Parked streams are told, not
// failed for: everybody else's tokens work.
awaitable<http::Response> health(Context& context) {
  const auto& services = context.services;
  auto gather = [&services]() -> Result<Told> {
    return Told{represent_jobs(services), represent_parked(services)};
  };
  const auto told = co_await services.blocking.run(std::move(gather));
  const bool healthy = services.healthy;
  co_return json_response(healthy ? 200 : 503,
                          {
                              {"status", status_of(healthy, services.projector)},
                              {"position", services.log.head()},
                              {"projected", services.projector.position()},
                              {"parked_streams", services.projector.parked_streams()},
                              {"parked", told ? boost::json::value(told->parked) : nullptr},
                              {"damage_found", services.damage_found.load()},
                              {"jobs", told ? boost::json::value(told->jobs) : nullptr},
                          });
}

}  // namespace mintmark
