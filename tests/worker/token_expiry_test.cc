#include "worker/token_expiry.h"

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/limits.h"
#include "domain/token.h"
#include "eventstore/memory_log.h"
#include "tests/support/fake_clock.h"
#include "tests/support/history.h"
#include "tests/support/scripted_log.h"
#include "tests/support/scripted_random.h"
#include "tests/support/view_folder.h"

namespace mintmark::token_expiry_test {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using ::testing::ElementsAre;
using namespace ::mintmark::testing;

// Passes appends on once so many are under way, as a disk does that syncs them together.
class TogetherLog : public ScriptedLog {
 public:
  TogetherLog(EventLog& log, std::size_t together) : ScriptedLog(log), together_(together) {}

  void append(AppendRequest request, AppendDone done) override {
    std::vector<std::pair<AppendRequest, AppendDone>> all;
    {
      const std::scoped_lock lock(mutex_);
      waiting_.emplace_back(std::move(request), std::move(done));
      if (waiting_.size() < together_) return;
      all = std::exchange(waiting_, {});
    }
    for (auto& [wanted, told] : all) ScriptedLog::append(std::move(wanted), std::move(told));
  }
  void pass_on_at_once() {
    std::vector<std::pair<AppendRequest, AppendDone>> all;
    {
      const std::scoped_lock lock(mutex_);
      together_ = 1;
      all = std::exchange(waiting_, {});
    }
    for (auto& [wanted, told] : all) ScriptedLog::append(std::move(wanted), std::move(told));
  }

 private:
  std::mutex mutex_;
  std::size_t together_;                                       // guarded by mutex_
  std::vector<std::pair<AppendRequest, AppendDone>> waiting_;  // guarded by mutex_
};

class TokenExpiryTest : public ::testing::Test {
 protected:
  Event created_until(TokenId id, Time end) {
    auto event = token_created(id, vendor(1));
    event.mutable_token_created()->set_expires_at_us(end.time_since_epoch().count());
    return event;
  }
  void start() {
    expiry_ = std::make_unique<TokenExpiry>(log_, tokens_, projector_, clock_, random_,
                                            [](const std::string& reason) { ADD_FAILURE() << reason; });
  }
  // The kinds of the events behind `after`, once there are that many.
  std::vector<Event::KindCase> await_events(Position after, std::size_t count) {
    while (log_.head() < after + count) log_.wait_past(log_.head(), std::stop_token());
    std::vector<Event::KindCase> kinds;
    for (const auto& event : log_.read(after, count)) kinds.push_back(event.recorded.event().kind_case());
    return kinds;
  }

