#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/slots.h"
#include "eventstore/clock.h"
#include "eventstore/random.h"

// Who asks too much has to wait. Everything here is thread-safe, holds its lock for a few table slots, takes
// its time from a clock, and stays as large as it is made: what has not been seen for longest makes room.
namespace mintmark {

// Keyed 64-bit hashes of names (SipHash-2-4), so that nobody can aim at another's slot.
class NameHash {
 public:
  explicit NameHash(Random& random) { random.fill(key_); }
  std::uint64_t operator()(std::string_view name) const;

 private:
  std::array<std::uint8_t, 16> key_{};
};

// A table of fixed size, in sets of four. Not thread-safe.
template <class Value>
class SlotTable {
 public:
  // The value under that hash; a fresh one where there was none, in place of its set's oldest by `age_us`.
  Value& at(std::uint64_t hash);

 private:
  static constexpr std::size_t sets = 4096;
  static constexpr std::size_t ways = 4;
  struct Slot {
    std::uint64_t hash = 0;
    Value value{};
  };
  std::vector<Slot> table_ = std::vector<Slot>(sets * ways);
};

// So many a second, and so many at once, for each name: the generic cell rate algorithm (ITU-T I.371).
class RateLimiter {
 public:
  using Wait = std::optional<std::chrono::seconds>;

  // `per_second` 0: no limit.
  RateLimiter(const Clock& clock, Random& random, std::uint32_t per_second, std::uint32_t burst);

  // Nothing where it may go on, and then it counts; else how long to wait, a second at least.
  Wait take(std::string_view name);

 private:
  struct Value {
    std::int64_t age_us = 0;  // when the bucket is full again
  };
  const Clock& clock_;
  const NameHash hash_;
  const std::int64_t interval_us_;
  const std::int64_t burst_us_;
  std::mutex mutex_;
  SlotTable<Value> table_;  // guarded by mutex_
};

// What an attempt at a password is counted under.
enum class AttemptSource : std::uint8_t {
  kAddress,  // where it comes from, as far as that can be told
  kProven,   // a browser or a session that has shown the password before: nobody else counts under its name
};

// Delays on guessing passwords, because each guess costs an Argon2id. They grow with the failures of one
// source on one e-mail address, and, later, of all addresses together on it; a source that is proven or has
// signed in before is free of the second kind. Other e-mail addresses are untouched, wherever they sign in
// from. So a guesser can delay people only who sign in for the first time in a browser, from the guesser's
// own address or after many guesses from many, and never those whose browser is known.
class SignInThrottle {
 public:
  // Where it is not `enabled` nobody waits.
  SignInThrottle(const Clock& clock, Random& random, bool enabled = true)
      : clock_(clock), hash_(random), enabled_(enabled) {}

  static constexpr std::uint32_t pair_failures_free = 5;
  static constexpr std::uint32_t email_failures_free = 20;
  static constexpr auto delay_max = std::chrono::seconds(60);
  static constexpr auto memory =
      std::chrono::hours(1);  // failures older than the last one by so much are forgotten

  // Before a password is checked: nothing where it may be, and then it counts as a failure until succeeded();
  // else how long to wait. What comes too early does not count, so nobody can hold the door shut for good.
  std::optional<std::chrono::seconds> begin(std::string_view source, std::string_view email,
                                            AttemptSource kind = AttemptSource::kAddress);
  void succeeded(std::string_view source, std::string_view email);

 private:
  struct Value {
    std::int64_t age_us = 0;  // of the last attempt
    std::int64_t open_us = 0;
    std::uint32_t failures = 0;
    bool known = false;
  };
  Value& find(std::string_view name);
  void count(Value& value, std::uint32_t free);

  const Clock& clock_;
  const NameHash hash_;
  const bool enabled_;
  std::mutex mutex_;
  SlotTable<Value> table_;  // guarded by mutex_
};

enum class AuthenticationFailure : std::uint8_t { kKey, kSession, kPassword, kHandle };

// Counts failed authentications, and tells of them at most once a minute and kind: floods do not fill the
// log.
class FailureSummary {
 public:
  using Tell = std::function<void(const std::string& line)>;
  FailureSummary(const Clock& clock, Tell tell) : clock_(clock), tell_(std::move(tell)) {}

  static constexpr auto interval = std::chrono::minutes(1);
  void note(AuthenticationFailure kind);

 private:
  struct Kind {
    std::uint64_t count = 0;
    Time next{};
  };
  const Clock& clock_;
  const Tell tell_;
  std::mutex mutex_;
  std::array<Kind, 4> kinds_;  // guarded by mutex_
};

struct ThrottleOptions {
  std::uint32_t request_rate =
      0;  // a second, for each token, person or, without either, address and path; 0: no limit
  std::uint32_t request_burst = 1;
  bool slow_guessing = true;  // whether failed authentications are limited
};

// What Api asks.
class Throttle {
 public:
  Throttle(const Clock& clock, Random& random, const ThrottleOptions& options);

  // After a wrong key or handle: nothing where that may be told as ever, else how long to wait.
  // Whoever shows a right one is never asked for.
  RateLimiter::Wait failed(AuthenticationFailure kind, std::string_view address);

  // A place among those whose passwords are checked, to be kept meanwhile; null where there are too many of
  // that source or in all. Proven sources have places of their own: no crowd of others keeps them out.
  Slots<std::string>::Slot enter_check(const std::string& source, AttemptSource kind);

  RateLimiter requests;
  SignInThrottle sign_ins;
  FailureSummary failures;

 private:
  RateLimiter failed_;
  Slots<std::string> checks_;
  Slots<std::string> proven_checks_;
};

}  // namespace mintmark
