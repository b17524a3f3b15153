#include "projections/token_list.h"

#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eventstore/memory_log.h"
#include "tests/support/history.h"
#include "tests/support/view_folder.h"

namespace mintmark::token_list_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace ::mintmark::testing;

class TokenListTest : public ::testing::Test {
 protected:
  TokenList& list() {
    feed(log_, list_);
    return list_;
  }
  TokenRow row(TokenId id) { return list().find(id).value_or(TokenRow()); }

  std::vector<std::uint32_t> ids_of_page(AccountId account, std::size_t offset, std::size_t limit) {
    std::vector<std::uint32_t> ids;
    for (const auto& found : list().page(account, offset, limit).rows) {
      ids.push_back(TokenId::parse(found.token_id())->value());
    }
    return ids;
  }

  ViewFolder views_;
  MemoryLog log_{event_id(1)};
  History history_{log_};
  TokenList list_{views_.store().live(TokenList::projection_name)};
};

TEST_F(TokenListTest, ACreatedTokenHasARowWithEverythingThatItsEventSays) {
  auto event = token_created(token_id(7), vendor(3), CUSTOM, "Billing");
  auto& created = *event.mutable_token_created();
  created.set_description("Nightly export");
  created.set_external_id("crm-7");
  created.set_expires_at_us(1'900'000'000'000'000);
  history_.actor.set_kind(Actor::USER);
  history_.actor.set_id("UR-000-000-005");
  history_.add(token_id(7), event);

  TokenRow expected;
  expected.set_token_id("SU-000-000-007");
  expected.set_account_id("VA-000-003");
  expected.set_extension(CUSTOM);
  expected.set_name("Billing");
  expected.set_description("Nightly export");
  expected.set_external_id("crm-7");
  expected.set_status(TokenRow::ACTIVE);
  expected.mutable_created()->set_at_us(History::recorded_at(1).time_since_epoch().count());
  *expected.mutable_created()->mutable_by() = history_.actor;
  expected.set_expires_at_us(1'900'000'000'000'000);
  expected.set_version(1);
  expected.set_created_position(1);
  EXPECT_EQ(row(token_id(7)).DebugString(), expected.DebugString());
}

TEST_F(TokenListTest, AProvisioningThatFailsShowsUntilItSucceeds) {
  history_.add(token_id(1), token_created(token_id(1), vendor(1), ZAPIER));
  Event failed;
  failed.mutable_zapier_provisioning_failed()->set_attempt(2);
  failed.mutable_zapier_provisioning_failed()->set_status(503);
  history_.add(token_id(1), failed);
  feed(log_, list_);
  EXPECT_EQ(list_.find(token_id(1))->provisioning().attempts(), 2);
  EXPECT_EQ(list_.find(token_id(1))->provisioning().attempt().status(), 503);
  EXPECT_EQ(list_.find(token_id(1))->version(), 2);
  history_.add(token_id(1), connection_issued());
  feed(log_, list_);
  EXPECT_FALSE(list_.find(token_id(1))->has_provisioning());
  history_.add(token_id(1), token_deleted());
  history_.add(token_id(1), failed);
  feed(log_, list_);
  EXPECT_EQ(list_.parked_streams(), 0);
}

TEST_F(TokenListTest, AZapierTokenIsPendingUntilItsConnectionIsIssued) {
  history_.add(token_id(1), token_created(token_id(1), vendor(1), ZAPIER));
  EXPECT_EQ(row(token_id(1)).status(), TokenRow::PENDING);

  history_.add(token_id(1), connection_issued());
  EXPECT_EQ(row(token_id(1)).status(), TokenRow::ACTIVE);
  EXPECT_EQ(row(token_id(1)).version(), 2);
}

TEST_F(TokenListTest, AnExpiredTokenIsWithANewValueWhatItWasBefore) {
  Event off;
  off.mutable_token_deactivated();
  Event expired;
  expired.mutable_token_expired();
  Event rotated;
  rotated.mutable_token_rotated();
  for (const std::uint32_t number : {1U, 2U, 3U, 4U}) {
    const auto extension = number < 3 ? CUSTOM : ZAPIER;
    history_.add(token_id(number), token_created(token_id(number), vendor(1), extension));
  }
  history_.add(token_id(2), off);
  for (const std::uint32_t number : {1U, 2U, 3U, 4U}) history_.add(token_id(number), expired);
  history_.add(token_id(4), connection_issued());
  for (const std::uint32_t number : {1U, 2U, 3U, 4U}) {
    EXPECT_EQ(row(token_id(number)).status(), TokenRow::EXPIRED);
    history_.add(token_id(number), rotated);
  }
  EXPECT_EQ(row(token_id(1)).status(), TokenRow::ACTIVE);
  EXPECT_EQ(row(token_id(2)).status(), TokenRow::INACTIVE);
  EXPECT_EQ(row(token_id(3)).status(), TokenRow::PENDING);
  EXPECT_EQ(row(token_id(4)).status(), TokenRow::ACTIVE);
}

TEST_F(TokenListTest, AnUpdateChangesTheFieldsThatItHasAndNoOthers) {
  auto created = token_created(token_id(1), vendor(1), CUSTOM, "old");
  created.mutable_token_created()->set_description("kept");
  created.mutable_token_created()->set_external_id("cleared");
  history_.add(token_id(1), created);
  auto updated = token_renamed("new");
  updated.mutable_token_updated()->set_external_id("");
  history_.add(token_id(1), updated);

  EXPECT_EQ(row(token_id(1)).name(), "new");
  EXPECT_EQ(row(token_id(1)).description(), "kept");
  EXPECT_EQ(row(token_id(1)).external_id(), "");
  EXPECT_EQ(row(token_id(1)).version(), 2);
}

TEST_F(TokenListTest, ARevealedTokenChangesNothingButItsVersion) {
  history_.add(token_id(1), token_created(token_id(1), vendor(1)));
  auto expected = row(token_id(1));
  history_.add(token_id(1), token_revealed());
  expected.set_version(2);
  EXPECT_EQ(row(token_id(1)).DebugString(), expected.DebugString());
}

Event tokens_used(std::initializer_list<std::pair<std::uint32_t, std::int64_t>> uses) {
  Event event;
  for (const auto& [token, at_us] : uses) {
    auto& use = *event.mutable_tokens_used()->add_uses();
    use.set_token(token);
    use.set_last_used_at_us(at_us);
  }
  return event;
}

TEST_F(TokenListTest, AUsedTokenKeepsItsVersionAndTheNewestUse) {
  history_.add(token_id(1), token_created(token_id(1), vendor(1)));
  history_.add(token_id(2), token_created(token_id(2), vendor(1)));
  auto expected = row(token_id(1));
  history_.add("usage-VA-000-001", tokens_used({{1, 500}, {2, 600}}));
  history_.add("usage-VA-000-001", tokens_used({{1, 400}, {2, 700}}));
  expected.set_last_used_at_us(500);
  EXPECT_EQ(row(token_id(1)).DebugString(), expected.DebugString());
  EXPECT_EQ(row(token_id(2)).last_used_at_us(), 700);
}

TEST_F(TokenListTest, AUseFromTheFutureGivesWayToALaterRecord) {
  history_.add(token_id(1), token_created(token_id(1), vendor(1)));
  history_.add("usage-VA-000-001", tokens_used({{1, INT64_MAX}}));
  history_.add("usage-VA-000-001", tokens_used({{1, 500}}));
  EXPECT_EQ(row(token_id(1)).last_used_at_us(), 500);
}

TEST_F(TokenListTest, AUsedTokenThatIsNotThereIsPassedOverAndAnImpossibleOneParksTheStream) {
  history_.add(token_id(1), token_created(token_id(1), vendor(1)));
  history_.add(token_id(1), token_deleted());
  history_.add(token_id(3), token_created(token_id(3), vendor(1)));
  history_.add("usage-VA-000-001", tokens_used({{1, 500}, {2, 500}, {3, 500}}));
  EXPECT_EQ(row(token_id(3)).last_used_at_us(), 500);
  EXPECT_EQ(list().find(token_id(1)), std::nullopt);
  EXPECT_EQ(list().parked_streams(), 0);
  history_.add("usage-VA-000-001", tokens_used({{3, 600}, {TokenId::value_end, 600}}));
  EXPECT_EQ(list().parked_streams(), 1);
  EXPECT_EQ(row(token_id(3)).last_used_at_us(), 500);
}

TEST_F(TokenListTest, ADeletedTokenIsGoneFromReadsListsAndTotals) {
  history_.add(token_id(1), token_created(token_id(1), vendor(1)));
  history_.add(token_id(2), token_created(token_id(2), vendor(1)));
  history_.add(token_id(1), token_deleted());
  history_.add(token_id(1), connection_withdrawn());

  EXPECT_EQ(list().find(token_id(1)), std::nullopt);
  EXPECT_THAT(ids_of_page(vendor(1), 0, 10), ElementsAre(2));
  EXPECT_EQ(list().page(vendor(1), 0, 10).total, 1);
  EXPECT_EQ(list().parked_streams(), 0);
}

TEST_F(TokenListTest, ATokenThatNobodyMadeIsNotFound) {
  EXPECT_EQ(list().find(token_id(1)), std::nullopt);
}

TEST_F(TokenListTest, APageHoldsTheNewestFirstFromItsOffsetToItsLimit) {
  for (const auto number : {30U, 10U, 20U, 50U, 40U}) {
    history_.add(token_id(number), token_created(token_id(number), vendor(1)));
  }
  EXPECT_THAT(ids_of_page(vendor(1), 0, 10), ElementsAre(40, 50, 20, 10, 30));
  EXPECT_THAT(ids_of_page(vendor(1), 0, 2), ElementsAre(40, 50));
  EXPECT_THAT(ids_of_page(vendor(1), 1, 2), ElementsAre(50, 20));
  EXPECT_THAT(ids_of_page(vendor(1), 4, 2), ElementsAre(30));
  EXPECT_THAT(ids_of_page(vendor(1), 0, 0), IsEmpty());
}

TEST_F(TokenListTest, ATotalCountsTheWholeListWhateverThePage) {
  for (std::uint32_t i = 1; i <= 5; ++i) history_.add(token_id(i), token_created(token_id(i), vendor(1)));
  EXPECT_EQ(list().page(vendor(1), 0, 2).total, 5);
  EXPECT_EQ(list().page(vendor(1), 3, 0).total, 5);
  EXPECT_EQ(list().page(vendor(1), 77, 2).total, 5);
}

TEST_F(TokenListTest, APagePastTheEndIsEmpty) {
  history_.add(token_id(1), token_created(token_id(1), vendor(1)));
  EXPECT_THAT(ids_of_page(vendor(1), 1, 10), IsEmpty());
  EXPECT_THAT(ids_of_page(vendor(1), SIZE_MAX, SIZE_MAX), IsEmpty());
}

TEST_F(TokenListTest, AnAccountWithoutTokensHasAnEmptyPage) {
  history_.add(token_id(1), token_created(token_id(1), vendor(2)));
  EXPECT_THAT(ids_of_page(vendor(1), 0, 10), IsEmpty());
  EXPECT_THAT(ids_of_page(vendor(3), 0, 10), IsEmpty());
  EXPECT_EQ(list().page(vendor(1), 0, 10).total, 0);
}

TEST_F(TokenListTest, ManyAccountsStandSideBySideWithoutSeeingEachOther) {
  const auto provider = AccountId::from_value(AccountType::kProvider, 0);
  const std::vector accounts = {vendor(0), vendor(1), vendor(999'999), provider};
  for (std::uint32_t i = 0; i < 40; ++i) {
    history_.add(token_id(i), token_created(token_id(i), accounts[i % accounts.size()]));
  }
  for (std::uint32_t i = 0; i < accounts.size(); ++i) {
    EXPECT_THAT(ids_of_page(accounts[i], 0, 3), ElementsAre(36 + i, 32 + i, 28 + i));
    EXPECT_THAT(ids_of_page(accounts[i], 8, 3), ElementsAre(4 + i, i));
    EXPECT_EQ(list().page(accounts[i], 0, 3).total, 10);
  }
}

TEST_F(TokenListTest, EventsOfOtherKindsChangeNothing) {
  history_.add(stream_of(vendor(1)), account_opened(vendor(1), "Acme"));
  history_.add("session-x", [] {
    Event event;
    event.mutable_session_closed();
    return event;
  }());
  EXPECT_EQ(list().checkpoint(), 2);
  EXPECT_EQ(list().parked_streams(), 0);
}

}  // namespace
}  // namespace mintmark::token_list_test
