#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/http/message.h"
#include "domain/error.h"
#include "domain/events.pb.h"
#include "eventstore/event_log.h"

// Conditional requests (RFC 9110, 13) and read-your-writes: what a request says about versions and positions.
// The version of a thing is the version of its stream. Nothing here blocks.
namespace mintmark {

struct RouteMatch;

// A change wants the thing to be as its client has seen it (If-Match).
struct Precondition {
  std::string stream;                   // of the thing that the path names; empty where it names none
  bool any = false;                     // "*": it must exist, in whatever version
  std::vector<std::uint64_t> versions;  // else one of these

  // Whether it fits a thing that is in version `newest`, and has been what it is now since `oldest`.
  bool holds(std::uint64_t oldest, std::uint64_t newest) const;
};

// Whether the event leaves all that a client can set of the thing as it was: it records what somebody or the
// worker did with the thing, or what only time brought, so that a change made from a version before it
// overwrites nothing.
bool leaves_unchanged(const Event& event);

// What a request's writes did, noted by write() (api/commands.h) for the fields of the answer. Of one
// request: never touched by two threads at once.
struct WriteOutcome {
  Position position = 0;                                        // how far a later read has to look
  std::vector<std::pair<std::string, std::uint64_t>> versions;  // of every stream concerned

  void note(const std::string& stream, std::uint64_t version);
};

// The stream of the one thing that the path of a request is about; nothing for a collection, or where the
// path holds no id.
std::optional<std::string> resource_stream(const RouteMatch& match);

// Whether the path ends in an id: its GET then shows one thing.
bool is_single_resource(const RouteMatch& match);

// Whether the path holds an id: what it asks for is about one thing.
bool names_one_thing(const RouteMatch& match);

// Nothing without If-Match; kInvalid where the field is not "*" or a list of entity tags. A weak tag, and one
// that no answer of ours has carried, matches nothing.
Result<std::optional<Precondition>> read_precondition(const http::Request& request, std::string stream);

// The value of a query's parameter that is no part of its filter: of name=value, name=eq=value or
// eq(name,value), in any way that the query of a list may be written (api/rql.h), at its top or inside an
// and() there. A query that is none of a list's is cut at each '&' and not decoded. kInvalid where it comes
// twice, or under an or or a not.
Result<std::optional<std::string>> find_parameter(const http::Request& request, std::string_view name);

// A position as it is written, a whole number.
std::optional<Position> parse_position(std::string_view text);

// The position that a read must have reached: of the query's min_position, which find_parameter() finds, or
// else of Mintmark-Min-Position; 0 without either. kInvalid where it is not a number, or comes twice.
Result<Position> read_min_position(const http::Request& request);

// An ETag for a version: strong, because the client sends it back with If-Match.
std::string entity_tag(std::uint64_t version);

// Adds to the answer of a change what its writes noted: Mintmark-Position, and ETag where the answer shows
// the thing that `stream` names or, with 201, one that it has made.
void add_outcome(http::Response& response, const WriteOutcome& outcome,
                 const std::optional<std::string>& stream);

}  // namespace mintmark
