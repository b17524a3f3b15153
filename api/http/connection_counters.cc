#include "api/http/connection_counters.h"

#include <utility>

#include <fmt/format.h>

namespace mintmark::http {

std::uint64_t ConnectionCounters::count_to_tell(Told& told) {
  const auto now = std::chrono::steady_clock::now();
  const std::scoped_lock lock(mutex_);
  ++told.count;
  if (now < told.next) return 0;
  told.next = now + interval;
  return std::exchange(told.count, 0);
}

void ConnectionCounters::refused(std::size_t thread_max) {
  refused_.fetch_add(1, std::memory_order_relaxed);
  const auto count = count_to_tell(refusals_);
  if (count == 0 || !warn_) return;
  warn_(fmt::format("{} connection(s) turned away since this was told last: an io thread serves {} at once",
                    count, thread_max));
}

void ConnectionCounters::stalled(const std::string& reason) {
  if (count_to_tell(stalls_) == 0 || !warn_) return;
  warn_(fmt::format("connections have to wait: {}", reason));
}

}  // namespace mintmark::http
