#include "api/scans.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "api/errors.h"

namespace mintmark {

std::size_t Scans::thread_count() {
  return std::max(2U, std::thread::hardware_concurrency() / 2);
}

http::Response Scans::refusal(Slots<AccountId>::Full full) {
  if (full == Slots<AccountId>::Full::kName) return too_many_requests(std::chrono::seconds(1));
  return error_response(Error{ErrorKind::kUnavailable, {"Too many lists are being filtered; try again."}});
}

http::Response Scans::refusal(const Error& error) {
  return error_response(error);
}

}  // namespace mintmark
