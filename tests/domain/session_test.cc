#include "domain/session.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/support/given_when_then.h"

namespace mintmark::session_test {
namespace {

using testing::given;

const Time expiry = std::chrono::sys_days(std::chrono::year(2026) / 11 / 23);

OpenSession open() {
  return {UserId::from_value(5), AccountId::from_value(AccountType::kVendor, 1), std::string(16, '\1'),
          expiry};
}

Event opened() {
  Event event;
  auto& fields = *event.mutable_session_opened();
  fields.set_user_id("UR-000-000-005");
  fields.set_account_id("VA-000-001");
  fields.set_secret_hash(std::string(16, '\1'));
  fields.set_expires_at_us(expiry.time_since_epoch().count());
  return event;
}

Event closed() {
  Event event;
  event.mutable_session_closed();
  return event;
}

TEST(OpenSessionCommand, OpensASession) {
  given<Session>({}).when(open()).then({opened()});
}

TEST(OpenSessionCommand, RefusesAStreamThatHasOrHadASession) {
  given<Session>({opened()}).when(open()).then_fails(ErrorKind::kConflict, {"This session exists."});
  given<Session>({opened(), closed()})
      .when(open())
      .then_fails(ErrorKind::kConflict, {"This session exists."});
}

TEST(CloseSessionCommand, ClosesAnOpenSessionOnce) {
  given<Session>({opened()}).when(CloseSession{}).then({closed()});
  given<Session>({opened(), closed()}).when(CloseSession{}).then_nothing_changes();
  given<Session>({}).when(CloseSession{}).then_nothing_changes();
}

TEST(SessionState, FollowsItsEvents) {
  auto session = given<Session>({opened()}).state();
  EXPECT_TRUE(session.open);
  EXPECT_EQ(session.user, UserId::from_value(5));
  EXPECT_EQ(session.account, AccountId::from_value(AccountType::kVendor, 1));
  EXPECT_EQ(session.expires_at, expiry);
  evolve(session, closed());
  EXPECT_FALSE(session.open);
  EXPECT_TRUE(session.user);
}

TEST(SessionState, IgnoresEventsOfOtherStreams) {
  Event deleted;
  deleted.mutable_token_deleted();
  EXPECT_FALSE(given<Session>({deleted, Event()}).state().open);
  EXPECT_TRUE(given<Session>({opened(), deleted}).state().open);
}

}  // namespace
}  // namespace mintmark::session_test
