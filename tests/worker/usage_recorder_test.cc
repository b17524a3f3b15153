#include "worker/usage_recorder.h"

#include <future>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include "eventstore/memory_log.h"
#include "projections/token_list.h"
#include "tests/support/fake_clock.h"
#include "tests/support/history.h"
#include "tests/support/scripted_log.h"
#include "tests/support/scripted_random.h"
#include "tests/support/view_folder.h"

namespace mintmark::usage_recorder_test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace ::mintmark::testing;

class UsageRecorderTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_GE(sodium_init(), 0); }

  void create(std::uint32_t number, AccountId account = vendor(1)) {
    auto event = token_created(token_id(number), account);
    *event.mutable_token_created()->mutable_secret_digest() = peppers_.digest(secret_);
    created_ = history_.add(token_id(number), event);
  }
  void project() {
    std::promise<bool> promise;
    projector_.when_reached(log_.head(), [&promise](bool done) { promise.set_value(done); });
    ASSERT_TRUE(promise.get_future().get());
  }
  void use(std::uint32_t number) {
    const auto now = clock_.now();
    index_.check(0, token_id(number), secret_, now, [now](auto verdict, const auto* identity) {
      ASSERT_EQ(verdict, AuthorizationIndex::Verdict::kAllowed);
      identity->last_use.note(now);
    });
  }
  void start() {
    project();
    recorder_.emplace(log_, index_, projector_, clock_, random_, 1h,
                      [](const std::string& reason) { ADD_FAILURE() << reason; });
  }
  void stop() { recorder_.reset(); }

  // What is recorded behind the tokens' creation: "stream: token@seconds since the clock's start …".
  std::vector<std::string> recorded() {
    std::vector<std::string> lines;
    for (const auto& event : log_.read(created_, 100)) {
      auto line = event.recorded.stream() + ":";
      for (const auto& use : event.recorded.event().tokens_used().uses()) {
        const auto at = Time(std::chrono::microseconds(use.last_used_at_us())) - beginning_;
        line += fmt::format(" {}@{}", use.token(), at / 1s);
      }
      lines.push_back(std::move(line));
    }
    return lines;
  }
  void await_event(Position position) {
    while (log_.head() < position) log_.wait_past(log_.head(), std::stop_token());
  }

  const std::vector<PepperKey> pepper_keys_{PepperKey{7}};
  Peppers peppers_{pepper_keys_};
  const Secret secret_ = Secret::parse(std::string(40, '1')).value();
  MemoryLog memory_{event_id(1)};
  ScriptedLog log_{memory_};
  History history_{memory_};
  FakeClock clock_;
  const Time beginning_ = clock_.now();
  SeededRandom random_{1};
  ViewFolder views_;
  AuthorizationIndex index_{peppers_};
  TokenList tokens_{views_.store().live(TokenList::projection_name)};
  Projector projector_{log_, {&index_, &tokens_}, [](const std::string& reason) { ADD_FAILURE() << reason; }};
  Position created_ = 0;
  std::optional<UsageRecorder> recorder_;
};

TEST_F(UsageRecorderTest, RecordsWhatWasUsedInAnIntervalOnceItIsOver) {
  create(1);
  create(2);
  start();
  use(2);
  clock_.advance(59min);
  use(2);
  clock_.advance(1min);
  await_event(created_ + 1);
  EXPECT_THAT(recorded(), ElementsAre("usage-VA-000-001: 2@3540"));
  const auto event = log_.read(created_, 1).front().recorded;
  EXPECT_EQ(event.actor().kind(), Actor::WORKER);
  EXPECT_EQ(event.actor().id(), "usage");
  EXPECT_EQ(event.recorded_at_us(), clock_.now().time_since_epoch().count());
  use(1);
  clock_.advance(1h);
  await_event(created_ + 2);
  EXPECT_THAT(recorded(), ElementsAre("usage-VA-000-001: 2@3540", "usage-VA-000-001: 1@3600"));
}

TEST_F(UsageRecorderTest, RecordsTheRestAtItsEndAndNothingWhereNothingWasUsed) {
  create(1);
  create(3, vendor(2));
  create(2);
  start();
  for (const auto number : {3U, 2U, 1U}) use(number);
  stop();
  EXPECT_THAT(recorded(), ElementsAre("usage-VA-000-001: 1@0 2@0", "usage-VA-000-002: 3@0"));
  project();
  EXPECT_EQ(tokens_.find(token_id(3))->last_used_at_us(), beginning_.time_since_epoch().count());
  EXPECT_EQ(tokens_.find(token_id(3))->version(), 1) << "the token itself has not changed";
  start();
  stop();
  EXPECT_EQ(recorded().size(), 2);
}

TEST_F(UsageRecorderTest, AnEventHoldsABoundedNumber) {
  constexpr auto most = static_cast<std::uint32_t>(UsageRecorder::uses_in_event_max);
  for (std::uint32_t number = 0; number < 2 * most + 1; ++number) create(number);
  start();
  for (std::uint32_t number = 0; number < 2 * most + 1; ++number) use(number);
  stop();
  std::vector<int> sizes;
  for (const auto& event : log_.read(created_, 100))
    sizes.push_back(event.recorded.event().tokens_used().uses_size());
  EXPECT_THAT(sizes, ElementsAre(most, most, 1));
}

TEST_F(UsageRecorderTest, WhatTheLogDoesNotTakeIsRecordedLater) {
  create(1);
  start();
  use(1);
  log_.refuse(AppendError::Kind::kDiskFull);
  std::promise<void> refused;
  bool told = false;
  log_.before_append([&] {
    if (!std::exchange(told, true)) refused.set_value();
  });
  clock_.advance(1h);
  refused.get_future().get();
  EXPECT_THAT(recorded(), IsEmpty());
  log_.accept();
  await_event(created_ + 1);
  EXPECT_THAT(recorded(), ElementsAre("usage-VA-000-001: 1@0"));
}

TEST_F(UsageRecorderTest, AnotherThatWasFasterIsNoObstacle) {
  create(1);
  start();
  use(1);
  bool done = false;
  log_.before_append([this, &done] {
    if (std::exchange(done, true)) return;
    Event event;
    event.mutable_tokens_used();
    history_.add("usage-VA-000-001", event);
  });
  stop();
  EXPECT_THAT(recorded(), ElementsAre("usage-VA-000-001:", "usage-VA-000-001: 1@0"));
}

TEST_F(UsageRecorderTest, AUsedTokenMayBeDeletedMeanwhile) {
  create(1);
  create(2);
  start();
  use(1);
  use(2);
  created_ = history_.add(token_id(1), token_deleted());
  project();
  stop();
  EXPECT_THAT(recorded(), ElementsAre("usage-VA-000-001: 2@0"));
}

}  // namespace
}  // namespace mintmark::usage_recorder_test
