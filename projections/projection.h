#pragma once

#include <span>
#include <string_view>

#include "eventstore/event_log.h"

namespace mintmark {

// A view of the log, and nothing but: delete it and it comes back, equal, from the log. The projector
// (projections/projector.h) is the only caller of apply(), from one thread; a projection's own read functions
// may be called from any.
class Projection {
 public:
  virtual ~Projection() = default;

  virtual std::string_view name() const = 0;

  // The position of the last event that it has taken in, 0 before the first.
  virtual Position checkpoint() const = 0;

  // Takes in events that follow its checkpoint without a gap, all or none of them, together with the new
  // checkpoint. When it returns, readers see them. An event that it cannot apply parks that event's stream:
  // the rest of the stream is not applied any more, and parked_streams() counts it, until a rebuild.
  virtual void apply(std::span<const StoredEvent> events) = 0;

  virtual std::size_t parked_streams() const = 0;
};

}  // namespace mintmark
