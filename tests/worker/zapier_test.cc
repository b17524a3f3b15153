#include "worker/zapier.h"

#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/limits.h"
#include "eventstore/memory_log.h"
#include "tests/support/fake_clock.h"
#include "tests/support/history.h"
#include "tests/support/scripted_log.h"
#include "tests/support/scripted_random.h"

namespace mintmark {
namespace {

using ::testing::ElementsAre;
using namespace ::mintmark::testing;

class ZapierTest : public ::testing::Test {
 protected:
  // The job that the newest event calls for.
  std::optional<StoredJob> plan() {
    return plan_zapier_job(log_, log_.read(log_.head() - 1, 1).front().recorded);
  }
  Result<void> run(const StoredJob& job) { return run_zapier_job(log_, clock_, random_, job); }

  std::vector<Event::KindCase> kinds(TokenId token) {
    std::vector<Event::KindCase> kinds;
    for (const auto& event : memory_.read_stream(stream_of(token), 0)) {
      kinds.push_back(event.recorded.event().kind_case());
    }
    return kinds;
  }

  MemoryLog memory_{event_id(1)};
  ScriptedLog log_{memory_};
  History history_{memory_};
  FakeClock clock_;
  SeededRandom random_{1};
  const TokenId token_ = token_id(1);
};

TEST_F(ZapierTest, ACreatedZapierTokenCallsForItsConnection) {
  history_.add(token_, token_created(token_, vendor(1), ZAPIER));
  const auto job = plan();
  ASSERT_TRUE(job);
  EXPECT_EQ(job->kind(), StoredJob::ISSUE_ZAPIER_CONNECTION);
  EXPECT_EQ(job->subject(), stream_of(token_));
  EXPECT_EQ(job->position(), 1);
  EXPECT_EQ(job->event_id(), event_id(1).view());
  EXPECT_EQ(job->due_us(), History::recorded_at(1).time_since_epoch().count());
  EXPECT_EQ(job->attempts(), 0);
}

TEST_F(ZapierTest, ADeletedZapierTokenCallsForTheWithdrawal) {
  history_.add(token_, token_created(token_, vendor(1), ZAPIER));
  history_.add(token_, token_deleted());
  const auto job = plan();
  ASSERT_TRUE(job);
  EXPECT_EQ(job->kind(), StoredJob::WITHDRAW_ZAPIER_CONNECTION);
  EXPECT_EQ(job->position(), 2);
}

TEST_F(ZapierTest, ACustomTokenCallsForNothing) {
  history_.add(token_, token_created(token_, vendor(1), CUSTOM));
  EXPECT_FALSE(plan());
  history_.add(token_, token_deleted());
  EXPECT_FALSE(plan());
}

TEST_F(ZapierTest, OtherEventsOfAZapierTokenCallForNothing) {
  history_.add(token_, token_created(token_, vendor(1), ZAPIER));
  for (const auto& event :
       {token_renamed("x"), token_revealed(), connection_issued(), connection_withdrawn()}) {
    history_.add(token_, event);
    EXPECT_FALSE(plan()) << event.ShortDebugString();
  }
  history_.add(stream_of(vendor(1)), account_opened(vendor(1), "Acme"));
  EXPECT_FALSE(plan());
}

TEST_F(ZapierTest, IssuingAppendsTheConnectionUnderTheWorkersName) {
  history_.add(token_, token_created(token_, vendor(1), ZAPIER));
  ASSERT_TRUE(run(*plan()));
  const auto issued = log_.read(1, 1).front().recorded;
  EXPECT_EQ(issued.event().zapier_connection_issued().connection_id(), event_id(1).view());
  EXPECT_EQ(issued.actor().kind(), Actor::WORKER);
  EXPECT_EQ(issued.actor().id(), "zapier");
  EXPECT_EQ(issued.causation_id(), event_id(1).view());
  EXPECT_EQ(issued.correlation_id(), event_id(1).view());
  EXPECT_EQ(issued.recorded_at_us(), clock_.now().time_since_epoch().count());
}

TEST_F(ZapierTest, DoingAJobAgainChangesNothing) {
  history_.add(token_, token_created(token_, vendor(1), ZAPIER));
  const auto issue = *plan();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(run(issue));
  history_.add(token_, token_deleted());
  const auto withdraw = *plan();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(run(withdraw));
  ASSERT_TRUE(run(issue));
  EXPECT_THAT(kinds(token_), ElementsAre(Event::kTokenCreated, Event::kZapierConnectionIssued,
                                         Event::kTokenDeleted, Event::kZapierConnectionWithdrawn));
}

TEST_F(ZapierTest, ATokenDeletedBeforeItsConnectionWasIssuedGetsNone) {
  history_.add(token_, token_created(token_, vendor(1), ZAPIER));
  const auto issue = *plan();
  history_.add(token_, token_deleted());
  const auto withdraw = *plan();
  ASSERT_TRUE(run(issue));
  ASSERT_TRUE(run(withdraw));
  EXPECT_THAT(kinds(token_), ElementsAre(Event::kTokenCreated, Event::kTokenDeleted));
}

TEST_F(ZapierTest, ALostRaceIsDecidedAgain) {
  history_.add(token_, token_created(token_, vendor(1), ZAPIER));
  const auto issue = *plan();
  int races = 3;
  log_.before_append([&] {
    if (races-- > 0) history_.add(token_, token_renamed("raced " + std::to_string(races)));
  });
  ASSERT_TRUE(run(issue));
  EXPECT_EQ(log_.appends(), 4);
  EXPECT_THAT(kinds(token_), ElementsAre(Event::kTokenCreated, Event::kTokenUpdated, Event::kTokenUpdated,
                                         Event::kTokenUpdated, Event::kZapierConnectionIssued));
}

TEST_F(ZapierTest, ADeletionThatWinsTheRaceLeavesNothingToIssue) {
  history_.add(token_, token_created(token_, vendor(1), ZAPIER));
  const auto issue = *plan();
  bool raced = false;
  log_.before_append([&] {
    if (!raced) history_.add(token_, token_deleted());
    raced = true;
  });
  ASSERT_TRUE(run(issue));
  EXPECT_THAT(kinds(token_), ElementsAre(Event::kTokenCreated, Event::kTokenDeleted));
}

TEST_F(ZapierTest, ARaceThatIsAlwaysLostIsGivenUpForNow) {
  history_.add(token_, token_created(token_, vendor(1), ZAPIER));
  const auto issue = *plan();
  log_.before_append([&] { history_.add(token_, token_revealed()); });
  const auto done = run(issue);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(log_.appends(), limits::conflict_retries_max);
}

TEST_F(ZapierTest, WhatTheLogRefusesIsToldByItsKind) {
  history_.add(token_, token_created(token_, vendor(1), ZAPIER));
  const auto issue = *plan();
  using Kind = AppendError::Kind;
  for (const auto& [refusal, expected] : {std::pair(Kind::kBusy, ErrorKind::kUnavailable),
                                          std::pair(Kind::kDiskFull, ErrorKind::kInsufficientStorage),
                                          std::pair(Kind::kUnknown, ErrorKind::kOutcomeUnknown)}) {
    log_.refuse(refusal);
    const auto done = run(issue);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, expected);
  }
  EXPECT_EQ(memory_.head(), 1);
}

}  // namespace
}  // namespace mintmark
