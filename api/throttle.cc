#include "api/throttle.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <sodium.h>
#include <spdlog/spdlog.h>

#include "domain/limits.h"

namespace mintmark {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

constexpr std::int64_t second_us = 1'000'000;
// Wrong keys and handles from one address: many at once from a broken client are fine.
constexpr std::uint32_t failure_rate = 1;
constexpr std::uint32_t failure_burst = 20;

std::int64_t now_us(const Clock& clock) {
  return clock.now().time_since_epoch().count();
}

seconds rounded_up(std::int64_t wait_us) {
  return std::max(seconds(1), std::chrono::ceil<seconds>(microseconds(wait_us)));
}

std::string_view name_of(AuthenticationFailure kind) {
  switch (kind) {
    case AuthenticationFailure::kKey:
      return "key";
    case AuthenticationFailure::kSession:
      return "session";
    case AuthenticationFailure::kPassword:
      return "password";
    case AuthenticationFailure::kHandle:
      return "handle";
  }
  return "";
}

std::string pair_of(std::string_view source, std::string_view email) {
  return fmt::format("{} {}", source, email);
}

}  // namespace

std::uint64_t NameHash::operator()(std::string_view name) const {
  static_assert(sizeof key_ == crypto_shorthash_KEYBYTES);
  std::uint64_t hash = 0;
  static_assert(sizeof hash == crypto_shorthash_BYTES);
  crypto_shorthash(reinterpret_cast<unsigned char*>(&hash),
                   reinterpret_cast<const unsigned char*>(name.data()), name.size(), key_.data());
  return hash;
}

template <class Value>
Value& SlotTable<Value>::at(std::uint64_t hash) {
  Slot* const first = &table_[hash % sets * ways];
  Slot* oldest = first;
  for (Slot* slot = first; slot != first + ways; ++slot) {
    if (slot->hash == hash) return slot->value;
    if (slot->value.age_us < oldest->value.age_us) oldest = slot;
  }
  *oldest = {hash, Value{}};
  return oldest->value;
}

RateLimiter::RateLimiter(const Clock& clock, Random& random, std::uint32_t per_second, std::uint32_t burst)
    : clock_(clock),
      hash_(random),
      interval_us_(per_second == 0 ? 0 : std::max<std::int64_t>(1, second_us / per_second)),
      burst_us_(interval_us_ * burst) {}

RateLimiter::Wait RateLimiter::take(std::string_view name) {
  if (interval_us_ == 0) return std::nullopt;
  const auto now = now_us(clock_);
  const auto hash = hash_(name);
  const std::scoped_lock lock(mutex_);
  auto& full_at = table_.at(hash).age_us;
  // A clock that was set back must not keep anybody waiting for longer than a whole bucket takes.
  full_at = std::clamp(full_at, now, now + burst_us_);
  const auto next = full_at + interval_us_;
  if (next > now + burst_us_) return rounded_up(next - now - burst_us_);
  full_at = next;
  return std::nullopt;
}

SignInThrottle::Value& SignInThrottle::find(std::string_view name) {
  auto& value = table_.at(hash_(name));
  const auto now = now_us(clock_);
  const auto memory_us = microseconds(memory).count();
  if (now - value.age_us > memory_us || value.age_us > now) {
    value.failures = 0;
    value.open_us = 0;
  }
  return value;
}

void SignInThrottle::count(Value& value, std::uint32_t free) {
  const auto now = now_us(clock_);
  value.age_us = now;
  ++value.failures;
  if (value.failures < free) return;
  const auto doublings = std::min<std::uint32_t>(value.failures - free, 30);
  value.open_us = now + std::min(second_us << doublings, microseconds(delay_max).count());
}

std::optional<seconds> SignInThrottle::begin(std::string_view source, std::string_view email,
                                             AttemptSource kind) {
  if (!enabled_) return std::nullopt;
  const auto now = now_us(clock_);
  const std::scoped_lock lock(mutex_);
  // One after the other: finding the second may put another name into the first one's slot.
  const auto pair = find(pair_of(source, email));
  const auto all = find(email);
  const bool known = pair.known || kind == AttemptSource::kProven;
  const auto open_us = known ? pair.open_us : std::max(pair.open_us, all.open_us);
  if (now < open_us) return rounded_up(open_us - now);
  count(find(pair_of(source, email)), pair_failures_free);
  if (!known) count(find(email), email_failures_free);
  return std::nullopt;
}

void SignInThrottle::succeeded(std::string_view source, std::string_view email) {
  const auto now = now_us(clock_);
  const std::scoped_lock lock(mutex_);
  find(pair_of(source, email)) = {now, 0, 0, true};
  find(email) = {now, 0, 0, false};
}

void FailureSummary::note(AuthenticationFailure kind) {
  const auto now = clock_.now();
  std::uint64_t count = 0;
  {
    const std::scoped_lock lock(mutex_);
    auto& state = kinds_.at(static_cast<std::size_t>(kind));
    ++state.count;
    // Further ahead than that it is only where the clock was set back.
    if (now < state.next && state.next - now <= interval) return;
    count = std::exchange(state.count, 0);
    state.next = now + interval;
  }
  tell_(fmt::format("{} authentication(s) with a wrong {} since this was told last", count, name_of(kind)));
}

Throttle::Throttle(const Clock& clock, Random& random, const ThrottleOptions& options)
    : requests(clock, random, options.request_rate, options.request_burst),
      sign_ins(clock, random, options.slow_guessing),
      failures(clock, [](const std::string& line) { spdlog::warn("{}", line); }),
      failed_(clock, random, options.slow_guessing ? failure_rate : 0, failure_burst),
      checks_(limits::sign_ins_at_once_max, limits::sign_ins_per_address_at_once_max),
      proven_checks_(limits::proven_sign_ins_at_once_max, limits::proven_sign_ins_each_at_once_max) {}

Slots<std::string>::Slot Throttle::enter_check(const std::string& source, AttemptSource kind) {
  auto& checks = kind == AttemptSource::kProven ? proven_checks_ : checks_;
  return checks.enter(source).value_or(nullptr);
}

RateLimiter::Wait Throttle::failed(AuthenticationFailure kind, std::string_view address) {
  failures.note(kind);
  return failed_.take(address);
}

}  // namespace mintmark
