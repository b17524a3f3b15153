#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "domain/error.h"
#include "eventstore/event_log.h"

namespace mintmark {

// A stream with an event that could not be applied, at that position (0: an earlier version parked it and did
// not note where).
struct ParkedStream {
  std::string stream;
  Position position = 0;
  std::string reason;

  bool operator==(const ParkedStream&) const = default;
};

using ParkedStreams = std::map<std::string, ParkedStream, std::less<>>;

// `limit` of them where there are so many, in the order of their names.
inline std::vector<ParkedStream> first_of(const ParkedStreams& all, std::size_t limit) {
  std::vector<ParkedStream> first;
  for (const auto& [stream, parked] : all) {
    if (first.size() == limit) break;
    first.push_back(parked);
  }
  return first;
}

// What `take` answers, which takes in one event. An exception is a bug that this event has met, and a failure
// too; but std::runtime_error and std::bad_alloc mean a broken machine and go through.
template <class Take>
Result<void> take_in(Take&& take) {
  try {
    return std::forward<Take>(take)();
  } catch (const std::runtime_error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    return fail(ErrorKind::kInvalid, std::string("it met a bug: ") + error.what());
  }
}

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
  // the rest of the stream is not applied any more, and parked_streams() counts it, until a rebuild. What the
  // stream is about is refused from then on where anybody is let in by it.
  virtual void apply(std::span<const StoredEvent> events) = 0;

  // These two may be called from any thread.
  virtual std::size_t parked_streams() const = 0;
  // `limit` of them where there are so many, in the order of their names.
  virtual std::vector<ParkedStream> parked(std::size_t limit) const = 0;
};

}  // namespace mintmark
