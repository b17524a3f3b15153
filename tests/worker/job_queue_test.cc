#include "worker/job_queue.h"

#include <chrono>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mintmark::job_queue_test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

JobKey delivery(Position position, std::uint32_t webhook) {
  return {position, DELIVER_WEBHOOK, webhook};
}
JobSubject deliveries_to(std::uint32_t webhook) {
  return {JobSubject::Group::kDeliveries, webhook};
}

class JobQueueTest : public ::testing::Test {
 protected:
  void put(Position position, std::uint32_t webhook) { queue_.put(delivery(position, webhook), now_, false); }
  std::optional<JobQueue::Claimed> claim() { return queue_.claim(now_, now_ + 30s, {}); }
  // The position of the job that the next claim gets; 0 for none.
  Position next() {
    const auto claimed = claim();
    return claimed ? claimed->key.position : 0;
  }

  Time now_ = Time(std::chrono::microseconds(1'763'910'245'000'000));
  JobQueue queue_;
};

TEST_F(JobQueueTest, JobsOfOneSubjectRunInOrderWhileOthersGoBeside) {
  put(2, 7);
  put(1, 7);
  put(3, 8);
  const auto first = claim();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->key.position, 1);
  EXPECT_EQ(next(), 3);
  EXPECT_EQ(next(), 0);
  queue_.erase(first->key);
  EXPECT_EQ(next(), 2);
}

TEST_F(JobQueueTest, GroupsOfOneTargetAreSubjectsOfTheirOwn) {
  put(1, 7);
  queue_.put({2, TEST_WEBHOOK, 7}, now_, false);
  queue_.put({3, STOP_WEBHOOK, 7}, now_, false);
  queue_.put({4, ISSUE_ZAPIER_CONNECTION, 7}, now_, false);
  queue_.put({5, WITHDRAW_ZAPIER_CONNECTION, 7}, now_, false);
  queue_.put({6, FOLLOW_TOKEN, 7}, now_, false);
  std::vector<Position> claimed;
  for (auto position = next(); position != 0; position = next()) claimed.push_back(position);
  EXPECT_THAT(claimed, ::testing::UnorderedElementsAre(1, 2, 3, 4, 6));  // 5 is behind 4
}

TEST_F(JobQueueTest, TheLongestDueComesFirst) {
  queue_.put(delivery(1, 1), now_ - 1s, false);
  queue_.put(delivery(2, 2), now_ - 3s, false);
  queue_.put(delivery(3, 3), now_ - 2s, false);
  EXPECT_EQ(next(), 2);
  EXPECT_EQ(next(), 3);
  EXPECT_EQ(next(), 1);
}

TEST_F(JobQueueTest, AFailureParksItsOwnSubjectAlone) {
  put(1, 7);
  put(2, 7);
  put(3, 8);
  const auto failed = claim();
  EXPECT_TRUE(queue_.settle(failed->key, failed->fence, false));
  queue_.put(failed->key, now_ + 5min, true, 1);
  EXPECT_EQ(queue_.state(delivery(1, 7), now_), JobQueue::State::kWaiting);
  EXPECT_EQ(queue_.state(delivery(2, 7), now_), JobQueue::State::kParked);
  EXPECT_EQ(queue_.state(delivery(3, 8), now_), JobQueue::State::kWaiting);
  EXPECT_EQ(next(), 3);
  EXPECT_EQ(next(), 0);
  EXPECT_EQ(queue_.next_due(), now_ + 30s);  // the lease of 3
  queue_.erase(delivery(3, 8));
  now_ += 5min;
  EXPECT_EQ(next(), 1);
}

TEST_F(JobQueueTest, WhatPassedLetsTheNextGoAheadOfItsRecord) {
  put(1, 7);
  put(2, 7);
  const auto first = claim();
  EXPECT_EQ(next(), 0);
  EXPECT_TRUE(queue_.settle(first->key, first->fence, true));
  EXPECT_EQ(queue_.state(first->key, now_), JobQueue::State::kRunning);
  EXPECT_EQ(next(), 2);
  now_ += 1h;  // a lease of what is about to be recorded does not end
  EXPECT_EQ(next(), 2);
  EXPECT_EQ(next(), 0);
}

TEST_F(JobQueueTest, WhatFailedBlocksUntilThatIsPlanned) {
  put(1, 7);
  put(2, 7);
  const auto first = claim();
  EXPECT_TRUE(queue_.settle(first->key, first->fence, false));
  EXPECT_FALSE(queue_.settle(first->key, first->fence, false));
  now_ += 1h;
  EXPECT_EQ(next(), 0);
  EXPECT_EQ(queue_.next_due(), std::nullopt);
  queue_.erase(first->key);  // given up
  EXPECT_EQ(next(), 2);
}

TEST_F(JobQueueTest, AHeldSubjectWaitsUntilItIsLetGo) {
  put(1, 7);
  queue_.hold(deliveries_to(7), true, {});
  EXPECT_EQ(next(), 0);
  EXPECT_EQ(queue_.state(delivery(1, 7), now_), JobQueue::State::kParked);
  EXPECT_EQ(queue_.next_due(), std::nullopt);
  put(2, 7);
  EXPECT_EQ(next(), 0);
  queue_.hold(deliveries_to(7), false, {});
  EXPECT_EQ(next(), 1);
}

TEST_F(JobQueueTest, AnOpenCircuitLetsOneProbeThroughWhenItsTimeHasCome) {
  queue_.hold(deliveries_to(7), false, now_ + 30s);
  put(1, 7);
  put(2, 7);
  EXPECT_EQ(next(), 0);
  EXPECT_EQ(queue_.next_due(), now_ + 30s);
  now_ += 30s;
  const auto probe = claim();
  ASSERT_TRUE(probe);
  EXPECT_EQ(next(), 0);
  EXPECT_TRUE(queue_.settle(probe->key, probe->fence, true));
  queue_.erase(probe->key);
  queue_.hold(deliveries_to(7), false, {});
  EXPECT_EQ(next(), 2);
}

TEST_F(JobQueueTest, WhatIsNotAdmittedIsSetAsideAndKeepsNobodyWaiting) {
  put(1, 7);
  put(2, 8);
  int asked = 0;
  const auto not_7 = [&asked](const JobSubject& subject) {
    ++asked;
    return subject.target != 7;
  };
  EXPECT_EQ(queue_.claim(now_, now_ + 30s, not_7)->key.position, 2);
  EXPECT_FALSE(queue_.claim(now_, now_ + 30s, not_7));
  EXPECT_EQ(asked, 2);  // set aside it is not asked for again
  queue_.readmit(deliveries_to(7));
  EXPECT_EQ(next(), 1);
}

TEST_F(JobQueueTest, AStaleClaimCanDoNothing) {
  put(1, 7);
  const auto stale = claim();
  now_ += 30s;
  const auto held = claim();
  ASSERT_TRUE(held);
  EXPECT_GT(held->fence, stale->fence);
  EXPECT_FALSE(queue_.extend(stale->key, stale->fence, now_ + 1h));
  EXPECT_FALSE(queue_.give_back(stale->key, stale->fence, now_));
  EXPECT_FALSE(queue_.settle(stale->key, stale->fence, true));
  EXPECT_TRUE(queue_.extend(held->key, held->fence, now_ + 1h));
  now_ += 59min;
  EXPECT_EQ(next(), 0);
  now_ += 1min;
  EXPECT_EQ(next(), 1);
}

TEST_F(JobQueueTest, AJobWithAnotherAttemptIsNobodysAnyMore) {
  put(1, 7);
  const auto before = claim();
  queue_.put(delivery(1, 7), now_, true, 1);  // another has recorded it
  EXPECT_FALSE(queue_.settle(before->key, before->fence, true));
  EXPECT_EQ(next(), 1);
}

TEST_F(JobQueueTest, AJobThatIsPutAnewWithoutAnotherAttemptStaysWithWhoeverHasIt) {
  put(1, 7);
  const auto running = claim();
  queue_.put(delivery(1, 7), now_ - 1s, false);  // somebody wants it retried
  EXPECT_EQ(queue_.state(running->key, now_), JobQueue::State::kRunning);
  EXPECT_EQ(next(), 0);
  EXPECT_TRUE(queue_.settle(running->key, running->fence, false));
  put(1, 7);
  now_ += 1h;
  EXPECT_EQ(next(), 0) << "what came of it is about to be recorded";
  queue_.put(delivery(1, 7), now_, true, 1);
  EXPECT_EQ(next(), 1);
}

TEST_F(JobQueueTest, WhatIsGivenBackIsDueThen) {
  put(1, 7);
  const auto claimed = claim();
  EXPECT_TRUE(queue_.give_back(claimed->key, claimed->fence, now_ + 10s));
  EXPECT_EQ(queue_.next_due(), now_ + 10s);
  EXPECT_EQ(next(), 0);
  now_ += 10s;
  EXPECT_EQ(next(), 1);
}

TEST_F(JobQueueTest, CountsTellWhatWaitsRunsAndIsParked) {
  put(1, 7);
  put(2, 7);
  put(3, 8);
  put(4, 9);
  queue_.hold(deliveries_to(9), true, {});
  claim();
  const auto counts = queue_.counts(now_);
  EXPECT_EQ(counts.running, 1);
  EXPECT_EQ(counts.waiting, 2);
  EXPECT_EQ(counts.parked, 1);
  EXPECT_EQ(counts.oldest_due, now_);
  EXPECT_EQ(queue_.size(), 4);
  EXPECT_THAT(queue_.jobs_of(deliveries_to(7)), ElementsAre(delivery(1, 7), delivery(2, 7)));
}

TEST_F(JobQueueTest, WhatWaitsForItsCircuitIsNotLate) {
  put(1, 7);
  put(2, 8);
  queue_.hold(deliveries_to(7), false, now_ + 30s);
  queue_.hold(deliveries_to(8), false, now_ + 20s);
  now_ += 10s;
  EXPECT_EQ(queue_.counts(now_).waiting, 2);
  EXPECT_EQ(queue_.counts(now_).oldest_due, now_ + 10s);
}

TEST_F(JobQueueTest, WhatWaitsBehindACallIsAsOldAsItIs) {
  put(1, 7);
  claim();
  now_ += 10s;
  put(2, 7);
  EXPECT_EQ(queue_.counts(now_).oldest_due, now_);
  now_ += 20s;  // the lease of 1 has ended
  EXPECT_EQ(queue_.counts(now_).oldest_due, now_ - 30s);
}

// Whatever happens, the counts are those of the jobs' states.
TEST_F(JobQueueTest, CountsAreThoseOfAllJobsOneByOne) {
  std::minstd_rand dice(42);
  const auto below = [&dice](unsigned end) { return static_cast<std::uint32_t>(dice() % end); };
  std::vector<JobQueue::Claimed> held;
  for (int step = 0; step < 3000; ++step) {
    const auto key = delivery(below(12) + 1, below(3));
    switch (below(8)) {
      case 0:
        queue_.put(key, now_ + below(5) * 1s, below(3) == 0);
        break;
      case 1:
        queue_.erase(key);
        break;
      case 2:
        queue_.hold(deliveries_to(key.target), below(2) == 0, {});
        break;
      case 3:
        now_ += below(20) * 1s;
        break;
      case 4:
      case 5:
        if (const auto claimed = claim()) held.push_back(*claimed);
        break;
      default:
        if (held.empty()) break;
        const auto at = below(static_cast<unsigned>(held.size()));
        if (below(2) == 0) {
          queue_.give_back(held[at].key, held[at].fence, now_);
        } else {
          queue_.settle(held[at].key, held[at].fence, below(2) == 0);
        }
    }
    JobQueue::Counts expected;
    for (std::uint32_t webhook = 0; webhook < 3; ++webhook) {
      for (const auto& job : queue_.jobs_of(deliveries_to(webhook))) {
        const auto state = queue_.state(job, now_);
        expected.waiting += state == JobQueue::State::kWaiting ? 1 : 0;
        expected.running += state == JobQueue::State::kRunning ? 1 : 0;
        expected.parked += state == JobQueue::State::kParked ? 1 : 0;
      }
    }
    const auto counts = queue_.counts(now_);
    ASSERT_EQ(counts.waiting, expected.waiting) << step;
    ASSERT_EQ(counts.running, expected.running) << step;
    ASSERT_EQ(counts.parked, expected.parked) << step;
  }
}

}  // namespace
}  // namespace mintmark::job_queue_test
