#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "api/membership.h"
#include "tests/support/api_instance.h"

// What somebody else does between a decision and its append.
namespace mintmark::races_test {
namespace {

using namespace ::mintmark::testing;

class RacesTest : public ::testing::Test {
 protected:
  static bool creates_a_token(const AppendRequest& request) {
    return request.streams.front().events.front().event.has_token_created();
  }

  ApiInstance instance_;
  const AccountId account_ = instance_.open_account("Acme");
};

TEST_F(RacesTest, ATokenWhoseIdIsTakenMeanwhileGetsAnotherOne) {
  std::optional<std::string> taken;
  instance_.log.before_append_of([&](const AppendRequest& request) {
    if (taken || !creates_a_token(request)) return;
    taken = request.streams.front().stream;
    const auto id = TokenId::parse(request.streams.front().events.front().event.token_created().token_id());
    History(instance_.memory).add(id.value(), token_created(id.value(), vendor(7)));
  });
  const auto created = instance_.create_token(account_);
  ASSERT_TRUE(taken);
  EXPECT_NE(stream_of(created.value.key->id), *taken);
  EXPECT_EQ(instance_.memory.version_of(stream_of(created.value.key->id)), 1);
}

// A token that comes into being between a closing's decision and its append.
TEST_F(RacesTest, ATokenThatWasCreatedWhileItsAccountWasClosedIsDeleted) {
  const auto owner = instance_.add_user(account_, "ann@example.com").id;
  std::optional<CreatedToken> late;
  instance_.log.before_append([&] {
    instance_.log.before_append({});
    late = instance_.create_token(account_);
  });
  auto caller = ApiInstance::caller(account_);
  caller.actor.set_kind(Actor::USER);
  caller.actor.set_id(owner.text());
  ASSERT_TRUE(run(close_account(*instance_.services, caller)));
  ASSERT_TRUE(late);
  EXPECT_FALSE(instance_.index.belongs(0, late->value.key->id, account_));
  EXPECT_EQ(instance_.token_list->page(account_, 0, 0).total, 0);
  EXPECT_FALSE(instance_.vault.get(stream_of(late->value.key->id)).value().has_value());
}

// The same, behind the closing.
TEST_F(RacesTest, ATokenIsNotCreatedInAnAccountThatWasClosedMeanwhile) {
  std::optional<TokenId> late;
  instance_.log.before_append_of([&](const AppendRequest& request) {
    if (late || !creates_a_token(request)) return;
    late = TokenId::parse(request.streams.front().events.front().event.token_created().token_id());
    Event closed;
    closed.mutable_account_closed();
    History(instance_.memory).add(stream_of(account_), closed);
  });
  NewToken wanted;
  wanted.name = "late";
  const auto owner = ApiInstance::caller(account_);
  const auto created = run(create_token(*instance_.services, owner, std::move(wanted)));
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().kind, ErrorKind::kNotFound);
  ASSERT_TRUE(late);
  EXPECT_FALSE(instance_.index.belongs(0, *late, account_));
  EXPECT_FALSE(instance_.vault.get(stream_of(*late)).value().has_value());
}

}  // namespace
}  // namespace mintmark::races_test
