#include "projections/directory.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/limits.h"
#include "eventstore/memory_log.h"
#include "tests/support/history.h"
#include "tests/support/scripted_random.h"
#include "tests/support/view_folder.h"

namespace mintmark::directory_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace ::mintmark::testing;

class DirectoryTest : public ::testing::Test {
 protected:
  Directory& directory() {
    feed(log_, directory_);
    return directory_;
  }

  // The user's events, sealed as the product seals them.
  void add_user(UserId id, AccountId account, const std::string& name, const std::string& email) {
    auto [key, vault_write] = vault_.make(stream_of(id));
    UserProfile profile;
    profile.set_name(name);
    profile.set_email(email);
    Event event;
    auto& added = *event.mutable_user_added();
    added.set_user_id(id.text());
    added.set_account_id(account.text());
    added.set_role(MEMBER);
    *added.mutable_profile() = vault_.seal(key, stream_of(id), 1, profile.SerializeAsString());
    added.set_email_hash("hash of " + email);
    history_.add(stream_of(id), event, {vault_write});
  }

  // Under the user's key as it is, for the version that the event gets.
  void set_password(UserId id, const std::string& hash) {
    const auto version = log_.read_stream(stream_of(id), 0).size() + 1;
    const auto key = vault_.get(stream_of(id));
    Event event;
    *event.mutable_password_set()->mutable_password_hash() = vault_.seal(**key, stream_of(id), version, hash);
    history_.add(stream_of(id), event);
  }

  void erase(UserId id) { history_.add("erasure", token_revealed(), {Vault::destroy(stream_of(id))}); }

  void open_session(const std::string& hash, UserId user,
                    std::int64_t expires_at_us = 1'900'000'000'000'000) {
    Event event;
    auto& opened = *event.mutable_session_opened();
    opened.set_user_id(user.text());
    opened.set_account_id(vendor(1).text());
    opened.set_secret_hash(hash);
    opened.set_expires_at_us(expires_at_us);
    history_.add("session-" + hash, event);
  }

  static std::vector<std::string> names(const std::vector<UserRow>& users) {
    std::vector<std::string> names;
    names.reserve(users.size());
    for (const auto& user : users) names.push_back(user.name());
    return names;
  }

  ViewFolder views_;
  MemoryLog log_{event_id(1)};
  History history_{log_};
  SeededRandom random_{1};
  Vault vault_{log_, KeyEncryptionKey{}, random_};
  Directory directory_{views_.store().live(Directory::projection_name), vault_};
};

TEST_F(DirectoryTest, AnOpenedAccountHasARow) {
  history_.add(stream_of(vendor(3)), account_opened(vendor(3), "Acme"));
  const auto row = directory().account(vendor(3));
  ASSERT_TRUE(row);
  EXPECT_EQ(row->account_id(), "VA-000-003");
  EXPECT_EQ(row->name(), "Acme");
  EXPECT_EQ(row->created().by().id(), "test");
  EXPECT_EQ(row->created().at_us(), History::recorded_at(1).time_since_epoch().count());
  EXPECT_EQ(row->version(), 1);
  EXPECT_EQ(directory().account(vendor(4)), std::nullopt);
}

TEST_F(DirectoryTest, AnAccountsUpdateChangesTheFieldsThatItHasAndNoOthers) {
  history_.add(stream_of(vendor(3)), account_opened(vendor(3), "Acme"));
  Event first;
  first.mutable_account_updated()->set_description("Metal");
  first.mutable_account_updated()->set_external_id("erp-1");
  first.mutable_account_updated()->set_brand("ACME");
  history_.add(stream_of(vendor(3)), first);
  Event second;
  second.mutable_account_updated()->set_name("Acme 2");
  second.mutable_account_updated()->set_description("");
  history_.add(stream_of(vendor(3)), second);
  const auto row = directory().account(vendor(3)).value_or(AccountRow());
  EXPECT_EQ(row.name(), "Acme 2");
  EXPECT_EQ(row.description(), "");
  EXPECT_EQ(row.external_id(), "erp-1");
  EXPECT_EQ(row.brand(), "ACME");
  EXPECT_EQ(row.version(), 3);
}

