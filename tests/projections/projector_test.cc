#include "projections/projector.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eventstore/memory_log.h"
#include "projections/token_list.h"
#include "tests/support/captured_log.h"
#include "tests/support/history.h"
#include "tests/support/small_disk.h"
#include "tests/support/view_folder.h"

namespace mintmark::projector_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace ::mintmark::testing;

// Remembers the positions that it was given; refuses one on demand, and can be held inside apply().
class Probe final : public Projection {
 public:
  explicit Probe(Position checkpoint = 0) : checkpoint_(checkpoint) {}

  std::string_view name() const override { return "probe"; }
  Position checkpoint() const override { return checkpoint_; }
  std::size_t parked_streams() const override { return parked_list.size(); }
  std::vector<ParkedStream> parked(std::size_t limit) const override {
    return {parked_list.begin(),
            parked_list.begin() + static_cast<std::ptrdiff_t>(std::min(limit, parked_list.size()))};
  }
  void apply(std::span<const StoredEvent> events) override {
    if (gate) {
      entered.set_value();
      gate->wait();
      gate.reset();
    }
    for (const auto& event : events) {
      if (event.recorded.position() <= checkpoint_) continue;
      if (event.recorded.position() == refused) throw std::runtime_error("the probe broke");
      seen.push_back(event.recorded.position());
      checkpoint_ = event.recorded.position();
    }
  }

  std::vector<Position> seen;  // to be read when the projector has told, or is gone
  Position refused = 0;
  std::vector<ParkedStream> parked_list;
  std::optional<std::shared_future<void>> gate;
  std::promise<void> entered;

 private:
  std::atomic<Position> checkpoint_;
};

class ProjectorTest : public ::testing::Test {
 protected:
  void add(int count) {
    for (int i = 0; i < count; ++i) history_.add("a", account_opened(vendor(1), "x"));
  }
  void start(std::vector<Projection*> projections) {
    projector_ = std::make_unique<Projector>(log_, std::move(projections), [this](const std::string& reason) {
      ++failures_;
      reason_ = reason;
    });
  }
  std::future<bool> reached(Position position) {
    std::promise<bool> promise;
    auto future = promise.get_future();
    projector_->when_reached(position,
                             [promise = std::move(promise)](bool done) mutable { promise.set_value(done); });
    return future;
  }

  // They outlive the projector.
  Probe& make_probe(Position checkpoint = 0) { return probes_.emplace_back(checkpoint); }

  MemoryLog log_{event_id(1)};
  History history_{log_};
  std::deque<Probe> probes_;
  std::atomic<int> failures_ = 0;
  std::string reason_;
  std::unique_ptr<Projector> projector_;
};

