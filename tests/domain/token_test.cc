#include "domain/token.h"

#include <string>

#include <gtest/gtest.h>

#include "domain/limits.h"
#include "tests/support/given_when_then.h"
#include "tests/support/token_builders.h"

namespace mintmark::token_test {
namespace {

using namespace std::chrono_literals;
using testing::given;

const auto account_id = AccountId::from_value(AccountType::kVendor, 1);

using testing::created;
using testing::digest;
using testing::sealed;
const auto now = testing::creation_time;

CreateToken create(Extension extension = CUSTOM) {
  return testing::create_token(extension);
}

Event renamed(const std::string& name) {
  Event event;
  event.mutable_token_updated()->set_name(name);
  return event;
}

Event revealed() {
  Event event;
  event.mutable_token_revealed();
  return event;
}

Event deleted() {
  Event event;
  event.mutable_token_deleted();
  return event;
}

Event connection_issued() {
  Event event;
  event.mutable_zapier_connection_issued()->set_connection_id("connection");
  return event;
}

Event connection_withdrawn() {
  Event event;
  event.mutable_zapier_connection_withdrawn()->set_connection_id("connection");
  return event;
}

void then_not_found(const testing::Outcome& outcome) {
  outcome.then_fails(ErrorKind::kNotFound, {"Token not found."});
}

TEST(CreateTokenCommand, RecordsEveryField) {
  given<Token>({}).when(create()).then({created()});
}

TEST(CreateTokenCommand, RecordsAHandleForZapier) {
  given<Token>({}).when(create(ZAPIER)).then({created(ZAPIER)});
}

TEST(CreateTokenCommand, RecordsWhenTheTokenExpires) {
  auto command = create();
  command.expires_at = now + 1us;
  auto event = created();
  event.mutable_token_created()->set_expires_at_us((now + 1us).time_since_epoch().count());
  given<Token>({}).when(command).then({event});
}

TEST(CreateTokenCommand, MayLeaveDescriptionAndExternalIdEmpty) {
  auto command = create();
  command.description.clear();
  command.external_id.clear();
  auto event = created();
  event.mutable_token_created()->clear_description();
  event.mutable_token_created()->clear_external_id();
  given<Token>({}).when(command).then({event});
}

TEST(CreateTokenCommand, RefusesAnIdThatIsOrWasTaken) {
  const std::vector<std::string> taken = {"id: This token id is taken."};
  given<Token>({created()}).when(create()).then_fails(ErrorKind::kTaken, taken);
  given<Token>({created(), deleted()}).when(create()).then_fails(ErrorKind::kTaken, taken);
}

TEST(CreateTokenCommand, RefusesAnExpiryThatIsNotInTheFuture) {
  auto command = create();
  for (const auto expiry : {now, now - 1us}) {
    command.expires_at = expiry;
    given<Token>({}).when(command).then_fails(ErrorKind::kInvalid,
                                              {"expiration_date: Must be in the future."});
  }
}

TEST(CreateTokenCommand, RefusesAnExtensionThatIsNone) {
  given<Token>({})
      .when(create(EXTENSION_UNSPECIFIED))
      .then_fails(ErrorKind::kInvalid, {"extension: Must be custom or zapier."});
}

TEST(CreateTokenCommand, RefusesABlankName) {
  auto command = create();
  for (const std::string name : {"", " ", "    "}) {
    command.name = name;
    given<Token>({}).when(command).then_fails(ErrorKind::kInvalid, {"name: This field may not be blank."});
  }
}

TEST(CreateTokenCommand, TakesFieldsOfExactlyTheirLongestLengthInCodePoints) {
  auto command = create();
  auto event = created();
  auto& fields = *event.mutable_token_created();
  const auto repeated = [](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += "\u6C34";
    return text;
  };
  fields.set_name(command.name = repeated(limits::token_name_max));
  fields.set_description(command.description = repeated(limits::token_description_max));
  fields.set_external_id(command.external_id = repeated(limits::token_external_id_max));
  given<Token>({}).when(command).then({event});
}

TEST(CreateTokenCommand, TellsEveryFieldThatIsWrongAtOnce) {
  auto command = create();
  command.name = std::string(limits::token_name_max + 1, 'a');
  command.description = "\xFF";
  command.external_id = "tab\there";
  command.expires_at = now;
  given<Token>({}).when(command).then_fails(
      ErrorKind::kInvalid,
      {"name: Ensure this field has no more than 128 characters.", "description: Must be valid UTF-8.",
       "external_id: Control characters are not allowed.", "expiration_date: Must be in the future."});
}

TEST(UpdateTokenCommand, RecordsOnlyWhatChanges) {
  given<Token>({created()})
      .when(UpdateToken{.name = "Invoices", .description = "Nightly export", .external_id = "crm-7"})
      .then({renamed("Invoices")});
}

TEST(UpdateTokenCommand, RecordsEveryFieldThatChanges) {
  Event event;
  event.mutable_token_updated()->set_name("N");
  event.mutable_token_updated()->set_description("");
  event.mutable_token_updated()->set_external_id("");
  given<Token>({created()})
      .when(UpdateToken{.name = "N", .description = "", .external_id = ""})
      .then({event});
}

TEST(UpdateTokenCommand, ChangesNothingWhereNothingIsNew) {
  given<Token>({created()}).when(UpdateToken{}).then_nothing_changes();
  given<Token>({created(), renamed("Invoices")})
      .when(UpdateToken{.name = "Invoices", .description = std::nullopt, .external_id = std::nullopt})
      .then_nothing_changes();
}

TEST(UpdateTokenCommand, RefusesBadFields) {
  given<Token>({created()})
      .when(UpdateToken{.name = " ",
                        .description = std::string(limits::token_description_max + 1, 'a'),
                        .external_id = std::string(limits::token_external_id_max + 1, 'a')})
      .then_fails(ErrorKind::kInvalid, {"name: This field may not be blank.",
                                        "description: Ensure this field has no more than 255 characters.",
                                        "external_id: Ensure this field has no more than 128 characters."});
}

TEST(RevealTokenCommand, IsItselfAnEvent) {
  given<Token>({created()}).when(RevealToken{}).then({revealed()});
  given<Token>({created(), revealed()}).when(RevealToken{}).then({revealed()});
  given<Token>({created(ZAPIER)}).when(RevealToken{}).then({revealed()});
}

TEST(DeleteTokenCommand, DeletesActiveAndPendingTokens) {
  given<Token>({created()}).when(DeleteToken{}).then({deleted()});
  given<Token>({created(ZAPIER)}).when(DeleteToken{}).then({deleted()});
  given<Token>({created(ZAPIER), connection_issued()}).when(DeleteToken{}).then({deleted()});
}

TEST(EveryOwnersCommand, FindsNoTokenThatIsAbsentOrDeleted) {
  const std::vector<std::vector<Event>> histories = {
      {}, {created(), deleted()}, {created(ZAPIER), deleted()}};
  for (const auto& history : histories) {
    then_not_found(given<Token>(history).when(UpdateToken{}));
    then_not_found(given<Token>(history).when(RevealToken{}));
    then_not_found(given<Token>(history).when(DeleteToken{}));
  }
}

TEST(IssueZapierConnectionCommand, IssuesOneForAPendingZapierTokenOnce) {
  const IssueZapierConnection issue{"connection"};
  given<Token>({created(ZAPIER)}).when(issue).then({connection_issued()});
  given<Token>({created(ZAPIER), connection_issued()}).when(issue).then_nothing_changes();
}

TEST(IssueZapierConnectionCommand, IssuesNoneForOtherTokens) {
  const IssueZapierConnection issue{"connection"};
  given<Token>({}).when(issue).then_nothing_changes();
  given<Token>({created()}).when(issue).then_nothing_changes();
  given<Token>({created(ZAPIER), deleted()}).when(issue).then_nothing_changes();
}

TEST(WithdrawZapierConnectionCommand, WithdrawsTheConnectionOfADeletedTokenOnce) {
  const WithdrawZapierConnection withdraw;
  given<Token>({created(ZAPIER), connection_issued(), deleted()})
      .when(withdraw)
      .then({connection_withdrawn()});
  given<Token>({created(ZAPIER), connection_issued(), deleted(), connection_withdrawn()})
      .when(withdraw)
      .then_nothing_changes();
}

TEST(WithdrawZapierConnectionCommand, WithdrawsNothingElse) {
  const WithdrawZapierConnection withdraw;
  given<Token>({}).when(withdraw).then_nothing_changes();
  given<Token>({created(ZAPIER), connection_issued()}).when(withdraw).then_nothing_changes();
  given<Token>({created(ZAPIER), deleted()}).when(withdraw).then_nothing_changes();
  given<Token>({created(), deleted()}).when(withdraw).then_nothing_changes();
}

TEST(TokenState, FollowsItsEvents) {
  auto creation = created(ZAPIER);
  creation.mutable_token_created()->set_expires_at_us(now.time_since_epoch().count());
  auto token = given<Token>({creation}).state();
  EXPECT_EQ(token.status, TokenStatus::kPending);
  EXPECT_EQ(token.account, account_id);
  EXPECT_EQ(token.extension, ZAPIER);
  EXPECT_EQ(token.name, "Billing");
  EXPECT_EQ(token.description, "Nightly export");
  EXPECT_EQ(token.external_id, "crm-7");
  EXPECT_EQ(token.expires_at, now);
  EXPECT_TRUE(token.connection_id.empty());

  evolve(token, connection_issued());
  EXPECT_EQ(token.status, TokenStatus::kActive);
  EXPECT_EQ(token.connection_id, "connection");

  Event update;
  update.mutable_token_updated()->set_description("");
  update.mutable_token_updated()->set_external_id("crm-8");
  evolve(token, renamed("Invoices"));
  evolve(token, update);
  EXPECT_EQ(token.name, "Invoices");
  EXPECT_EQ(token.description, "");
  EXPECT_EQ(token.external_id, "crm-8");

  evolve(token, revealed());
  EXPECT_EQ(token.status, TokenStatus::kActive);
  evolve(token, deleted());
  EXPECT_EQ(token.status, TokenStatus::kDeleted);
  evolve(token, connection_withdrawn());
  EXPECT_TRUE(token.connection_id.empty());
}

TEST(TokenState, OfACustomTokenIsActiveAtOnceAndHasNoExpiryByItself) {
  const auto token = given<Token>({created()}).state();
  EXPECT_EQ(token.status, TokenStatus::kActive);
  EXPECT_FALSE(token.expires_at);
}

TEST(TokenState, AConnectionThatComesAfterTheDeletionDoesNotBringTheTokenBack) {
  const auto token = given<Token>({created(ZAPIER), deleted(), connection_issued()}).state();
  EXPECT_EQ(token.status, TokenStatus::kDeleted);
  EXPECT_EQ(token.connection_id, "connection");
}

TEST(TokenState, IgnoresEventsOfOtherStreams) {
  Event opened;
  opened.mutable_account_opened()->set_name("other");
  const auto token = given<Token>({created(), opened, Event()}).state();
  EXPECT_EQ(token.name, "Billing");
  EXPECT_EQ(token.status, TokenStatus::kActive);
}

TEST(Extensions, HaveTheContractsIdsAndNames) {
  EXPECT_EQ(extension_id(CUSTOM), "EXT-000");
  EXPECT_EQ(extension_id(ZAPIER), "EXT-001");
  EXPECT_EQ(extension_name(CUSTOM), "custom");
  EXPECT_EQ(extension_name(ZAPIER), "zapier");
}

}  // namespace
}  // namespace mintmark::token_test