TEST_F(DirectoryTest, AllAccountsAreListedAndNothingElse) {
  const auto provider = AccountId::from_value(AccountType::kProvider, 1);
  history_.add(stream_of(provider), account_opened(provider, "P"));
  history_.add(stream_of(vendor(2)), account_opened(vendor(2), "V"));
  add_user(user_id(1), vendor(2), "Ann", "ann@example.com");
  std::vector<std::string> ids;
  for (const auto& row : directory().accounts()) ids.push_back(row.account_id());
  EXPECT_THAT(ids, ElementsAre("VA-000-002", "PA-000-001"));
}

TEST_F(DirectoryTest, AnUpdateOfAnAccountThatIsNotThereParksItsStream) {
  Event event;
  event.mutable_account_updated()->set_name("x");
  history_.add(stream_of(vendor(3)), event);
  EXPECT_EQ(directory().parked_streams(), 1);
}

TEST_F(DirectoryTest, AUsersNameAndEmailAreReadOutOfTheirSeals) {
  add_user(user_id(5), vendor(1), "Ann", "Ann@example.com");
  const auto row = directory().user(user_id(5));
  ASSERT_TRUE(row);
  EXPECT_EQ(row->user_id(), "UR-000-000-005");
  EXPECT_EQ(row->account_id(), "VA-000-001");
  EXPECT_EQ(row->role(), MEMBER);
  EXPECT_EQ(row->name(), "Ann");
  EXPECT_EQ(row->email(), "Ann@example.com");
  EXPECT_EQ(directory().user(user_id(6)), std::nullopt);
}

TEST_F(DirectoryTest, AnAccountsUsersStandInTheOrderTheyWereAdded) {
  add_user(user_id(9), vendor(1), "first", "1@example.com");
  add_user(user_id(2), vendor(2), "other", "2@example.com");
  add_user(user_id(5), vendor(1), "second", "3@example.com");
  EXPECT_THAT(names(directory().users(vendor(1))), ElementsAre("first", "second"));
  EXPECT_THAT(names(directory().users(vendor(2))), ElementsAre("other"));
  EXPECT_THAT(directory().users(vendor(3)), IsEmpty());
}

TEST_F(DirectoryTest, AUserIsFoundByTheHashOfTheirEmail) {
  add_user(user_id(5), vendor(1), "Ann", "ann@example.com");
  EXPECT_EQ(directory().user_by_email("hash of ann@example.com"), user_id(5));
  EXPECT_EQ(directory().user_by_email("hash of ann@example.co"), std::nullopt);
  EXPECT_EQ(directory().user_by_email(""), std::nullopt);
}

TEST_F(DirectoryTest, TheNewestPasswordHashCounts) {
  add_user(user_id(5), vendor(1), "Ann", "ann@example.com");
  EXPECT_EQ(directory().password_hash(user_id(5)), std::nullopt);
  set_password(user_id(5), "first hash");
  EXPECT_EQ(directory().password_hash(user_id(5)), "first hash");
  set_password(user_id(5), "second hash");
  EXPECT_EQ(directory().password_hash(user_id(5)), "second hash");
  EXPECT_EQ(directory().user(user_id(5))->version(), 3);
  EXPECT_EQ(directory().password_hash(user_id(6)), std::nullopt);
}

TEST_F(DirectoryTest, APersonWhoseStreamIsParkedIsSignedOutAndCannotSignIn) {
  add_user(user_id(5), vendor(1), "Ann", "ann@example.com");
  add_user(user_id(6), vendor(1), "Bob", "bob@example.com");
  open_session("aa", user_id(5));
  open_session("bb", user_id(6));
  ASSERT_TRUE(directory().session("aa"));
  Event unreadable;
  unreadable.mutable_user_updated()->mutable_profile()->set_ciphertext("no seal");
  history_.add(stream_of(user_id(5)), unreadable);
  open_session("ab", user_id(5));
  EXPECT_EQ(directory().parked_streams(), 1);
  EXPECT_FALSE(directory().session("aa"));
  EXPECT_FALSE(directory().session("ab"));
  EXPECT_TRUE(directory().user(user_id(5))->inactive());
  EXPECT_TRUE(directory().session("bb")) << "somebody else's";
}

