#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "tests/support/rest_client.h"
#include "tests/support/server_process.h"

namespace mintmark::testing {

// Ids by the segment of a path that stands before them, such as "tokens".
using IdsByKind = std::map<std::string, std::string, std::less<>>;

// An id of that kind that nobody has; throws for a kind that is not known.
std::string absent_id(std::string_view kind);

// Makes one thing of each kind that accounts do not share, as the person who is signed in with the client;
// throws where that is refused. Nothing happens behind it any more when it returns.
IdsByKind make_things(RestClient& client, const InitialisedFolder::Person& person);

}  // namespace mintmark::testing
