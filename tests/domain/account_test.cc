#include "domain/account.h"

#include <string>

#include <gtest/gtest.h>

#include "domain/limits.h"
#include "tests/support/given_when_then.h"

namespace mintmark::account_test {
namespace {

using testing::given;

const auto account_id = AccountId::from_value(AccountType::kProvider, 12);

Event opened(const std::string& name = "Acme") {
  Event event;
  event.mutable_account_opened()->set_account_id("PA-000-012");
  event.mutable_account_opened()->set_name(name);
  return event;
}

Event described(const std::string& description) {
  Event event;
  event.mutable_account_updated()->set_description(description);
  return event;
}

TEST(OpenAccountCommand, OpensAnAccount) {
  given<Account>({}).when(OpenAccount{account_id, "Acme"}).then({opened()});
}

TEST(OpenAccountCommand, RefusesAnIdThatIsTaken) {
  given<Account>({opened()})
      .when(OpenAccount{account_id, "Other"})
      .then_fails(ErrorKind::kTaken, {"id: This account id is taken."});
}

TEST(OpenAccountCommand, RefusesABlankOrOverlongName) {
  given<Account>({})
      .when(OpenAccount{account_id, " "})
      .then_fails(ErrorKind::kInvalid, {"name: This field may not be blank."});
  given<Account>({})
      .when(OpenAccount{account_id, std::string(limits::account_name_max + 1, 'a')})
      .then_fails(ErrorKind::kInvalid, {"name: Ensure this field has no more than 64 characters."});
}

TEST(UpdateAccountCommand, RecordsEveryFieldThatChanges) {
  Event event;
  auto& updated = *event.mutable_account_updated();
  updated.set_name("Acme 2");
  updated.set_description("d");
  updated.set_external_id("e");
  updated.set_brand("b");
  given<Account>({opened()}).when(UpdateAccount{"Acme 2", "d", "e", "b"}).then({event});
}

TEST(UpdateAccountCommand, RecordsOnlyWhatChanges) {
  given<Account>({opened()}).when(UpdateAccount{"Acme", "d", "", std::nullopt}).then({described("d")});
  given<Account>({opened(), described("d")})
      .when(UpdateAccount{std::nullopt, "", std::nullopt, std::nullopt})
      .then({described("")});
}

TEST(UpdateAccountCommand, ChangesNothingWhereNothingIsNew) {
  given<Account>({opened()}).when(UpdateAccount{}).then_nothing_changes();
  given<Account>({opened(), described("d")}).when(UpdateAccount{"Acme", "d", "", ""}).then_nothing_changes();
}

TEST(UpdateAccountCommand, FindsNoAccountThatWasNotOpened) {
  given<Account>({})
      .when(UpdateAccount{"Acme", {}, {}, {}})
      .then_fails(ErrorKind::kNotFound, {"Account not found."});
}

TEST(UpdateAccountCommand, TellsEveryFieldThatIsWrongAtOnce) {
  given<Account>({opened()})
      .when(UpdateAccount{"", std::string(limits::account_description_max + 1, 'a'),
                          std::string(limits::account_external_id_max + 1, 'a'), "\x01"})
      .then_fails(ErrorKind::kInvalid, {"name: This field may not be blank.",
                                        "description: Ensure this field has no more than 512 characters.",
                                        "external_id: Ensure this field has no more than 100 characters.",
                                        "brand: Control characters are not allowed."});
}

TEST(AccountState, FollowsItsEvents) {
  Event event;
  auto& updated = *event.mutable_account_updated();
  updated.set_external_id("e");
  updated.set_brand("b");
  auto account = given<Account>({}).state();
  EXPECT_FALSE(account.exists);
  evolve(account, opened());
  EXPECT_TRUE(account.exists);
  EXPECT_EQ(account.name, "Acme");
  evolve(account, described("d"));
  evolve(account, event);
  EXPECT_EQ(account.name, "Acme");
  EXPECT_EQ(account.description, "d");
  EXPECT_EQ(account.external_id, "e");
  EXPECT_EQ(account.brand, "b");
  event.mutable_account_updated()->set_name("Acme 2");
  evolve(account, event);
  EXPECT_EQ(account.name, "Acme 2");
}

TEST(AccountState, IgnoresEventsOfOtherStreams) {
  Event created;
  created.mutable_token_created()->set_name("a token");
  const auto account = given<Account>({created, Event()}).state();
  EXPECT_FALSE(account.exists);
  EXPECT_TRUE(account.name.empty());
}

UpdateAccountDetails details(const std::string& overview, const std::string& country) {
  UpdateAccountDetails command;
  command.details.set_overview(overview);
  command.details.mutable_countries()->add_values(country);
  return command;
}

Event detailed(const AccountDetailsUpdated& fields) {
  Event event;
  *event.mutable_account_details_updated() = fields;
  return event;
}

Event closed() {
  Event event;
  event.mutable_account_closed();
  return event;
}

TEST(UpdateAccountDetailsCommand, RecordsOnlyWhatChanges) {
  const auto all = details("We make things", "GB");
  given<Account>({opened()}).when(all).then({detailed(all.details)});
  given<Account>({opened(), detailed(all.details)}).when(all).then_nothing_changes();
  AccountDetailsUpdated moved;
  moved.mutable_countries()->add_values("FR");
  given<Account>({opened(), detailed(all.details)})
      .when(details("We make things", "FR"))
      .then({detailed(moved)});
  AccountDetailsUpdated emptied;
  emptied.mutable_countries();
  UpdateAccountDetails empty;
  empty.details.mutable_countries();
  given<Account>({opened(), detailed(all.details)}).when(empty).then({detailed(emptied)});
}

TEST(UpdateAccountDetailsCommand, SetsAFlagAlsoWhereItWasUnknown) {
  UpdateAccountDetails command;
  command.details.set_is_public(false);
  given<Account>({opened()}).when(command).then({detailed(command.details)});
  given<Account>({opened(), detailed(command.details)}).when(command).then_nothing_changes();
}

TEST(UpdateAccountDetailsCommand, TellsEveryFieldThatIsWrongAtOnce) {
  auto command = details(std::string(limits::account_overview_max + 1, 'a'), " ");
  command.details.set_headquarters(std::string(257, 'a'));
  for (std::size_t i = 0; i <= limits::account_list_items_max; ++i)
    command.details.mutable_websites()->add_values("x");
  given<Account>({opened()})
      .when(command)
      .then_fails(ErrorKind::kInvalid,
                  {"overview: Ensure this field has no more than 16384 characters.",
                   "headquarters: Ensure this field has no more than 256 characters.",
                   "countries: This field may not be blank.", "websites: Give no more than 300."});
}

TEST(CloseAccountCommand, ClosesAnAccountThatHasNothingLeft) {
  given<Account>({opened()}).when(CloseAccount{}).then({closed()});
  given<Account>({opened()})
      .when(CloseAccount{.tokens = 2, .webhooks = 3, .other_users = 1})
      .then_fails(ErrorKind::kConflict, {"The account has 2 tokens; delete them first.",
                                         "The account has 3 webhooks; delete them first.",
                                         "The account has 1 other users; delete them first."});
}

TEST(MarkPartnerCommand, MarksAnAccountOnce) {
  Event marked;
  marked.mutable_partner_marked();
  given<Account>({opened()}).when(MarkPartner{}).then({marked});
  given<Account>({opened(), marked}).when(MarkPartner{}).then_nothing_changes();
}

TEST(ClosedAccount, IsNotFoundByAnyCommand) {
  const auto gone = given<Account>({opened(), closed()});
  gone.when(MarkPartner{}).then_fails(ErrorKind::kNotFound, {"Account not found."});
  gone.when(CloseAccount{}).then_fails(ErrorKind::kNotFound, {"Account not found."});
  gone.when(details("a", "b")).then_fails(ErrorKind::kNotFound, {"Account not found."});
  gone.when(UpdateAccount{"Acme", {}, {}, {}}).then_fails(ErrorKind::kNotFound, {"Account not found."});
  gone.when(OpenAccount{account_id, "Acme"}).then_fails(ErrorKind::kTaken, {"id: This account id is taken."});
}

}  // namespace
}  // namespace mintmark::account_test
