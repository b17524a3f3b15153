#include "worker/attempts.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "domain/limits.h"

namespace mintmark {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::chrono::microseconds, 7> delays{5s, 5min, 30min, 2h, 5h, 10h, 10h};
constexpr std::uint32_t jitter_parts = 1'000'000;

// The delay within ± 20 % of itself.
std::chrono::microseconds with_jitter(std::chrono::microseconds delay, Random& random) {
  const auto fifth = delay.count() / 5;
  const auto part = static_cast<std::int64_t>(random.below(2 * jitter_parts + 1)) - jitter_parts;
  return delay + std::chrono::microseconds(fifth * part / jitter_parts);
}

constexpr std::uint32_t failures_before_open = 5;
constexpr std::chrono::microseconds open_time_first = 30s;
constexpr std::chrono::microseconds open_time_max = 1h;

}  // namespace

std::optional<Time> next_attempt(std::uint32_t attempts, const AttemptEnd& end, Time now, Random& random) {
  constexpr std::uint32_t gone = 410;
  if (attempts == 0 || attempts > delays.size() || end.status == gone) return std::nullopt;
  auto delay = with_jitter(delays[attempts - 1], random);
  if (end.retry_after) {
    const std::chrono::microseconds wanted =
        std::min<std::chrono::seconds>(*end.retry_after, limits::retry_after_max);
    delay = std::max(delay, wanted);
  }
  return now + delay;
}

std::chrono::microseconds circuit_open_time(std::uint32_t failures) {
  if (failures < failures_before_open) return 0s;
  const auto doublings = std::min(failures - failures_before_open, 7U);
  return std::min(open_time_first * (1U << doublings), open_time_max);
}

std::string describe(AttemptFailure failure, std::uint32_t status) {
  switch (failure) {
    case ATTEMPT_SUCCEEDED:
      return "";
    case ATTEMPT_STATUS:
      return fmt::format("The receiver answered {}.", status);
    case ATTEMPT_INVALID_URL:
      return "The URL is not one that can be called.";
    case ATTEMPT_ADDRESS_REFUSED:
      return "The receiver's address is not one that calls may go to.";
    case ATTEMPT_PORT_REFUSED:
      return "The receiver's port is not one that calls may go to.";
    case ATTEMPT_UNRESOLVED:
      return "The receiver's name has no address.";
    case ATTEMPT_NOT_CONNECTED:
      return "The receiver does not take connections.";
    case ATTEMPT_TLS:
      return "The receiver's TLS or certificate is not right.";
    case ATTEMPT_TIMED_OUT:
      return "The receiver did not answer in time.";
    case ATTEMPT_CLOSED:
      return "The receiver closed the connection before it answered.";
    case ATTEMPT_MALFORMED:
      return "The receiver's answer is not HTTP.";
    case ATTEMPT_TOO_LARGE:
      return "The receiver's answer is too large.";
    case ATTEMPT_UNSENDABLE:
      return "The call cannot be made out of what is stored.";
    case AttemptFailure_INT_MIN_SENTINEL_DO_NOT_USE_:
    case AttemptFailure_INT_MAX_SENTINEL_DO_NOT_USE_:
      break;
  }
  return "An unknown failure.";
}

std::string failure_code(AttemptFailure failure) {
  constexpr std::string_view prefix = "ATTEMPT_";
  auto name = std::string_view(AttemptFailure_Name(failure));
  name.remove_prefix(std::min(prefix.size(), name.size()));
  std::string code;
  for (const char letter : name)
    code += letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  return code;
}

}  // namespace mintmark
