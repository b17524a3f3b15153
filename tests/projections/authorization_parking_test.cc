#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "projections/authorization_index.h"
#include "tests/projections/authorization_fixture.h"

namespace mintmark::authorization_parking_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(AuthorizationIndexTest, events_that_cannot_be_applied_park_their_stream) {
  using Spoil = void (*)(TokenCreated&);
  const std::vector<std::pair<Spoil, std::string>> spoils{
      {[](TokenCreated& token) { token.set_token_id("SU-1"); }, "token id"},
      {[](TokenCreated& token) { token.set_token_id("SU-999-999-999"); }, "token id"},
      {[](TokenCreated& token) { token.set_account_id("VA-1"); }, "account id"},
      {[](TokenCreated& token) { token.set_extension(EXTENSION_UNSPECIFIED); }, "extension"},
      {[](TokenCreated& token) { token.mutable_secret_digest()->set_digest("short"); }, "digest"},
      {[](TokenCreated& token) { token.mutable_secret_digest()->set_pepper(0); }, "pepper"},
      {[](TokenCreated& token) { token.mutable_secret_digest()->set_pepper(256); }, "pepper"}};
  for (std::uint32_t n = 0; n < spoils.size(); ++n) {
    auto event = created(n);
    spoils[n].first(*event.recorded.mutable_event()->mutable_token_created());
    apply({event});
    EXPECT_EQ(verdict(n), Verdict::kUnknown);
    ASSERT_EQ(index_.parked_streams(), n + 1);
    const auto parked = index_.parked(100).at(n);
    EXPECT_EQ(parked.stream, stream_of(id_of(n)));
    EXPECT_EQ(parked.position, last_);
    EXPECT_THAT(parked.reason, HasSubstr(spoils[n].second));
  }
  EXPECT_EQ(index_.checkpoint(), last_);
}

TEST_F(AuthorizationIndexTest, the_token_of_a_parked_stream_is_refused_until_it_is_deleted) {
  apply({created(1), created(2)});
  apply({created(1), created(3)});
  EXPECT_EQ(verdict(1), Verdict::kRefused);
  apply({issued(1), renamed(1, "other")});
  EXPECT_EQ(verdict(1), Verdict::kRefused);
  EXPECT_EQ(check(1).name, "ci");
  EXPECT_EQ(verdict(2), Verdict::kAllowed);
  EXPECT_EQ(verdict(3), Verdict::kAllowed);
  EXPECT_THAT(index_.parked(100),
              ElementsAre(ParkedStream{stream_of(id_of(1)), 3, "the token was created before"}));
  apply({deleted(1)});
  EXPECT_EQ(verdict(1), Verdict::kUnknown);
  EXPECT_EQ(index_.parked_streams(), 1U);
}

TEST_F(AuthorizationIndexTest, events_of_what_was_never_created_or_is_no_token_park) {
  Event creation = created(7).recorded.event();
  last_ = 0;
  apply({renamed(1, "a"), issued(2), stored("token-nonsense", creation), stored("other", creation)});
  EXPECT_EQ(index_.parked_streams(), 4U);
  EXPECT_EQ(verdict(7), Verdict::kUnknown);
}

TEST_F(AuthorizationIndexTest, only_a_token_stream_is_parked_by_an_event_of_a_newer_program) {
  apply({created(1)});
  Event revealed;
  revealed.mutable_token_revealed();
  apply({stored("user-UR-000-000-001", Event()), stored(stream_of(id_of(1)), revealed)});
  EXPECT_EQ(verdict(1), Verdict::kAllowed);
  apply({stored(stream_of(id_of(1)), Event())});
  EXPECT_EQ(verdict(1), Verdict::kRefused);
}

}  // namespace
}  // namespace mintmark::authorization_parking_test