TEST_F(DirectoryTest, APersonWhoseDataKeyIsDestroyedHasNeitherNameNorEmailNorPassword) {
  add_user(user_id(5), vendor(1), "Ann", "ann@example.com");
  set_password(user_id(5), "a hash");
  erase(user_id(5));
  const auto row = directory().user(user_id(5));
  ASSERT_TRUE(row);
  EXPECT_EQ(row->name(), "");
  EXPECT_EQ(row->email(), "");
  EXPECT_EQ(row->account_id(), "VA-000-001");
  EXPECT_EQ(directory().password_hash(user_id(5)), std::nullopt);
  EXPECT_EQ(directory().parked_streams(), 0);
}

TEST_F(DirectoryTest, APasswordCannotBeReadOnceTheDataKeyIsDestroyedBehindTheProjection) {
  add_user(user_id(5), vendor(1), "Ann", "ann@example.com");
  set_password(user_id(5), "a hash");
  EXPECT_EQ(directory().password_hash(user_id(5)), "a hash");
  erase(user_id(5));
  EXPECT_EQ(directory().password_hash(user_id(5)), std::nullopt);
}

TEST_F(DirectoryTest, AProfileThatDoesNotOpenParksItsStream) {
  add_user(user_id(5), vendor(1), "Ann", "ann@example.com");
  auto moved = log_.read(0, 1).front().recorded.event();
  moved.mutable_user_added()->set_user_id(user_id(6).text());  // the seal is another subject's
  auto [key, vault_write] = vault_.make(stream_of(user_id(6)));
  history_.add(stream_of(user_id(6)), moved, {vault_write});
  EXPECT_EQ(directory().parked_streams(), 1);
  EXPECT_EQ(directory().user(user_id(6)), std::nullopt);
  EXPECT_EQ(directory().user(user_id(5))->name(), "Ann");
}

