#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/api_instance.h"

// What somebody else does between a decision and its append.
namespace mintmark {
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

}  // namespace
}  // namespace mintmark
