#include "api/commands.h"

#include <string>
#include <vector>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <gtest/gtest.h>

#include "domain/limits.h"
#include "tests/support/api_instance.h"

namespace mintmark::commands_test {
namespace {

using http::RequestBuilder;
using namespace ::mintmark::testing;

class CommandsTest : public ::testing::Test {
 protected:
  Result<ChangedToken> rename(TokenId id, const std::string& name) {
    return run(update_token(*instance_.services, caller_, id, UpdateToken{name, {}, {}}));
  }

  // A creation over REST under an idempotency key.
  RequestBuilder creation(const std::string& idempotency_key, const std::string& name) const {
    return RequestBuilder("POST", "/public/v1/auth/tokens")
        .header("Authorization", "ApiKey " + key_)
        .header("Content-Type", "application/json")
        .header("Idempotency-Key", idempotency_key)
        .body(R"({"name":")" + name + R"(","extension":{"id":"EXT-000"}})");
  }

  ApiInstance instance_;
  const AccountId account_ = instance_.open_account("Acme");
  const Caller caller_ = ApiInstance::caller(account_);
  const CreatedToken created_ = instance_.create_token(account_);
  const TokenId id_ = created_.value.key->id;
  const std::string key_ = created_.value.key->text();
};

TEST_F(CommandsTest, AWriteIsShownByTheProjectionsWhenItIsAnswered) {
  const auto changed = rename(id_, "new");
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->row.name(), "new");
  EXPECT_EQ(changed->position, instance_.memory.head());
  EXPECT_GE(instance_.projector->position(), changed->position);
}

TEST_F(CommandsTest, NothingIsWrittenWhereNothingChanges) {
  const auto head = instance_.memory.head();
  const auto changed = rename(id_, "Billing");
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->position, 0);
  EXPECT_EQ(instance_.memory.head(), head);
}

TEST_F(CommandsTest, ALostRaceIsDecidedAgainOnTheStateThatWon) {
  int races = 2;
  instance_.log.before_append([&] {
    if (races-- > 0) History(instance_.memory).add(id_, token_renamed("raced"));
  });
  ASSERT_TRUE(rename(id_, "new"));
  const auto stream = instance_.memory.read_stream(stream_of(id_), 0);
  ASSERT_EQ(stream.size(), 4);
  EXPECT_EQ(stream[3].recorded.event().token_updated().name(), "new");
}

TEST_F(CommandsTest, ADeletionThatWinsTheRaceMakesTheOtherNotFound) {
  bool raced = false;
  instance_.log.before_append([&] {
    if (!raced) History(instance_.memory).add(id_, token_deleted());
    raced = true;
  });
  const auto changed = rename(id_, "new");
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().kind, ErrorKind::kNotFound);
}

TEST_F(CommandsTest, ARaceThatIsAlwaysLostIsAConflictAfterSoManyTries) {
  const auto before = instance_.log.appends();
  instance_.log.before_append([&] { History(instance_.memory).add(id_, token_revealed()); });
  const auto changed = rename(id_, "new");
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().kind, ErrorKind::kConflict);
  EXPECT_EQ(instance_.log.appends() - before, limits::conflict_retries_max);
}

TEST_F(CommandsTest, WhatTheLogRefusesIsToldByItsKindAndStatus) {
  struct Case {
    AppendError::Kind refusal;
    ErrorKind error;
    int status;
  };
  for (const auto& [refusal, error, status] :
       {Case{AppendError::Kind::kBusy, ErrorKind::kUnavailable, 503},
        Case{AppendError::Kind::kDiskFull, ErrorKind::kInsufficientStorage, 507},
        Case{AppendError::Kind::kUnknown, ErrorKind::kOutcomeUnknown, 503},
        Case{AppendError::Kind::kKeyReused, ErrorKind::kConflict, 409}}) {
    instance_.log.refuse(refusal);
    const auto changed = rename(id_, "new");
    ASSERT_FALSE(changed);
    EXPECT_EQ(changed.error().kind, error);
    EXPECT_EQ(instance_.call(creation("k", "x")).status, status);
  }
}

TEST_F(CommandsTest, ABreachOfTheLogsLimitsIsABugAndThrows) {
  instance_.log.refuse(AppendError::Kind::kInvalid);
  EXPECT_THROW(rename(id_, "new").value(), std::logic_error);
}