  MemoryLog memory_{event_id(1)};
  ScriptedLog log_{memory_};
  History history_{memory_};
  FakeClock clock_;
  SeededRandom random_{1};
  ViewFolder views_;
  TokenList tokens_{views_.store().live(TokenList::projection_name)};
  Projector projector_{log_, {&tokens_}, [](const std::string& reason) { ADD_FAILURE() << reason; }};
  std::unique_ptr<TokenExpiry> expiry_;
};

TEST_F(TokenExpiryTest, SaysThatATokenExpiresSoonAndThatItHasAtTheirTimes) {
  const auto end = clock_.now() + days(30);
  history_.add(token_id(1), created_until(token_id(1), end));
  start();
  clock_.advance(days(16));
  EXPECT_THAT(await_events(1, 1), ElementsAre(Event::kTokenExpiring));
  clock_.advance(days(14));
  EXPECT_THAT(await_events(2, 1), ElementsAre(Event::kTokenExpired));
  const auto last = log_.read(2, 1).front().recorded;
  EXPECT_EQ(last.actor().kind(), Actor::WORKER);
  EXPECT_EQ(last.actor().id(), "expiry");
  EXPECT_EQ(last.recorded_at_us(), end.time_since_epoch().count());
}

TEST_F(TokenExpiryTest, DoesWhatCameDueWhileNobodyRan) {
  history_.add(token_id(1), created_until(token_id(1), clock_.now() + 1s));
  history_.add(token_id(2), created_until(token_id(2), clock_.now() + 2s));
  history_.add(token_id(3), token_created(token_id(3), vendor(1)));
  clock_.advance(1h);
  start();
  EXPECT_THAT(await_events(3, 2), ElementsAre(Event::kTokenExpired, Event::kTokenExpired));
}

TEST_F(TokenExpiryTest, SwapsTheValuesOfARenewedToken) {
  history_.add(token_id(1), token_created(token_id(1), vendor(1)));
  Event renewed;
  renewed.mutable_token_renewed()->set_old_expires_at_us((clock_.now() + 24h).time_since_epoch().count());
  history_.add(token_id(1), renewed);
  start();
  clock_.advance(24h);
  EXPECT_THAT(await_events(2, 1), ElementsAre(Event::kTokenRenewalCompleted));
}

TEST_F(TokenExpiryTest, LeavesDeletedTokensAlone) {
  history_.add(token_id(1), created_until(token_id(1), clock_.now() + 1s));
  history_.add(token_id(1), token_deleted());
  history_.add(token_id(2), created_until(token_id(2), clock_.now() + 2s));
  clock_.advance(1h);
  start();
  await_events(3, 1);
  EXPECT_EQ(log_.read(3, 1).front().recorded.stream(), stream_of(token_id(2)));
}

TEST_F(TokenExpiryTest, AClockThatGoesBackAndForwardAgainRecordsNothingTwice) {
  history_.add(token_id(1), created_until(token_id(1), clock_.now() + 30min));
  clock_.advance(1h);
  start();
  EXPECT_THAT(await_events(1, 1), ElementsAre(Event::kTokenExpired));
  clock_.advance(-1h);
  history_.add(token_id(2), created_until(token_id(2), clock_.now() + 40min));
  EXPECT_THAT(await_events(3, 1), ElementsAre(Event::kTokenExpiring)) << "of the other alone";
  clock_.advance(1h);
  EXPECT_THAT(await_events(4, 1), ElementsAre(Event::kTokenExpired));
  EXPECT_EQ(log_.read(4, 1).front().recorded.stream(), stream_of(token_id(2)));
}

TEST_F(TokenExpiryTest, RecordsTogetherWhatComesDueTogether) {
  constexpr std::size_t count = 4 * limits::expiry_batch_tokens_max;
  const auto end = clock_.now() + 1s;
  for (std::uint32_t i = 0; i < count; ++i) history_.add(token_id(i), created_until(token_id(i), end));
  clock_.advance(1h);
  TogetherLog together(memory_, limits::expiry_batch_tokens_max);
  expiry_ = std::make_unique<TokenExpiry>(together, tokens_, projector_, clock_, random_,
                                          [](const std::string& reason) { ADD_FAILURE() << reason; });
  // Where they are not under way together the log takes none of them.
  std::stop_source gives_up;
  const std::jthread deadline([&](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any ended;
    std::unique_lock lock(mutex);
    if (!ended.wait_for(lock, stop, 60s, [&] { return stop.stop_requested(); })) gives_up.request_stop();
  });
  while (memory_.head() < 2 * count && memory_.wait_past(memory_.head(), gives_up.get_token())) continue;
  EXPECT_EQ(memory_.head(), 2 * count);
  together.pass_on_at_once();
  std::set<std::string> streams;
  for (const auto& event : memory_.read(count, count)) {
    EXPECT_TRUE(event.recorded.event().has_token_expired());
    streams.insert(event.recorded.stream());
  }
  EXPECT_EQ(streams.size(), count);
  expiry_.reset();
}

TEST_F(TokenExpiryTest, AmongManyOneThatChangesMeanwhileIsRecordedToo) {
  const auto end = clock_.now() + 1s;
  for (std::uint32_t i = 0; i < 9; ++i) history_.add(token_id(i), created_until(token_id(i), end));
  clock_.advance(1h);
  bool is_renamed = false;
  log_.before_append_of([&](const AppendRequest& request) {
    if (request.streams.front().stream != stream_of(token_id(5)) || is_renamed) return;
    is_renamed = true;
    history_.add(token_id(5), token_renamed("meanwhile"));
  });
  start();
  std::set<std::string> streams;
  await_events(9, 10);
  for (const auto& event : log_.read(9, 10)) {
    if (event.recorded.event().has_token_expired()) streams.insert(event.recorded.stream());
  }
  EXPECT_EQ(streams.size(), 9);
  log_.before_append({});
}

// One whose stream is parked stays due for ever; the others do not wait for it.
TEST_F(TokenExpiryTest, ATokenThatCannotBeDoneKeepsNoOtherWaiting) {
  history_.add(token_id(1), created_until(token_id(1), clock_.now() + 1s));
  history_.add(token_id(1), token_created(token_id(1), vendor(1)));  // parks the stream
  Event expired;
  expired.mutable_token_expired();
  history_.add(token_id(1), expired);
  history_.add(token_id(2), created_until(token_id(2), clock_.now() + 2s));
  clock_.advance(1h);
  start();
  await_events(4, 1);
  EXPECT_EQ(log_.read(4, 1).front().recorded.stream(), stream_of(token_id(2)));
}

}  // namespace
}  // namespace mintmark::token_expiry_test
