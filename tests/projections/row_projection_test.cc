#include "projections/row_projection.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eventstore/memory_log.h"
#include "projections/rebuild.h"
#include "projections/token_list.h"
#include "tests/support/history.h"
#include "tests/support/view_folder.h"

namespace mintmark::row_projection_test {
namespace {

using ::testing::HasSubstr;
using namespace ::mintmark::testing;

// Counts accounts by their name; refuses the name "bad" after having written it, unless it is mended. "bug"
// is one that its author did not think of, "disk" a machine that breaks.
class AccountCounter final : public RowProjection {
 public:
  explicit AccountCounter(View view, bool mended = false) : RowProjection(view), mended_(mended) {}
  std::string_view name() const override { return "account_counter"; }

  std::string count(const std::string& account) const { return view().get("c" + account).value_or("none"); }
  bool holds_half_of_a_bad_one() const { return view().get("cbad").has_value(); }

 private:
  Result<void> apply_event(const StoredEvent& event, RowWriter& rows) override {
    const auto& opened = event.recorded.event().account_opened().name();
    const auto key = "c" + opened;
    rows.put(key, std::to_string(std::stoi(rows.get(key).value_or("0")) + 1));
    rows.erase("cerased");
    if (opened == "bad" && !mended_) return fail(ErrorKind::kInvalid, "it is bad");
    if (opened == "bug") return fail(ErrorKind::kInvalid, std::string(1, opened.at(3)));
    if (opened == "disk") throw std::runtime_error("the disk is gone");
    return {};
  }

  const bool mended_;
};

class RowProjectionTest : public ::testing::Test {
 protected:
  void SetUp() override { reopen(); }

  void reopen() {
    counter_.reset();
    views_.reopen();
    counter_ = std::make_unique<AccountCounter>(views_.store().live("account_counter"));
  }
  void open(const std::string& stream, const std::string& name) {
    history_.add(stream, account_opened(vendor(1), name));
  }