TEST_F(CommandsTest, TheLogRemembersWhoAskedAndHow) {
  auto caller = caller_;
  caller.request_id = "the request";
  caller.client_ip = "192.0.2.1";
  ASSERT_TRUE(run(reveal_token(*instance_.services, caller, id_)));
  const auto recorded = instance_.memory.read(instance_.memory.head() - 1, 1).front().recorded;
  EXPECT_EQ(recorded.request_id(), "the request");
  EXPECT_EQ(recorded.client_ip(), "192.0.2.1");
  EXPECT_EQ(recorded.actor().id(), "test");
  EXPECT_EQ(recorded.recorded_at_us(), instance_.clock.now().time_since_epoch().count());
}

TEST_F(CommandsTest, TheSameKeyAndBodyGiveTheSameAnswerAndOneEvent) {
  const auto first = instance_.call(creation("k", "x"));
  ASSERT_EQ(first.status, 201);
  const auto head = instance_.memory.head();
  const auto second = instance_.call(creation("k", "x"));
  EXPECT_EQ(second.status, 201);
  EXPECT_EQ(second.body, first.body);
  EXPECT_EQ(header_of(second, "Mintmark-Position"), header_of(first, "Mintmark-Position"));
  EXPECT_EQ(instance_.memory.head(), head);
}

TEST_F(CommandsTest, TheSameKeyWithAnotherBodyIsAConflict) {
  ASSERT_EQ(instance_.call(creation("k", "x")).status, 201);
  const auto head = instance_.memory.head();
  const auto other = instance_.call(creation("k", "y"));
  EXPECT_EQ(other.status, 409);
  EXPECT_EQ(json_of(other).at("error_code").as_string(), "CNF_001");
  EXPECT_EQ(instance_.memory.head(), head);
}

TEST_F(CommandsTest, AnotherKeyIsAnotherCreation) {
  const auto first = instance_.call(creation("k", "x"));
  const auto second = instance_.call(creation("K", "x"));
  EXPECT_NE(json_of(first).at("id"), json_of(second).at("id"));
}

TEST_F(CommandsTest, AnotherAccountsKeyIsItsOwn) {
  const auto other_account = instance_.open_account("Other");
  const auto other_key = instance_.create_token(other_account).value.key->text();
  const auto first = instance_.call(creation("k", "x"));
  const auto other = instance_.call(RequestBuilder("POST", "/public/v1/auth/tokens")
                                        .header("Authorization", "ApiKey " + other_key)
                                        .header("Content-Type", "application/json")
                                        .header("Idempotency-Key", "k")
                                        .body(R"({"name":"y","extension":{"id":"EXT-000"}})"));
  ASSERT_EQ(other.status, 201);
  EXPECT_NE(json_of(first).at("id"), json_of(other).at("id"));
}

TEST_F(CommandsTest, OneKeySentTwiceAtOnceIsOneCreation) {
  using namespace boost::asio::experimental::awaitable_operators;
  const auto head = instance_.memory.head();
  const auto request = creation("k", "x").build();
  auto both = instance_.api->answer(request, 0) && instance_.api->answer(request, 0);
  const auto [first, second] = run(std::move(both));
  EXPECT_EQ(first.status, 201);
  EXPECT_EQ(second.body, first.body);
  EXPECT_EQ(instance_.memory.head(), head + 1);
}

TEST_F(CommandsTest, ARepeatedCreationOfADeletedTokenIsAConflict) {
  const auto first = instance_.call(creation("k", "x"));
  const auto id = TokenId::parse(json_of(first).at("id").as_string());
  ASSERT_TRUE(run(delete_token(*instance_.services, caller_, *id)));
  EXPECT_EQ(instance_.call(creation("k", "x")).status, 409);
}

TEST_F(CommandsTest, AnIdempotencyKeyThatIsNoneIsRefused) {
  const auto head = instance_.memory.head();
  for (const auto& key : {std::string(), std::string(256, 'k'), std::string("a b"), std::string("a\x7F"),
                          std::string("caf\xC3\xA9")}) {
    EXPECT_EQ(instance_.call(creation(key, "x")).status, 400) << key;
  }
  EXPECT_EQ(instance_.memory.head(), head);
  EXPECT_EQ(instance_.call(creation(std::string(255, 'k'), "x")).status, 201);
}

}  // namespace
}  // namespace mintmark::commands_test
