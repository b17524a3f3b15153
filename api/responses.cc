#include <boost/json/serialize.hpp>

#include "api/handlers.h"

namespace mintmark {

http::Response json_response(int status, const boost::json::object& body) {
  return {status, "application/json", boost::json::serialize(body), {}};
}

void add_position(http::Response& response, Position position) {
  if (position > 0) response.headers.emplace_back("Mintmark-Position", std::to_string(position));
}

}  // namespace mintmark
