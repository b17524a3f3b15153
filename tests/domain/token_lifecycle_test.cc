#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "domain/token.h"
#include "tests/support/given_when_then.h"
#include "tests/support/token_builders.h"

namespace mintmark::token_lifecycle_test {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using testing::created;
using testing::digest;
using testing::given;
using testing::sealed;

const auto now = testing::creation_time;

std::int64_t us(Time time) {
  return time.time_since_epoch().count();
}

Event activated() {
  Event event;
  event.mutable_token_activated();
  return event;
}
Event deactivated() {
  Event event;
  event.mutable_token_deactivated();
  return event;
}
Event expiring() {
  Event event;
  event.mutable_token_expiring();
  return event;
}
Event expired() {
  Event event;
  event.mutable_token_expired();
  return event;
}
Event renewal_completed() {
  Event event;
  event.mutable_token_renewal_completed();
  return event;
}
Event connection_issued() {
  Event event;
  event.mutable_zapier_connection_issued()->set_connection_id("connection");
  return event;
}
Event deleted() {
  Event event;
  event.mutable_token_deleted();
  return event;
}

Event created_until(Time end) {
  auto event = created();
  event.mutable_token_created()->set_expires_at_us(us(end));
  return event;
}

NewCredentials fresh() {
  return {digest(7), sealed(8), std::nullopt, std::nullopt};
}

TokenCredentials credentials(std::optional<Time> end, Time issued) {
  TokenCredentials result;
  *result.mutable_secret_digest() = digest(7);
  *result.mutable_secret() = sealed(8);
  if (end) result.set_expires_at_us(us(*end));
  result.set_issued_at_us(us(issued));
  return result;
}

Event rotated(std::optional<Time> end, Time issued) {
  Event event;
  *event.mutable_token_rotated()->mutable_credentials() = credentials(end, issued);
  return event;
}

Event renewed(Time old_end, std::optional<Time> end, Time issued) {
  Event event;
  *event.mutable_token_renewed()->mutable_credentials() = credentials(end, issued);
  event.mutable_token_renewed()->set_old_expires_at_us(us(old_end));
  return event;
}

Event granted(std::initializer_list<std::uint32_t> modules) {
  Event event;
  for (const auto number : modules) event.mutable_permissions_granted()->add_modules(number);
  return event;
}

Event revoked(std::initializer_list<std::uint32_t> modules) {
  Event event;
  for (const auto number : modules) event.mutable_permissions_revoked()->add_modules(number);
  return event;
}

void then_impossible(const testing::Outcome& outcome, const std::string& why) {
  outcome.then_fails(ErrorKind::kInvalid, {"status: " + why});
}

TEST(DeactivateTokenCommand, TurnsAnActiveTokenOff) {
  given<Token>({created()}).when(DeactivateToken{now}).then({deactivated()});
  given<Token>({created(), deactivated(), activated()}).when(DeactivateToken{now}).then({deactivated()});
}

TEST(DeactivateTokenCommand, SaysWhyItIsImpossible) {
  then_impossible(given<Token>({created(ZAPIER)}).when(DeactivateToken{now}),
                  "The token is still being provisioned.");
  then_impossible(given<Token>({created(), deactivated()}).when(DeactivateToken{now}),
                  "The token is inactive already.");
  then_impossible(given<Token>({created_until(now + 1s)}).when(DeactivateToken{now + 1s}),
                  "The token has expired already.");
}

TEST(ActivateTokenCommand, TurnsAnInactiveTokenOn) {
  given<Token>({created(), deactivated()}).when(ActivateToken{now}).then({activated()});
}

TEST(ActivateTokenCommand, SaysWhyItIsImpossible) {
  then_impossible(given<Token>({created(ZAPIER)}).when(ActivateToken{now}),
                  "The token is still being provisioned.");
  then_impossible(given<Token>({created()}).when(ActivateToken{now}), "The token is active already.");
  then_impossible(
      given<Token>({created_until(now + days(30)), deactivated()}).when(ActivateToken{now + days(31)}),
      "The token has expired: rotate it to use it again.");
}

TEST(RotateTokenCommand, PutsANewValueInThePlaceOfTheOld) {
  given<Token>({created()}).when(RotateToken{fresh(), {}, now}).then({rotated(std::nullopt, now)});
  const auto token =
      given<Token>({created_until(now + days(1)), expired(), rotated(now + days(9), now)}).state();
  EXPECT_EQ(token.status, TokenStatus::kActive);
  EXPECT_EQ(token.expires_at, now + days(9));
}

TEST(RotateTokenCommand, GivesTheNewValueTheOldOnesLengthOfLife) {
  given<Token>({created_until(now + days(100))})
      .when(RotateToken{fresh(), {}, now + days(3)})
      .then({rotated(now + days(103), now + days(3))});
}

TEST(RotateTokenCommand, GivesTheNewValueOfARenewedTokenTheLifeOfTheOneThatWasToTakeOver) {
  given<Token>({created(), renewed(now + 24h, std::nullopt, now)})
      .when(RotateToken{fresh(), {}, now + 1h})
      .then({rotated(std::nullopt, now + 1h)});
  given<Token>({created(), renewed(now + days(51), now + days(60), now + days(50))})
      .when(RotateToken{fresh(), {}, now + days(50)})
      .then({rotated(now + days(60), now + days(50))});
}

TEST(RotateTokenCommand, TakesADateOrNever) {
  given<Token>({created_until(now + days(100))})
      .when(RotateToken{fresh(), {now + days(20), false}, now})
      .then({rotated(now + days(20), now)});
  given<Token>({created_until(now + days(100))})
      .when(RotateToken{fresh(), {std::nullopt, true}, now})
      .then({rotated(std::nullopt, now)});
  given<Token>({created()})
      .when(RotateToken{fresh(), {now, false}, now})
      .then_fails(ErrorKind::kInvalid, {"expiration_date: Must be in the future."});
}

TEST(RotateTokenCommand, BringsAnExpiredTokenBackButNoInactiveOne) {
  given<Token>({created_until(now + days(30))})
      .when(RotateToken{fresh(), {std::nullopt, true}, now + days(31)})
      .then({expired(), rotated(std::nullopt, now + days(31))});
  EXPECT_EQ(given<Token>({created(), deactivated(), rotated(std::nullopt, now)}).state().status,
            TokenStatus::kInactive);
  EXPECT_EQ(given<Token>({created(ZAPIER), rotated(std::nullopt, now)}).state().status,
            TokenStatus::kPending);
}

TEST(RotateTokenCommand, MakesAnExpiredTokenWhatItWasBefore) {
  const auto status_after = [](std::vector<Event> history) {
    history.push_back(expired());
    history.push_back(rotated(std::nullopt, now));
    return given<Token>(history).state().status;
  };
  EXPECT_EQ(status_after({created()}), TokenStatus::kActive);
  EXPECT_EQ(status_after({created(), deactivated()}), TokenStatus::kInactive);
  EXPECT_EQ(status_after({created(ZAPIER)}), TokenStatus::kPending);
  EXPECT_EQ(status_after({created(ZAPIER), expired(), rotated(now + 1s, now)}), TokenStatus::kPending);
  EXPECT_EQ(status_after({created(ZAPIER), connection_issued(), deactivated()}), TokenStatus::kInactive);
  EXPECT_EQ(status_after({created(ZAPIER), expired(), connection_issued()}), TokenStatus::kActive)
      << "the connection was under way when it expired";
}

TEST(RotateTokenCommand, GivesNoLifePastTheYear9999) {
  const Time last = std::chrono::sys_days(std::chrono::year(10'000) / 1 / 1) - 1s;
  given<Token>({created_until(last)})
      .when(RotateToken{fresh(), {}, now + 1s})
      .then({rotated(last, now + 1s)});
  given<Token>({created_until(last)})
      .when(RenewToken{fresh(), {}, now + 1s})
      .then_fails(ErrorKind::kInvalid, {"expiration_date: Must be later than the old value's."});
}

TEST(RotateTokenCommand, EndsARenewal) {
  const auto token =
      given<Token>({created(), renewed(now + 24h, std::nullopt, now), rotated(std::nullopt, now)}).state();
  EXPECT_FALSE(token.renewal);
  EXPECT_FALSE(token.expires_at);
}

TEST(RenewTokenCommand, KeepsTheOldValueUntilItsOwnDate) {
  given<Token>({created_until(now + days(30))})
      .when(RenewToken{fresh(), {}, now + days(1)})
      .then({renewed(now + days(30), now + days(31), now + days(1))});
}

TEST(RenewTokenCommand, KeepsTheOldValueOfATokenWithoutExpiryForADay) {
  given<Token>({created()}).when(RenewToken{fresh(), {}, now}).then({renewed(now + 24h, std::nullopt, now)});
}

TEST(RenewTokenCommand, SaysWhyItIsImpossible) {
  const RenewToken renew{fresh(), {}, now};
  then_impossible(given<Token>({created(ZAPIER)}).when(renew), "The token is still being provisioned.");
  then_impossible(given<Token>({created(), deactivated()}).when(renew),
                  "The token is inactive: activate it first.");
  then_impossible(given<Token>({created_until(now)}).when(renew),
                  "The token has expired: rotate it to use it again.");
  then_impossible(given<Token>({created(), renewed(now + 1h, std::nullopt, now)}).when(renew),
                  "The token is renewed already, and its old value still good.");
  given<Token>({created_until(now + days(30))})
      .when(RenewToken{fresh(), {now + days(30), false}, now})
      .then_fails(ErrorKind::kInvalid, {"expiration_date: Must be later than the old value's."});
}

TEST(RenewTokenCommand, MayFollowARenewalWhoseOldValueHasEnded) {
  given<Token>({created(), renewed(now + 24h, std::nullopt, now)})
      .when(RenewToken{fresh(), {}, now + 25h})
      .then({renewal_completed(), renewed(now + 49h, std::nullopt, now + 25h)});
}

TEST(ComeDueCommand, SaysOnceThatTheTokenExpiresSoon) {
  const auto end = now + days(30);
  given<Token>({created_until(end)}).when(ComeDue{end - days(14) - 1us}).then_nothing_changes();
  given<Token>({created_until(end)}).when(ComeDue{end - days(14)}).then({expiring()});
  given<Token>({created_until(end), expiring()}).when(ComeDue{end - 1us}).then_nothing_changes();
  given<Token>({created_until(end), deactivated()}).when(ComeDue{end - 1us}).then_nothing_changes();
}

TEST(ComeDueCommand, ExpiresTheTokenAtItsDateWhateverElseItIs) {
  const auto end = now + days(30);
  given<Token>({created_until(end), expiring()}).when(ComeDue{end}).then({expired()});
  given<Token>({created_until(end), deactivated()}).when(ComeDue{end}).then({expired()});
  given<Token>({created_until(end), expired()}).when(ComeDue{end + days(900)}).then_nothing_changes();
  given<Token>({created_until(end), deleted()}).when(ComeDue{end}).then_nothing_changes();
  given<Token>({created()}).when(ComeDue{end}).then_nothing_changes();
}

TEST(ComeDueCommand, SwapsTheValuesOfARenewedTokenAndThenExpiresTheNewOne) {
  const std::vector<Event> history = {created(), renewed(now + 24h, now + days(60), now)};
  given<Token>(history).when(ComeDue{now + 24h - 1us}).then_nothing_changes();
  given<Token>(history).when(ComeDue{now + 24h}).then({renewal_completed()});
  given<Token>(history).when(ComeDue{now + days(50)}).then({renewal_completed(), expiring()});
  given<Token>(history).when(ComeDue{now + days(60)}).then({renewal_completed(), expired()});
}

TEST(PermissionCommands, RecordWhatTheyChange) {
  given<Token>({created()}).when(GrantPermissions{0b101}).then({granted({1, 3})});
  given<Token>({created(), granted({1, 3})}).when(GrantPermissions{0b001}).then_nothing_changes();
  given<Token>({created(), granted({1, 3})}).when(RevokePermissions{0b110}).then({revoked({3})});
  given<Token>({created(), granted({1})}).when(RevokePermissions{0b110}).then_nothing_changes();
}

TEST(PermissionCommands, TakeAwayWhatIsHeldThoughItIsKnownNoMore) {
  const std::vector<Event> history = {created(), granted({1, 3})};
  given<Token>(history).when(RevokePermissions{0b101, 0b010}).then({revoked({1, 3})});
  const std::vector<std::string> unknown = {"object: There is no such module."};
  given<Token>(history).when(RevokePermissions{0b1001, 0b010}).then_fails(ErrorKind::kInvalid, unknown);
  given<Token>({created()}).when(RevokePermissions{0b1, 0b010}).then_fails(ErrorKind::kInvalid, unknown);
}

TEST(PermissionCommands, CannotTakeAwayFromATokenThatWasNeverGrantedAny) {
  given<Token>({created()})
      .when(RevokePermissions{0b110})
      .then_fails(ErrorKind::kInvalid,
                  {"permissions: The token has every module: grant what it keeps first."});
}

TEST(PermissionCommands, KnowEveryModuleFromNone) {
  EXPECT_FALSE(given<Token>({created()}).state().permissions);
  EXPECT_EQ(given<Token>({created(), granted({64})}).state().permissions, std::uint64_t{1} << 63);
  EXPECT_EQ(given<Token>({created(), granted({2}), revoked({2})}).state().permissions, 0U);
}

TEST(PermissionCommands, ComparesHolders) {
  const auto every = given<Token>({created()}).state();
  const auto first_two = given<Token>({created(), granted({1, 2})}).state();
  EXPECT_TRUE(holds_no_more(every, std::nullopt));
  EXPECT_TRUE(holds_no_more(first_two, 0b111));
  EXPECT_FALSE(holds_no_more(first_two, 0b101));
  EXPECT_FALSE(holds_no_more(every, ~std::uint64_t{0}));
}

TEST(CreateTokenCommand, PassesOnItsCreatorsPermissions) {
  auto command = testing::create_token();
  command.permissions = 0b10;
  given<Token>({}).when(command).then({created(), granted({2})});
}

TEST(CreateTokenCommand, NamesTheAccountsOwnExtensionOfACustomTokenAlone) {
  auto command = testing::create_token();
  command.own_extension = ExtensionId::from_value(992'774);
  auto event = created();
  event.mutable_token_created()->set_extension_id("EXT-992-774");
  given<Token>({}).when(command).then({event});
  auto zapier = testing::create_token(ZAPIER);
  zapier.own_extension = command.own_extension;
  given<Token>({}).when(zapier).then_fails(ErrorKind::kInvalid,
                                           {"extension: An extension of your own makes custom tokens."});
}

Event exchanged() {
  Event event;
  event.mutable_handle_exchanged();
  return event;
}

TEST(ExchangeHandleCommand, RecordsTheExchangeOfAnActiveZapierToken) {
  const auto token = given<Token>({created(ZAPIER), connection_issued()});
  token.when(ExchangeHandle{now}).then({exchanged()});
  given<Token>({created(ZAPIER), connection_issued(), exchanged()})
      .when(ExchangeHandle{now})
      .then({exchanged()});
}

TEST(ExchangeHandleCommand, IsImpossibleForEveryOtherToken) {
  const std::string why = "Only an active Zapier token's handle can be exchanged.";
  auto ended = created(ZAPIER);
  ended.mutable_token_created()->set_expires_at_us(us(now + 1s));
  for (const auto& history : {std::vector<Event>{created()}, std::vector<Event>{created(ZAPIER)},
                              std::vector<Event>{created(ZAPIER), connection_issued(), deactivated()},
                              std::vector<Event>{ended, connection_issued()}}) {
    then_impossible(given<Token>(history).when(ExchangeHandle{now + 1s}), why);
  }
}

TEST(EveryLifecycleCommand, FindsNoTokenThatIsAbsentOrDeleted) {
  for (const auto& history : {std::vector<Event>(), std::vector<Event>{created(), deleted()}}) {
    const std::vector<std::string> absent = {"Token not found."};
    const auto token = given<Token>(history);
    token.when(ActivateToken{now}).then_fails(ErrorKind::kNotFound, absent);
    token.when(DeactivateToken{now}).then_fails(ErrorKind::kNotFound, absent);
    token.when(RotateToken{fresh(), {}, now}).then_fails(ErrorKind::kNotFound, absent);
    token.when(RenewToken{fresh(), {}, now}).then_fails(ErrorKind::kNotFound, absent);
    token.when(GrantPermissions{1}).then_fails(ErrorKind::kNotFound, absent);
    token.when(RevokePermissions{1}).then_fails(ErrorKind::kNotFound, absent);
    token.when(ExchangeHandle{now}).then_fails(ErrorKind::kNotFound, absent);
  }
}

TEST(TokenState, StaysDeletedWhateverFollows) {
  for (const auto& event :
       {activated(), deactivated(), expired(), rotated(std::nullopt, now), connection_issued()}) {
    EXPECT_EQ(given<Token>({created(), deleted(), event}).state().status, TokenStatus::kDeleted);
  }
}

}  // namespace
}  // namespace mintmark::token_lifecycle_test
