#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "api/commands.h"
#include "api/services.h"
#include "domain/error.h"
#include "projections/row_projection.h"

namespace mintmark {

// How many there may be of something, however many are made at once: all that count together share a stream,
// in which each notes that it was made. So a creation that another overtook is decided again, and finds it
// there, even where the view does not show it yet.
struct CountLimit {
  std::string stream;  // count-…
  std::size_t max = 0;
  std::string refusal;        // what it says where there are as many as there may be
  const RowProjection& view;  // that shows them
  std::function<bool(const std::string& id)> shows;
  std::function<std::size_t()> count;  // of those that the view shows
};

// Adds to the decision that something with this id is made. kConflict where there are as many as there may
// be. Blocks on disk.
Result<void> count_in(Services& services, const CountLimit& limit, const std::string& id, Decision& decision);

}  // namespace mintmark
