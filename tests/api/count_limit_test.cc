#include "api/count_limit.h"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "api/extension_service.h"
#include "api/webhook_service.h"
#include "tests/support/api_instance.h"

// Of what there may be only so many, there are no more, whatever somebody else makes between a decision and
// its append.
namespace mintmark::count_limit_test {
namespace {

using namespace ::mintmark::testing;

class CountLimitTest : public ::testing::Test {
 protected:
  Result<CreatedToken> create_token(ExtensionId extension) {
    NewToken wanted;
    wanted.name = "Billing";
    wanted.own_extension = extension;
    return run(mintmark::create_token(*instance_.services, caller_, std::move(wanted)));
  }
  Result<ChangedExtension> create_extension(std::optional<std::uint32_t> tokens_max = {}) {
    ExtensionDetails details;
    details.set_name("ledger-" + std::to_string(++made_));
    details.set_description("A kind of token");
    if (tokens_max) details.mutable_constraints()->set_account_tokens(*tokens_max);
    return run(mintmark::create_extension(*instance_.services, caller_, details));
  }
  Result<ChangedWebhook> create_webhook() {
    WebhookInput input;
    input.label = "Hook";
    input.object_class = "token";
    input.external_url = "https://example.com/";
    return run(mintmark::create_webhook(*instance_.services, caller_, std::move(input)));
  }
  // Calls it once, before the next append reaches the log.
  template <class Meanwhile>
  void before_next_append(Meanwhile meanwhile) {
    instance_.log.before_append([this, meanwhile] {
      instance_.log.before_append({});
      meanwhile();
    });
  }
  // That the last place is one's alone.
  template <class Create>
  void expect_one_wins_the_last_place(Create create) {
    bool meanwhile = false;
    before_next_append([&] { meanwhile = create().has_value(); });
    const auto overtaken = create();
    EXPECT_TRUE(meanwhile);
    ASSERT_FALSE(overtaken);
    EXPECT_EQ(overtaken.error().kind, ErrorKind::kConflict);
  }
  std::size_t tokens_of(ExtensionId id) { return instance_.extensions->find(id)->tokens(); }

  ApiInstance instance_;
  const AccountId account_ = instance_.open_account("Acme");
  const Caller caller_ = ApiInstance::caller(account_);
  int made_ = 0;
};

TEST_F(CountLimitTest, TheLastTokenOfAnExtensionIsOnesAlone) {
  const auto id = create_extension(2)->id;
  const auto first = create_token(id);
  ASSERT_TRUE(first);
  expect_one_wins_the_last_place([&] { return create_token(id); });
  EXPECT_EQ(tokens_of(id), 2);
  ASSERT_TRUE(run(delete_token(*instance_.services, caller_, first->value.key->id)));
  EXPECT_TRUE(create_token(id));
  EXPECT_FALSE(create_token(id));
}

TEST_F(CountLimitTest, TheLastWebhookOfAnAccountIsOnesAlone) {
  for (std::size_t i = 1; i < limits::webhooks_per_account_max; ++i) ASSERT_TRUE(create_webhook());
  expect_one_wins_the_last_place([&] { return create_webhook(); });
  EXPECT_EQ(instance_.webhooks->of(account_).size(), limits::webhooks_per_account_max);
}

TEST_F(CountLimitTest, TheLastExtensionOfAnAccountIsOnesAlone) {
  for (std::size_t i = 1; i < limits::extensions_per_account_max; ++i) ASSERT_TRUE(create_extension());
  expect_one_wins_the_last_place([&] { return create_extension(); });
  EXPECT_EQ(instance_.extensions->of(account_).size(), limits::extensions_per_account_max);
}

// Any number are made at once where there may be any number.
TEST_F(CountLimitTest, TokensThatNothingCountsShareNoStream) {
  const auto id = create_extension()->id;
  std::size_t shared = 0;
  instance_.log.before_append_of(
      [&shared](const AppendRequest& request) { shared += request.streams.size() - 1; });
  ASSERT_TRUE(create_token(id));
  instance_.create_token(account_);
  instance_.create_token(account_, ZAPIER);
  EXPECT_EQ(shared, 0);
  instance_.log.before_append({});
}

TEST_F(CountLimitTest, ATokenIsNotCreatedOfAnExtensionThatWasDeletedMeanwhile) {
  const auto id = create_extension()->id;
  before_next_append([&] { ASSERT_TRUE(run(delete_extension(*instance_.services, caller_, id))); });
  const auto late = create_token(id);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error(), (Error{ErrorKind::kInvalid, {"extension: There is no such extension."}}));
  EXPECT_EQ(instance_.token_list->page(account_, 0, 0).total, 0);
  EXPECT_EQ(tokens_of(id), 0);
}

// A view that stands still, as far as it has come.
class UnshownTest : public CountLimitTest {
 protected:
  // Whether one more finds room; then it is made.
  bool take() {
    Decision decision;
    const CountLimit limit{.stream = "count-test",
                           .max = 3,
                           .refusal = "full",
                           .view = view_,
                           .shows = [this](const std::string& id) { return shown_ == id; },
                           .count = [this] { return shown_.empty() ? 0U : 1U; }};
    const auto counted = count_in(*instance_.services, limit, "WH-" + std::to_string(++made_), decision);
    if (!counted) return false;
    AppendRequest request;
    request.streams = std::move(decision.other_streams);
    return append_and_wait(instance_.memory, std::move(request)).has_value();
  }

  ViewFolder views_;
  WebhookList view_{views_.store().live(WebhookList::projection_name)};
  std::string shown_;
};

TEST_F(UnshownTest, WhatTheViewDoesNotShowYetIsCounted) {
  EXPECT_TRUE(take());
  EXPECT_TRUE(take());
  EXPECT_TRUE(take());
  EXPECT_FALSE(take());
}

TEST_F(UnshownTest, WhatItShowsIsCountedOnce) {
  EXPECT_TRUE(take());
  shown_ = "WH-1";
  EXPECT_TRUE(take());
  EXPECT_TRUE(take());
  EXPECT_FALSE(take());
}

TEST_F(UnshownTest, WhatIsGoneSinceItWasShownIsNotCounted) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(take());
  EXPECT_FALSE(take());
  view_.apply(instance_.memory.read(0, limits::projection_batch_events_max));
  EXPECT_TRUE(take());
}

}  // namespace
}  // namespace mintmark::count_limit_test
