#pragma once

#include <cstddef>

#include "api/routes.h"

namespace mintmark {

// kNotFound where the thing in the path is not the caller's own, in the words for one that nobody has, and
// before anything is read about it: only what is the caller's own is looked through. So neither the answer
// nor the time that it takes tells whether another account has such a thing. A change that is repeated under
// its idempotency key passes, though it has deleted the thing; so does everything where a parked stream
// leaves open whose the thing is. `thread`: the io thread's number.
awaitable<Result<void>> check_ownership(Services& services, const Context& context, const RouteMatch& match,
                                        std::size_t thread);

}  // namespace mintmark