TEST_F(DirectoryTest, ASessionIsThereFromItsOpeningToItsClosing) {
  add_user(user_id(5), vendor(1), "Ann", "ann@example.com");
  open_session("aa", user_id(5));
  open_session("ab", user_id(5));
  const auto session = directory().session("aa");
  ASSERT_TRUE(session);
  EXPECT_EQ(session->user_id(), user_id(5).text());
  EXPECT_EQ(session->account_id(), vendor(1).text());
  EXPECT_EQ(session->expires_at_us(), 1'900'000'000'000'000);

  Event closed;
  closed.mutable_session_closed();
  history_.add("session-aa", closed);
  EXPECT_EQ(directory().session("aa"), std::nullopt);
  EXPECT_TRUE(directory().session("ab"));
  EXPECT_EQ(directory().session(""), std::nullopt);
}

TEST_F(DirectoryTest, AnErasedPersonIsOutOfEveryListAndTheirAddressFree) {
  add_user(user_id(5), vendor(1), "Ann", "ann@example.com");
  set_password(user_id(5), "a hash");
  open_session("aa", user_id(5));
  directory();
  Event event;
  event.mutable_user_erased()->set_email_hash("hash of ann@example.com");
  history_.add(stream_of(user_id(5)), event, {Vault::destroy(stream_of(user_id(5)))});
  const auto row = directory().user(user_id(5)).value_or(UserRow());
  EXPECT_TRUE(row.erased());
  EXPECT_EQ(row.name() + row.email(), "");
  EXPECT_THAT(directory().users(vendor(1)), IsEmpty());
  EXPECT_EQ(directory().user_by_email("hash of ann@example.com"), std::nullopt);
  EXPECT_EQ(directory().password_hash(user_id(5)), std::nullopt);
  EXPECT_EQ(directory().session("aa"), std::nullopt);
  add_user(user_id(6), vendor(1), "Ann again", "ann@example.com");
  EXPECT_EQ(directory().user_by_email("hash of ann@example.com"), user_id(6));
}

TEST_F(DirectoryTest, ADeactivatedUserHasNoSessionAndGetsNone) {
  add_user(user_id(5), vendor(1), "Ann", "ann@example.com");
  add_user(user_id(6), vendor(1), "Bob", "bob@example.com");
  open_session("aa", user_id(5));
  open_session("bb", user_id(6));
  Event deactivated;
  deactivated.mutable_user_deactivated();
  history_.add(stream_of(user_id(5)), deactivated);
  open_session("ab", user_id(5));
  EXPECT_TRUE(directory().user(user_id(5))->inactive());
  EXPECT_EQ(directory().session("aa"), std::nullopt);
  EXPECT_EQ(directory().session("ab"), std::nullopt);
  EXPECT_THAT(directory().sessions(user_id(5)), IsEmpty());
  EXPECT_TRUE(directory().session("bb"));
  Event activated;
  activated.mutable_user_activated();
  history_.add(stream_of(user_id(5)), activated);
  EXPECT_FALSE(directory().user(user_id(5))->inactive());
  EXPECT_EQ(directory().session("aa"), std::nullopt) << "an ended session does not come back";
}

TEST_F(DirectoryTest, AUsersNewNameAndRoleCount) {
  add_user(user_id(5), vendor(1), "Ann", "ann@example.com");
  const auto key = vault_.get(stream_of(user_id(5)));
  UserProfile profile;
  profile.set_name("Ann B.");
  profile.set_email("ann@example.com");
  Event event;
  event.mutable_user_updated()->set_role(AUDITOR);
  *event.mutable_user_updated()->mutable_profile() =
      vault_.seal(**key, stream_of(user_id(5)), 2, profile.SerializeAsString());
  history_.add(stream_of(user_id(5)), event);
  const auto row = directory().user(user_id(5)).value_or(UserRow());
  EXPECT_EQ(row.name(), "Ann B.");
  EXPECT_EQ(row.email(), "ann@example.com");
  EXPECT_EQ(row.role(), AUDITOR);
}

TEST_F(DirectoryTest, EndingSessionsKeepsTheNamedOne) {
  add_user(user_id(5), vendor(1), "Ann", "ann@example.com");
  for (const auto* id : {"aa", "ab", "ac"}) open_session(id, user_id(5));
  Event ended;
  ended.mutable_sessions_ended()->set_kept_session("ab");
  history_.add(stream_of(user_id(5)), ended);
  ASSERT_EQ(directory().sessions(user_id(5)).size(), 1);
  EXPECT_EQ(directory().sessions(user_id(5)).front().session_id(), "ab");
  EXPECT_EQ(directory().session("aa"), std::nullopt);
}

TEST_F(DirectoryTest, OpeningASessionClearsAwayTheUsersExpiredOnes) {
  add_user(user_id(5), vendor(1), "Ann", "ann@example.com");
  const auto soon = History::recorded_at(log_.head() + 2).time_since_epoch().count();
  open_session("aa", user_id(5), soon);
  EXPECT_TRUE(directory().session("aa"));
  open_session("ab", user_id(5));
  EXPECT_EQ(directory().session("aa"), std::nullopt);
  EXPECT_TRUE(directory().session("ab"));
}

TEST_F(DirectoryTest, OneSessionTooManyEndsTheOldest) {
  add_user(user_id(5), vendor(1), "Ann", "ann@example.com");
  for (std::size_t i = 0; i <= limits::sessions_per_user_max; ++i)
    open_session("s" + std::to_string(i), user_id(5));
  EXPECT_EQ(directory().sessions(user_id(5)).size(), limits::sessions_per_user_max);
  EXPECT_EQ(directory().session("s0"), std::nullopt);
  EXPECT_TRUE(directory().session("s1"));
}

TEST_F(DirectoryTest, AClosedAccountIsGone) {
  history_.add(stream_of(vendor(3)), account_opened(vendor(3), "Acme"));
  Event details;
  details.mutable_account_details_updated()->set_overview("We make things");
  details.mutable_account_details_updated()->mutable_countries()->add_values("GB");
  history_.add(stream_of(vendor(3)), details);
  const auto row = directory().account(vendor(3)).value_or(AccountRow());
  EXPECT_EQ(row.details().overview(), "We make things");
  EXPECT_EQ(row.details().countries().values(0), "GB");
  EXPECT_TRUE(row.has_modified());
  Event closed;
  closed.mutable_account_closed();
  history_.add(stream_of(vendor(3)), closed);
  EXPECT_EQ(directory().account(vendor(3)), std::nullopt);
  EXPECT_THAT(directory().accounts(), IsEmpty());
}

}  // namespace
}  // namespace mintmark::directory_test
