#pragma once

#include <cstdint>

namespace mintmark {

// What events there can be in a log. It grows with each release that adds to domain/events.proto: a kind of
// event, a field or a value. A log says which one it was written under, so that an earlier program refuses it
// as a whole instead of passing over what it does not know; tests/golden/events/schema.v<n>.txt holds what
// belongs to each. Logs that say none are of schema 1.
inline constexpr std::uint64_t event_schema = 3;

}  // namespace mintmark
