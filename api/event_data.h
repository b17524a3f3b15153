#pragma once

#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "domain/events.pb.h"

// What readers of the log are shown of an event.
namespace mintmark {

// TokenCreated, …; Event where this program does not know its kind.
const std::string& event_type(const Event& event);
// By the number of the kind's field in Event; empty where there is none.
std::string_view event_type(int number);
// Whether there is an event of that type.
bool is_event_type(std::string_view name);

// Its fields. No secret, sealed or hashed value ever shows: of the fields only texts, numbers and dates do.
boost::json::object render_event_data(const Event& event);
// The account_id of an event that has one; else empty.
std::string account_in(const Event& event);

// user, token, worker, operator
std::string actor_kind_name(Actor::Kind kind);
// An event's id as it is written; empty where it is none.
std::string uuid_text(const std::string& bytes);

}  // namespace mintmark
