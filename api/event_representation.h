#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/services.h"

namespace mintmark {

// An account's events as it is shown them, with the names that things and people have now. Looks each name up
// once; blocks on disk. One thread.
class EventRepresentation {
 public:
  // `services` must outlive it.
  EventRepresentation(const Services& services, AccountId account)
      : services_(services), account_(account.text()) {}

  // Those at the positions, in their order.
  boost::json::array events(const std::vector<Position>& positions);
  boost::json::object event(const Recorded& recorded);

 private:
  const boost::json::value& object_name(const std::string& stream);
  // Of who belongs to another account neither name nor address show.
  const boost::json::object& actor(const Actor& actor);

  const Services& services_;
  const std::string account_;
  std::unordered_map<std::string, boost::json::value> names_;
  std::unordered_map<std::string, boost::json::object> actors_;
};

}  // namespace mintmark
