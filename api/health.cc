#include <algorithm>
#include <chrono>
#include <utility>

#include "api/handlers.h"
#include "worker/job_store.h"

namespace mintmark {
namespace {

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

// 200 while everything works; 503 once the log or a projection has failed. Parked streams are told, not
// failed for: everybody else's tokens work.
awaitable<http::Response> health(Context& context) {
  const auto& services = context.services;
  auto count = [&services]() -> Result<boost::json::object> { return represent_jobs(services); };
  const auto jobs = co_await services.blocking.run(std::move(count));
  const bool healthy = services.healthy;
  co_return json_response(healthy ? 200 : 503, {
                                                   {"status", healthy ? "ok" : "failed"},
                                                   {"position", services.log.head()},
                                                   {"projected", services.projector.position()},
                                                   {"parked_streams", services.projector.parked_streams()},
                                                   {"damage_found", services.damage_found.load()},
                                                   {"jobs", jobs ? boost::json::value(*jobs) : nullptr},
                                               });
}

}  // namespace mintmark