bool is_told(std::future<bool>& future) {
  return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

TEST_F(ProjectorTest, APositionThatIsReachedIsToldAtOnceFromTheCall) {
  auto& probe = make_probe();
  start({&probe});
  auto now = reached(0);
  ASSERT_TRUE(is_told(now));
  EXPECT_TRUE(now.get());
  add(1);
  EXPECT_TRUE(reached(1).get());
  auto again = reached(1);
  ASSERT_TRUE(is_told(again));
  EXPECT_TRUE(again.get());
}

TEST_F(ProjectorTest, APositionThatIsNotReachedIsToldOnceItIs) {
  auto& probe = make_probe();
  start({&probe});
  auto second = reached(2);
  auto first = reached(1);
  auto tenth = reached(10);
  add(1);
  EXPECT_TRUE(first.get());
  EXPECT_FALSE(is_told(second));
  add(1);
  EXPECT_TRUE(second.get());
  EXPECT_FALSE(is_told(tenth));
  EXPECT_EQ(projector_->position(), 2);
}

TEST_F(ProjectorTest, AWaiterIsToldOnlyWhenEveryProjectionHasTheEvents) {
  auto& fast = make_probe();
  auto& slow = make_probe();
  std::promise<void> gate;
  slow.gate = gate.get_future().share();
  auto entered = slow.entered.get_future();
  start({&fast, &slow});
  add(1);
  entered.wait();
  EXPECT_EQ(fast.checkpoint(), 1);
  EXPECT_EQ(projector_->position(), 0);
  auto waiting = reached(1);
  EXPECT_FALSE(is_told(waiting));
  gate.set_value();
  EXPECT_TRUE(waiting.get());
}

TEST_F(ProjectorTest, ProjectionsAtDifferentCheckpointsCatchUpWithoutSeeingAnEventTwice) {
  add(5);
  auto& fresh = make_probe();
  auto& behind = make_probe(2);
  auto& current = make_probe(5);
  start({&behind, &fresh, &current});
  EXPECT_TRUE(reached(5).get());
  add(1);
  EXPECT_TRUE(reached(6).get());
  projector_.reset();
  EXPECT_THAT(fresh.seen, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(behind.seen, ElementsAre(3, 4, 5, 6));
  EXPECT_THAT(current.seen, ElementsAre(6));
}

TEST_F(ProjectorTest, ItsPositionIsThatOfTheSlowestProjectionAtFirst) {
  add(3);
  auto& behind = make_probe(2);
  auto& current = make_probe(3);
  behind.refused = 3;
  start({&current, &behind});
  EXPECT_EQ(projector_->position(), 2);
}

TEST_F(ProjectorTest, AFailureTellsWaitersFalseAndItsReasonOnce) {
  auto& probe = make_probe();
  probe.refused = 2;
  start({&probe});
  auto first = reached(1);
  auto second = reached(2);
  auto third = reached(3);
  add(1);
  EXPECT_TRUE(first.get());
  add(3);
  EXPECT_FALSE(second.get());
  EXPECT_FALSE(third.get());
  EXPECT_EQ(failures_, 1);
  EXPECT_THAT(reason_, HasSubstr("the probe broke"));
}

TEST_F(ProjectorTest, AfterAFailureNothingIsAppliedAndLaterWaitersAreToldFalseAtOnce) {
  auto& broken = make_probe();
  broken.refused = 2;
  auto& behind_it = make_probe();
  start({&broken, &behind_it});
  add(1);
  EXPECT_TRUE(reached(1).get());
  add(1);
  EXPECT_FALSE(reached(2).get());
  add(1);
  auto later = reached(3);
  ASSERT_TRUE(is_told(later));
  EXPECT_FALSE(later.get());
  auto earlier = reached(1);
  ASSERT_TRUE(is_told(earlier));
  EXPECT_TRUE(earlier.get());
  projector_.reset();
  EXPECT_THAT(behind_it.seen, ElementsAre(1));
  EXPECT_EQ(failures_, 1);
}

TEST_F(ProjectorTest, DestructionTellsWaitersFalseAndIsNoFailure) {
  auto& probe = make_probe();
  start({&probe});
  auto waiting = reached(1);
  auto other = reached(7);
  projector_.reset();
  EXPECT_FALSE(waiting.get());
  EXPECT_FALSE(other.get());
  EXPECT_EQ(failures_, 0);
}

TEST_F(ProjectorTest, ParkedStreamsAreAddedOverTheProjections) {
  auto& one = make_probe();
  one.parked_list = {{"a", 1, "x"}};
  auto& two = make_probe();
  two.parked_list = {{"b", 2, "y"}, {"c", 3, "z"}};
  start({&one, &two});
  EXPECT_EQ(projector_->parked_streams(), 3);
  std::vector<std::string> streams;
  for (const auto& [projection, parked] : projector_->parked(2)) {
    EXPECT_EQ(projection, "probe");
    streams.push_back(parked.stream);
  }
  EXPECT_THAT(streams, ElementsAre("a", "b"));
}

TEST_F(ProjectorTest, WaitsForSpaceWhileWhatIsInFrontGoesOnAndAppliesAllOnceThereIsSome) {
  constexpr std::uint64_t mebibyte = 1024UL * 1024;
  const SmallDisk disk(32 * mebibyte);
  ViewFolder views(disk.path());
  TokenList list(views.store().live(TokenList::projection_name));
  auto& index = make_probe();
  const CapturedLog logged;
  start({&index, &list});
  history_.add(token_id(1), token_created(token_id(1), vendor(1)));
  ASSERT_TRUE(reached(1).get());
  projector_->wait_for_space();

  disk.leave_free(4 * mebibyte);
  history_.add(token_id(2), token_created(token_id(2), vendor(1)));
  auto second = reached(2);
  while (!logged.has("the views wait for space")) std::this_thread::yield();
  EXPECT_THAT(index.seen, ElementsAre(1, 2));
  EXPECT_EQ(list.checkpoint(), 1);
  EXPECT_FALSE(list.find(token_id(2)));
  EXPECT_FALSE(is_told(second));

  disk.empty();
  EXPECT_TRUE(second.get());
  EXPECT_TRUE(list.find(token_id(2)));
  disk.leave_free(4 * mebibyte);
  history_.add(token_id(1), token_deleted());
  auto third = reached(3);
  projector_.reset();
  EXPECT_FALSE(third.get()) << "it ends while it waits";
  EXPECT_EQ(failures_, 0);
}

TEST_F(ProjectorTest, FailsOnAFullDiskUntilItIsToldToWait) {
  constexpr std::uint64_t mebibyte = 1024UL * 1024;
  const SmallDisk disk(32 * mebibyte);
  ViewFolder views(disk.path());
  TokenList list(views.store().live(TokenList::projection_name));
  disk.leave_free(4 * mebibyte);
  start({&list});
  auto first = reached(1);
  history_.add(token_id(1), token_created(token_id(1), vendor(1)));
  EXPECT_FALSE(first.get());
  EXPECT_THAT(reason_, HasSubstr("the disk is full"));
}

}  // namespace
}  // namespace mintmark::projector_test
