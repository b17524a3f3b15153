#include "projections/extension_list.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eventstore/memory_log.h"
#include "tests/support/history.h"
#include "tests/support/view_folder.h"

namespace mintmark::extension_list_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace ::mintmark::testing;

ExtensionId own(std::uint32_t number) {
  return ExtensionId::from_value(ExtensionId::own_begin + number);
}

class ExtensionListTest : public ::testing::Test {
 protected:
  ExtensionList& extensions() {
    feed(log_, extensions_);
    return extensions_;
  }
  ExtensionRow row(std::uint32_t number) { return extensions().find(own(number)).value_or(ExtensionRow()); }

  void create(std::uint32_t number, AccountId account, const std::string& name) {
    Event event;
    auto& created = *event.mutable_extension_created();
    created.set_extension_id(own(number).text());
    created.set_account_id(account.text());
    created.mutable_details()->set_name(name);
    history_.add(stream_of(own(number)), event);
  }
  Position add(std::uint32_t number, const Event& event) {
    return history_.add(stream_of(own(number)), event);
  }
  void create_token(std::uint32_t token, std::uint32_t extension) {
    auto event = token_created(token_id(token), vendor(1));
    event.mutable_token_created()->set_extension_id(own(extension).text());
    history_.add(token_id(token), event);
  }

  static std::vector<std::string> names(const std::vector<ExtensionRow>& rows) {
    std::vector<std::string> names;
    for (const auto& row : rows) names.push_back(row.details().name());
    return names;
  }

  MemoryLog log_{event_id(1)};
  History history_{log_};
  ViewFolder views_;
  ExtensionList extensions_{views_.store().live(ExtensionList::projection_name)};
};

TEST_F(ExtensionListTest, AnAccountsExtensionsStandNewestFirst) {
  create(5, vendor(1), "first");
  create(2, vendor(2), "other");
  create(3, vendor(1), "second");
  EXPECT_THAT(names(extensions().of(vendor(1))), ElementsAre("second", "first"));
  EXPECT_THAT(names(extensions().of(vendor(2))), ElementsAre("other"));
  EXPECT_THAT(extensions().of(vendor(3)), IsEmpty());
  EXPECT_FALSE(extensions().find(own(4)));
  EXPECT_FALSE(extensions().find(ExtensionId::zapier()));
}

TEST_F(ExtensionListTest, AChangeReplacesWhatItHas) {
  create(5, vendor(1), "ledger");
  Event event;
  event.mutable_extension_updated()->mutable_changed()->mutable_websites()->add_values("https://a.example");
  add(5, event);
  event.mutable_extension_updated()->mutable_changed()->mutable_websites()->set_values(0,
                                                                                       "https://b.example");
  const auto position = add(5, event);
  EXPECT_EQ(row(5).details().name(), "ledger");
  EXPECT_THAT(row(5).details().websites().values(), ElementsAre("https://b.example"));
  EXPECT_EQ(row(5).version(), 3);
  EXPECT_EQ(row(5).modified().at_us(), History::recorded_at(position).time_since_epoch().count());
}

TEST_F(ExtensionListTest, ItsTokensAreCountedUntilTheyAreDeleted) {
  create(5, vendor(1), "ledger");
  create_token(1, 5);
  create_token(2, 5);
  history_.add(token_id(3), token_created(token_id(3), vendor(1)));
  EXPECT_EQ(row(5).tokens(), 2);
  history_.add(token_id(3), token_deleted());
  history_.add(token_id(1), token_deleted());
  EXPECT_EQ(row(5).tokens(), 1);
}

TEST_F(ExtensionListTest, ADeletedExtensionKeepsItsNameForTheTokensThatShowIt) {
  create(5, vendor(1), "ledger");
  Event deleted;
  deleted.mutable_extension_deleted();
  add(5, deleted);
  create_token(1, 5);
  EXPECT_THAT(extensions().of(vendor(1)), IsEmpty());
  EXPECT_TRUE(row(5).deleted());
  EXPECT_EQ(row(5).details().name(), "ledger");
  EXPECT_EQ(extensions().parked_streams(), 0);
}

TEST_F(ExtensionListTest, WhatNeverWasParksItsStream) {
  Event updated;
  updated.mutable_extension_updated();
  add(5, updated);
  create_token(1, 6);
  EXPECT_EQ(extensions().parked_streams(), 2);
}

}  // namespace
}  // namespace mintmark::extension_list_test