  ViewFolder views_;
  MemoryLog log_{event_id(1)};
  History history_{log_};
  std::unique_ptr<AccountCounter> counter_;
};

TEST_F(RowProjectionTest, AnEventSeesTheRowsOfTheEventsBeforeItInTheSameBatch) {
  for (int i = 0; i < 3; ++i) open("a", "x");
  feed(log_, *counter_);
  EXPECT_EQ(counter_->count("x"), "3");
}

TEST_F(RowProjectionTest, AnEventThatCannotBeAppliedParksItsStreamAndNoOther) {
  open("a", "x");
  open("b", "bad");
  open("b", "x");  // of the parked stream: ignored
  open("a", "x");
  open("c", "x");
  feed(log_, *counter_);
  EXPECT_EQ(counter_->count("x"), "3");
  EXPECT_EQ(counter_->parked_streams(), 1);
  EXPECT_EQ(counter_->checkpoint(), 5);
}

TEST_F(RowProjectionTest, WhatAnEventThatCannotBeAppliedHasWrittenIsUndone) {
  open("a", "erased");
  feed(log_, *counter_);
  open("b", "bad");
  feed(log_, *counter_);
  EXPECT_FALSE(counter_->holds_half_of_a_bad_one());
}

TEST_F(RowProjectionTest, AnEraseBeforeTheFailureIsUndoneToo) {
  auto view = views_.store().live("account_counter");
  RowWriter rows(view);
  rows.put("cerased", "still here");
  rows.keep();
  rocksdb::WriteBatch batch;
  rows.move_to(batch);
  view.write(batch);
  open("b", "bad");
  feed(log_, *counter_);
  EXPECT_EQ(counter_->count("erased"), "still here");
}

TEST_F(RowProjectionTest, LaterEventsOfAParkedStreamAreIgnoredInLaterBatchesToo) {
  open("b", "bad");
  feed(log_, *counter_);
  open("b", "x");
  open("a", "x");
  feed(log_, *counter_);
  EXPECT_EQ(counter_->count("x"), "1");
  EXPECT_EQ(counter_->parked_streams(), 1);
}

TEST_F(RowProjectionTest, AStreamIsCountedOnceHoweverManyOfItsEventsFail) {
  for (int i = 0; i < 3; ++i) open("b", "bad");
  open("c", "bad");
  feed(log_, *counter_, UINT64_MAX, 2);
  EXPECT_EQ(counter_->parked_streams(), 2);
}

TEST_F(RowProjectionTest, ParkedStreamsStayParkedAfterReopening) {
  open("b", "bad");
  feed(log_, *counter_);
  reopen();
  EXPECT_EQ(counter_->parked_streams(), 1);
  open("b", "x");
  feed(log_, *counter_);
  EXPECT_EQ(counter_->count("x"), "none");
}

TEST_F(RowProjectionTest, WhatIsParkedIsToldWithItsPositionAndReasonAlsoAfterReopening) {
  open("a", "x");
  open("c", "bad");
  open("b", "bad");
  open("c", "bad");
  feed(log_, *counter_);
  const std::vector<ParkedStream> expected{{"b", 3, "it is bad"}, {"c", 2, "it is bad"}};
  EXPECT_EQ(counter_->parked(10), expected);
  EXPECT_EQ(counter_->parked(1).size(), 1);
  reopen();
  EXPECT_EQ(counter_->parked(10), expected);
}

TEST_F(RowProjectionTest, AStreamThatAnEarlierVersionParkedStaysParkedWithoutAPosition) {
  const auto view = views_.store().live("account_counter");
  rocksdb::WriteBatch batch;
  ASSERT_TRUE(batch.Put(view.family(), rocksdb::Slice("\0parked/b", 9), "it was bad").ok());
  View(view).write(batch);
  reopen();
  EXPECT_EQ(counter_->parked(10), (std::vector<ParkedStream>{{"b", 0, "it was bad"}}));
  open("b", "x");
  feed(log_, *counter_);
  EXPECT_EQ(counter_->count("x"), "none");
}

TEST_F(RowProjectionTest, AnEventThatMeetsABugParksItsStreamAndNoOther) {
  open("b", "bug");
  open("b", "x");
  open("a", "x");
  feed(log_, *counter_);
  EXPECT_EQ(counter_->count("x"), "1");
  EXPECT_EQ(counter_->count("bug"), "none");
  ASSERT_EQ(counter_->parked_streams(), 1);
  EXPECT_THAT(counter_->parked(1).front().reason, HasSubstr("bug"));
}

TEST_F(RowProjectionTest, ABrokenMachineParksNothingAndStopsTheProjection) {
  open("a", "x");
  open("b", "disk");
  EXPECT_THROW(feed(log_, *counter_), std::runtime_error);
  EXPECT_EQ(counter_->checkpoint(), 0);
  EXPECT_EQ(counter_->count("x"), "none");
  EXPECT_EQ(counter_->parked_streams(), 0);
}

TEST_F(RowProjectionTest, ARebuildByAMendedProgramTakesInWhatWasParked) {
  open("b", "bad");
  open("b", "x");
  open("a", "x");
  feed(log_, *counter_);
  ASSERT_EQ(counter_->count("x"), "1");
  counter_.reset();
  const auto make = [](View view) { return std::make_unique<AccountCounter>(view, true); };
  const auto report = rebuild_rows(log_, views_.store(), "account_counter", make, [](Position, Position) {});
  EXPECT_EQ(report.parked_streams, 0);
  EXPECT_NE(report.difference, "");
  reopen();
  EXPECT_EQ(counter_->count("x"), "2");
  EXPECT_EQ(counter_->count("bad"), "1");
  EXPECT_EQ(counter_->parked_streams(), 0);
}

TEST_F(RowProjectionTest, AStreamWhoseNameBeginsAsAParkedOneIsNotParked) {
  open("b", "bad");
  open("ba", "x");
  feed(log_, *counter_);
  EXPECT_EQ(counter_->count("x"), "1");
}

TEST_F(RowProjectionTest, AGapThrowsAndChangesNothing) {
  open("b", "bad");
  open("a", "x");
  open("a", "x");
  auto events = log_.read(0, 10);
  events.erase(events.begin() + 1);
  EXPECT_THROW(counter_->apply(events), std::logic_error);
  EXPECT_EQ(counter_->checkpoint(), 0);
  EXPECT_EQ(counter_->parked_streams(), 0);
  EXPECT_EQ(counter_->count("x"), "none");
  feed(log_, *counter_);
  EXPECT_EQ(counter_->count("x"), "2");
}

TEST_F(RowProjectionTest, AGapIsToldWithTheProjectionAndThePosition) {
  open("a", "x");
  open("a", "x");
  try {
    counter_->apply(log_.read(1, 1));
    FAIL() << "nothing was thrown";
  } catch (const std::logic_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("account_counter"));
    EXPECT_THAT(error.what(), HasSubstr("position 0"));
  }
}

TEST_F(RowProjectionTest, EventsAtOrBelowTheCheckpointAreSkipped) {
  for (int i = 0; i < 4; ++i) open("a", "x");
  feed(log_, *counter_, 3);
  counter_->apply(log_.read(0, 2));
  EXPECT_EQ(counter_->checkpoint(), 3);
  EXPECT_EQ(counter_->count("x"), "3");
  counter_->apply(log_.read(0, 4));
  EXPECT_EQ(counter_->checkpoint(), 4);
  EXPECT_EQ(counter_->count("x"), "4");
}

TEST_F(RowProjectionTest, NoEventsChangeNothing) {
  counter_->apply({});
  EXPECT_EQ(counter_->checkpoint(), 0);
}

// Two of one store, each from its own checkpoint, in one write.
TEST_F(RowProjectionTest, SeveralTakeEventsInTogetherEachFromItsOwnCheckpoint) {
  AccountCounter other(views_.store().live("other_counter"), true);
  for (int i = 0; i < 3; ++i) open("a", "x");
  open("b", "bad");
  feed(log_, *counter_, 2);
  const std::vector<RowProjection*> both{counter_.get(), &other};
  RowProjection::apply_together(both, log_.read(0, 10));
  EXPECT_EQ(counter_->count("x"), "3");
  EXPECT_EQ(counter_->checkpoint(), 4);
  EXPECT_EQ(counter_->parked_streams(), 1);
  EXPECT_EQ(other.count("x"), "3");
  EXPECT_EQ(other.count("bad"), "1");
  EXPECT_EQ(other.checkpoint(), 4);
  EXPECT_EQ(other.parked_streams(), 0);
  const auto after = views_.store().live("other_counter").db().GetLatestSequenceNumber();
  RowProjection::apply_together(both, log_.read(0, 10));  // nothing new: nothing is written
  EXPECT_EQ(views_.store().live("other_counter").db().GetLatestSequenceNumber(), after);
}

// One breaks: none of them has taken anything in.
TEST_F(RowProjectionTest, WhereOneMeetsABrokenMachineNoneTakesAnythingIn) {
  class Broken final : public RowProjection {
   public:
    explicit Broken(View view) : RowProjection(view) {}
    std::string_view name() const override { return "broken"; }

   private:
    Result<void> apply_event(const StoredEvent&, RowWriter&) override {
      throw std::runtime_error("the disk is gone");
    }
  };
  Broken broken(views_.store().live("broken"));
  open("a", "x");
  const std::vector<RowProjection*> both{counter_.get(), &broken};
  EXPECT_THROW(RowProjection::apply_together(both, log_.read(0, 10)), std::runtime_error);
  EXPECT_EQ(counter_->checkpoint(), 0);
  EXPECT_EQ(counter_->count("x"), "none");
}

TEST_F(RowProjectionTest, TheCheckpointAndTheRowsSurviveReopening) {
  for (int i = 0; i < 4; ++i) open("a", "x");
  feed(log_, *counter_, 3);
  reopen();
  EXPECT_EQ(counter_->checkpoint(), 3);
  EXPECT_EQ(counter_->count("x"), "3");
  feed(log_, *counter_);
  EXPECT_EQ(counter_->count("x"), "4");
}

// The same rule where it matters: what the token list cannot take in must not hide behind what it can.
class TokenListParkingTest : public ::testing::Test {
 protected:
  std::size_t parked() {
    feed(log_, list_);
    return list_.parked_streams();
  }

