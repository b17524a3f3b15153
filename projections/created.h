#pragma once

#include "domain/events.pb.h"
#include "projections/rows.pb.h"

namespace mintmark {

// When, and by whom, what the event tells was done.
inline Created created_by(const Recorded& recorded) {
  Created created;
  created.set_at_us(recorded.recorded_at_us());
  *created.mutable_by() = recorded.actor();
  return created;
}

}  // namespace mintmark
