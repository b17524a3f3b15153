#pragma once

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "eventstore/event_log.h"
#include "tests/support/event_builders.h"

// What every EventLog promises, as one suite. conformance_rules.cc holds it to the rules of appending and
// reading, conformance_races.cc to the same under threads; conformance_logs.cc lists the implementations.
namespace mintmark::testing {

// One log of its own, empty at first.
class LogUnderTest {
 public:
  virtual ~LogUnderTest() = default;
  virtual EventLog& log() = 0;
  // Called between writing and checking: an implementation that lives on closes and opens the log again
  // here, so that every promise is held to what is really stored.
  virtual void settle() = 0;
};

struct Implementation {
  std::string name;
  std::function<std::unique_ptr<LogUnderTest>()> make;
};

inline void PrintTo(const Implementation& implementation, std::ostream* out) {
  *out << implementation.name;
}

class LogConformance : public ::testing::TestWithParam<Implementation> {
 protected:
  using Kind = AppendError::Kind;

  EventLog& log() { return under_test_->log(); }
  void settle() { under_test_->settle(); }

  AppendResult append(AppendRequest request) { return append_and_wait(log(), std::move(request)); }
  AppendResult append(std::string stream, std::uint64_t expected_version, std::uint64_t first_number,
                      std::size_t count = 1) {
    return append(append_request(std::move(stream), expected_version, first_number, count));
  }
  void expect_refused(AppendRequest request, Kind kind) {
    const auto head = log().head();
    const auto result = append(std::move(request));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, kind) << result.error().message;
    EXPECT_FALSE(result.error().message.empty());
    EXPECT_EQ(log().head(), head);
  }
  // Positions without a gap, versions without a gap in each stream, bytes that are the envelope's.
  void expect_log_is_sound();

 private:
  std::unique_ptr<LogUnderTest> under_test_ = GetParam().make();
};

}  // namespace mintmark::testing
