#include "api/count_limit.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace mintmark {
namespace {

// What the stream notes and the view does not show yet. What it has shown and is gone since is none of it.
std::size_t count_unshown(const CountLimit& limit, const std::vector<StoredEvent>& noted,
                          Position shown_up_to) {
  return static_cast<std::size_t>(std::ranges::count_if(noted, [&](const StoredEvent& event) {
    return event.recorded.position() > shown_up_to &&
           !limit.shows(event.recorded.event().count_changed().id());
  }));
}

}  // namespace

Result<void> count_in(Services& services, const CountLimit& limit, const std::string& id,
                      Decision& decision) {
  const auto version = services.log.version_of(limit.stream);
  const auto after = version - std::min<std::uint64_t>(version, limit.max);  // more make no difference
  // What comes to be shown between the looks is counted twice: the next look does not.
  constexpr int looks_max = 3;
  for (int look = 1;; ++look) {
    const auto shown_up_to = limit.view.checkpoint();
    const auto noted = services.log.read_stream(limit.stream, after);
    const auto unshown = count_unshown(limit, noted, shown_up_to);
    if (unshown + limit.count() < limit.max) {
      Event made;
      made.mutable_count_changed()->set_id(id);
      decision.other_streams.push_back(
          make_append(services, limit.stream, after + noted.size(), {std::move(made)}));
      return {};
    }
    if (look == looks_max) return fail(ErrorKind::kConflict, limit.refusal);
  }
}

}  // namespace mintmark
