#include <boost/json/serialize.hpp>

#include "api/errors.h"
#include "api/handlers.h"

namespace mintmark {

http::Response no_stream_slot(StreamSlots::Full full) {
  constexpr std::chrono::seconds retry_after{10};
  if (full == StreamSlots::Full::kName) return too_many_requests(retry_after);
  return error_response(
      Error{ErrorKind::kUnavailable, {"Too many streams and exports are open; try again later."}});
}

http::Response json_response(int status, const boost::json::object& body) {
  return {status, "application/json", boost::json::serialize(body), {}};
}

void add_position(http::Response& response, Position position) {
  if (position > 0) response.headers.emplace_back("Mintmark-Position", std::to_string(position));
}

}  // namespace mintmark
