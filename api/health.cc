#include "api/handlers.h"

namespace mintmark {

// 200 while everything works; 503 once the log or a projection has failed. Parked streams are told, not
// failed for: everybody else's tokens work.
awaitable<http::Response> health(Context& context) {
  const auto& services = context.services;
  const bool healthy = services.healthy;
  co_return json_response(healthy ? 200 : 503, {
                                                   {"status", healthy ? "ok" : "failed"},
                                                   {"position", services.log.head()},
                                                   {"projected", services.projector.position()},
                                                   {"parked_streams", services.projector.parked_streams()},
                                                   {"damage_found", services.damage_found.load()},
                                               });
}

}  // namespace mintmark
