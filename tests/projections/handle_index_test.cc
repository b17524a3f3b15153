#include "projections/handle_index.h"

#include <string>

#include <gtest/gtest.h>

#include "eventstore/memory_log.h"
#include "tests/support/history.h"
#include "tests/support/view_folder.h"

namespace mintmark::handle_index_test {
namespace {

using namespace ::mintmark::testing;

SecretDigest digest(char byte, std::uint32_t pepper = 1) {
  SecretDigest result;
  result.set_pepper(pepper);
  result.set_digest(std::string(16, byte));
  return result;
}

class HandleIndexTest : public ::testing::Test {
 protected:
  // The token with that handle, as of all events.
  std::optional<TokenId> find(char byte, std::uint32_t pepper = 1) {
    feed(log_, handles_);
    Digest wanted{};
    wanted.fill(static_cast<std::uint8_t>(byte));
    return handles_.find(pepper, wanted);
  }
  void create(std::uint32_t number, char handle, std::uint32_t pepper = 1) {
    auto event = token_created(token_id(number), vendor(1), ZAPIER);
    *event.mutable_token_created()->mutable_handle_digest() = digest(handle, pepper);
    history_.add(token_id(number), event);
  }
  void rotate(std::uint32_t number, char handle) {
    Event event;
    *event.mutable_token_rotated()->mutable_credentials()->mutable_handle_digest() = digest(handle);
    history_.add(token_id(number), event);
  }
  void renew(std::uint32_t number, char handle) {
    Event event;
    *event.mutable_token_renewed()->mutable_credentials()->mutable_handle_digest() = digest(handle);
    history_.add(token_id(number), event);
  }
  void complete_renewal(std::uint32_t number) {
    Event event;
    event.mutable_token_renewal_completed();
    history_.add(token_id(number), event);
  }

  MemoryLog log_{event_id(1)};
  History history_{log_};
  ViewFolder views_;
  HandleIndex handles_{views_.store().live(HandleIndex::projection_name)};
};

TEST_F(HandleIndexTest, FindsATokenByItsHandleAndThePepperItWasHashedWith) {
  create(1, 'a');
  create(2, 'b', 2);
  history_.add(token_id(3), token_created(token_id(3), vendor(1)));
  EXPECT_EQ(find('a'), token_id(1));
  EXPECT_EQ(find('b', 2), token_id(2));
  EXPECT_FALSE(find('b', 1));
  EXPECT_FALSE(find('c'));
  EXPECT_FALSE(find('d')) << "a key is no handle";
}

TEST_F(HandleIndexTest, ARotatedHandleIsGone) {
  create(1, 'a');
  rotate(1, 'b');
  EXPECT_FALSE(find('a'));
  EXPECT_EQ(find('b'), token_id(1));
}

TEST_F(HandleIndexTest, WhileATokenIsRenewedBothOfItsHandlesLead) {
  create(1, 'a');
  renew(1, 'b');
  EXPECT_EQ(find('a'), token_id(1));
  EXPECT_EQ(find('b'), token_id(1));
  complete_renewal(1);
  EXPECT_FALSE(find('a'));
  EXPECT_EQ(find('b'), token_id(1));
  renew(1, 'c');
  rotate(1, 'e');
  EXPECT_FALSE(find('b'));
  EXPECT_FALSE(find('c'));
  EXPECT_EQ(find('e'), token_id(1));
}

TEST_F(HandleIndexTest, ADeletedTokensHandlesAreGone) {
  create(1, 'a');
  renew(1, 'b');
  history_.add(token_id(1), token_deleted());
  EXPECT_FALSE(find('a'));
  EXPECT_FALSE(find('b'));
  complete_renewal(2);
  history_.add(token_id(3), token_deleted());
  EXPECT_EQ(handles_.parked_streams(), 0) << "tokens without a handle";
}

TEST_F(HandleIndexTest, ADigestOfAnotherSizeParksItsStream) {
  auto event = token_created(token_id(1), vendor(1), ZAPIER);
  event.mutable_token_created()->mutable_handle_digest()->set_digest("short");
  history_.add(token_id(1), event);
  feed(log_, handles_);
  EXPECT_EQ(handles_.parked_streams(), 1);
}

}  // namespace
}  // namespace mintmark::handle_index_test