  ViewFolder views_;
  MemoryLog log_{event_id(1)};
  History history_{log_};
  TokenList list_{views_.store().live(TokenList::projection_name)};
};

TEST_F(TokenListParkingTest, ATokenCreatedTwiceParksItsStreamAndKeepsItsFirstRow) {
  history_.add(token_id(1), token_created(token_id(1), vendor(1), CUSTOM, "first"));
  history_.add(token_id(1), token_created(token_id(1), vendor(1), CUSTOM, "second"));
  EXPECT_EQ(parked(), 1);
  EXPECT_EQ(list_.find(token_id(1))->name(), "first");
  EXPECT_EQ(list_.page(vendor(1), 0, 10).total, 1);
}

TEST_F(TokenListParkingTest, AnUpdateOfATokenThatIsNotThereParksItsStream) {
  history_.add(token_id(1), token_renamed("x"));
  EXPECT_EQ(parked(), 1);
}

TEST_F(TokenListParkingTest, IdsThatAreNoneParkTheStream) {
  auto event = token_created(token_id(1), vendor(1));
  event.mutable_token_created()->set_account_id("VA-1");
  history_.add(token_id(1), event);
  event = token_created(token_id(2), vendor(1));
  event.mutable_token_created()->set_token_id("nonsense");
  history_.add(token_id(2), event);
  history_.add("token-nonsense", token_deleted());
  EXPECT_EQ(parked(), 3);
  EXPECT_EQ(list_.page(vendor(1), 0, 10).total, 0);
}

TEST_F(TokenListParkingTest, TheOthersTokensGoOnWhereOneIsParked) {
  history_.add(token_id(1), token_renamed("x"));
  history_.add(token_id(2), token_created(token_id(2), vendor(1)));
  history_.add(token_id(2), token_renamed("y"));
  EXPECT_EQ(parked(), 1);
  EXPECT_EQ(list_.find(token_id(2))->name(), "y");
}

}  // namespace
}  // namespace mintmark::row_projection_test
