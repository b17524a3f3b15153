#include "domain/user.h"

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "domain/limits.h"
#include "tests/support/given_when_then.h"

namespace mintmark::user_test {
namespace {

using testing::given;

const auto user_id = UserId::from_value(5);
const auto account_id = AccountId::from_value(AccountType::kVendor, 1);

Sealed sealed(char byte) {
  Sealed result;
  result.set_nonce(std::string(24, byte));
  result.set_ciphertext(std::string(40, byte));
  return result;
}

AddUser add(const std::string& name = "Ada", const std::string& email = "ada@example.com") {
  AddUser command{user_id, account_id, OWNER, {}, sealed(1), std::string(32, 'a')};
  command.profile.set_name(name);
  command.profile.set_email(email);
  return command;
}

Event added() {
  Event event;
  auto& fields = *event.mutable_user_added();
  fields.set_user_id("UR-000-000-005");
  fields.set_account_id("VA-000-001");
  fields.set_role(OWNER);
  *fields.mutable_profile() = sealed(1);
  fields.set_email_hash(std::string(32, 'a'));
  return event;
}

Event password_set(char byte) {
  Event event;
  *event.mutable_password_set()->mutable_password_hash() = sealed(byte);
  return event;
}

TEST(AddUserCommand, StoresTheSealedProfileAndNeverTheClearOne) {
  given<User>({}).when(add()).then({added()});
  const auto events = decide(User{}, add());
  ASSERT_TRUE(events);
  const auto bytes = events->front().SerializeAsString();
  EXPECT_EQ(bytes.find("Ada"), std::string::npos);
  EXPECT_EQ(bytes.find("ada@example.com"), std::string::npos);
}

TEST(AddUserCommand, RefusesAnIdThatIsTaken) {
  given<User>({added()}).when(add()).then_fails(ErrorKind::kTaken, {"id: This user id is taken."});
}

TEST(AddUserCommand, TellsEveryFieldThatIsWrongAtOnce) {
  auto command = add(" ", "nobody");
  command.role = ROLE_UNSPECIFIED;
  given<User>({}).when(command).then_fails(
      ErrorKind::kInvalid, {"name: This field may not be blank.", "email: Enter a valid e-mail address.",
                            "role: Must be owner, member or auditor."});
}

TEST(AddUserCommand, RefusesAnOverlongName) {
  given<User>({})
      .when(add(std::string(limits::user_name_max + 1, 'a')))
      .then_fails(ErrorKind::kInvalid, {"name: Ensure this field has no more than 128 characters."});
}

TEST(SetPasswordCommand, SetsAndReplacesThePassword) {
  given<User>({added()}).when(SetPassword{sealed(2)}).then({password_set(2)});
  given<User>({added(), password_set(2)}).when(SetPassword{sealed(3)}).then({password_set(3)});
}

TEST(SetPasswordCommand, FindsNoUserThatWasNotAdded) {
  given<User>({}).when(SetPassword{sealed(2)}).then_fails(ErrorKind::kNotFound, {"User not found."});
}

Event updated(std::optional<Role> role, std::optional<char> profile) {
  Event event;
  if (role) event.mutable_user_updated()->set_role(*role);
  if (profile) *event.mutable_user_updated()->mutable_profile() = sealed(*profile);
  return event;
}

Event deactivated() {
  Event event;
  event.mutable_user_deactivated();
  return event;
}

Event activated() {
  Event event;
  event.mutable_user_activated();
  return event;
}

Event erased() {
  Event event;
  event.mutable_user_erased()->set_email_hash(std::string(32, 'a'));
  return event;
}

UpdateUser give_role(Role role, std::size_t other_active_owners) {
  return {.role = role, .profile = {}, .sealed_profile = {}, .other_active_owners = other_active_owners};
}

const std::vector<std::string> last_owner{
    "This is the account's last active owner; make somebody else one first."};
const std::vector<std::string> not_found{"User not found."};

TEST(UpdateUserCommand, RecordsWhatChanges) {
  given<User>({added()}).when(give_role(AUDITOR, 1)).then({updated(AUDITOR, {})});
  UpdateUser rename{.role = OWNER, .profile = UserProfile(), .sealed_profile = sealed(7)};
  rename.profile->set_name("Ada L.");
  given<User>({added()}).when(rename).then({updated({}, 7)});
  given<User>({added()}).when(give_role(OWNER, 0)).then_nothing_changes();
  given<User>({added()}).when(UpdateUser{}).then_nothing_changes();
}

TEST(UpdateUserCommand, KeepsTheLastActiveOwner) {
  given<User>({added()}).when(give_role(MEMBER, 0)).then_fails(ErrorKind::kConflict, last_owner);
  // One who is not active is not the one who is left.
  given<User>({added(), deactivated()}).when(give_role(MEMBER, 0)).then({updated(MEMBER, {})});
  given<User>({added(), updated(MEMBER, {})}).when(give_role(AUDITOR, 0)).then({updated(AUDITOR, {})});
}

TEST(UpdateUserCommand, RefusesABlankNameAndAnUnknownRole) {
  UpdateUser update{.role = ROLE_UNSPECIFIED, .profile = UserProfile(), .sealed_profile = sealed(7)};
  update.profile->set_name(" ");
  given<User>({added()}).when(update).then_fails(
      ErrorKind::kInvalid, {"name: This field may not be blank.", "role: Must be owner, member or auditor."});
}

TEST(DeactivateUserCommand, DeactivatesOnceAndKeepsTheLastActiveOwner) {
  given<User>({added()}).when(DeactivateUser{1}).then({deactivated()});
  given<User>({added(), deactivated()}).when(DeactivateUser{0}).then_nothing_changes();
  given<User>({added()}).when(DeactivateUser{0}).then_fails(ErrorKind::kConflict, last_owner);
  given<User>({added(), updated(AUDITOR, {})}).when(DeactivateUser{0}).then({deactivated()});
}

TEST(ActivateUserCommand, ActivatesOnce) {
  given<User>({added(), deactivated()}).when(ActivateUser{}).then({activated()});
  given<User>({added()}).when(ActivateUser{}).then_nothing_changes();
}

TEST(EraseUserCommand, ForgetsThePersonForGoodAndKeepsTheLastActiveOwner) {
  given<User>({added(), password_set(2)}).when(EraseUser{1}).then({erased()});
  given<User>({added(), deactivated()}).when(EraseUser{0}).then({erased()});
  given<User>({added()}).when(EraseUser{0}).then_fails(ErrorKind::kConflict, last_owner);
}

TEST(EndSessionsCommand, EndsAllButTheKeptOne) {
  Event ended;
  ended.mutable_sessions_ended()->set_kept_session("ab");
  given<User>({added()}).when(EndSessions{"ab"}).then({ended});
}

TEST(ErasedUser, IsNotFoundByAnyCommand) {
  const auto gone = given<User>({added(), password_set(2), erased()});
  EXPECT_FALSE(gone.state().profile);
  EXPECT_FALSE(gone.state().password_hash);
  EXPECT_FALSE(gone.state().active);
  gone.when(UpdateUser{}).then_fails(ErrorKind::kNotFound, not_found);
  gone.when(DeactivateUser{1}).then_fails(ErrorKind::kNotFound, not_found);
  gone.when(ActivateUser{}).then_fails(ErrorKind::kNotFound, not_found);
  gone.when(EraseUser{1}).then_fails(ErrorKind::kNotFound, not_found);
  gone.when(EndSessions{}).then_fails(ErrorKind::kNotFound, not_found);
  gone.when(SetPassword{sealed(2)}).then_fails(ErrorKind::kNotFound, not_found);
  gone.when(add()).then_fails(ErrorKind::kTaken, {"id: This user id is taken."});
}

TEST(EmailClaimState, IsHeldFromItsReservationToItsRelease) {
  EmailClaim claim;
  Event reserved;
  reserved.mutable_email_reserved()->set_user_id("UR-000-000-005");
  evolve(claim, reserved);
  EXPECT_EQ(claim.user, user_id);
  Event released;
  released.mutable_email_released()->set_user_id("UR-000-000-005");
  evolve(claim, released);
  EXPECT_FALSE(claim.user);
}

TEST(UserState, FollowsItsEvents) {
  auto user = given<User>({added()}).state();
  EXPECT_TRUE(user.exists);
  EXPECT_EQ(user.account, account_id);
  EXPECT_EQ(user.role, OWNER);
  ASSERT_TRUE(user.profile);
  EXPECT_EQ(user.profile->ciphertext(), sealed(1).ciphertext());
  EXPECT_FALSE(user.password_hash);
  evolve(user, password_set(2));
  evolve(user, password_set(3));
  ASSERT_TRUE(user.password_hash);
  EXPECT_EQ(user.password_hash->ciphertext(), sealed(3).ciphertext());
}

TEST(UserState, IgnoresEventsOfOtherStreams) {
  Event reserved;
  reserved.mutable_email_reserved()->set_user_id("UR-000-000-005");
  EXPECT_FALSE(given<User>({reserved, Event()}).state().exists);
}

TEST(Password, CountsCodePointsBelowAndBytesAbove) {
  EXPECT_TRUE(check_password("twelve chars"));
  EXPECT_TRUE(check_password("\u6C34\u6C34\u6C34\u6C34\u6C34\u6C34\u6C34\u6C34\u6C34\u6C34\u6C34\u6C34"));
  EXPECT_TRUE(check_password(std::string(limits::password_max, 'a')));
}

TEST(Password, IsRefusedWhereItIsShortLongOrNotUtf8) {
  const auto refusal = [](const std::string& password) { return check_password(password).error(); };
  EXPECT_EQ(refusal("eleven char"), (Error{ErrorKind::kInvalid, {"password: Use at least 12 characters."}}));
  // Eleven characters, although more than twelve bytes.
  EXPECT_EQ(refusal("eleven ch\u00E4r"),
            (Error{ErrorKind::kInvalid, {"password: Use at least 12 characters."}}));
  EXPECT_EQ(refusal(std::string(limits::password_max + 1, 'a')),
            (Error{ErrorKind::kInvalid, {"password: Use at most 1024 bytes."}}));
  EXPECT_EQ(refusal(std::string(20, '\xFF')),
            (Error{ErrorKind::kInvalid, {"password: Must be valid UTF-8."}}));
}

TEST(Roles, AreNamedAndParsedInOneForm) {
  for (const auto role : {OWNER, MEMBER, AUDITOR}) EXPECT_EQ(parse_role(role_name(role)), role);
  EXPECT_EQ(role_name(OWNER), "owner");
  EXPECT_EQ(role_name(MEMBER), "member");
  EXPECT_EQ(role_name(AUDITOR), "auditor");
  for (const std::string_view name : {"", "Owner", "admin", "owner "}) EXPECT_FALSE(parse_role(name)) << name;
}

}  // namespace
}  // namespace mintmark::user_test
