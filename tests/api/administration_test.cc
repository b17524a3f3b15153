#include "api/administration.h"

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "tests/api/administration_fixture.h"

namespace mintmark::administration_test {
namespace {

namespace json = boost::json;
using testing::AdministrationTest;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

std::string text(const json::object& object, std::string_view name) {
  return std::string(object.at(name).as_string());
}

TEST_F(AdministrationTest, OpensAccountsOfBothTypesAndListsThem) {
  EXPECT_THAT(open_account("Acme"), MatchesRegex("VA-[0-9]{3}-[0-9]{3}"));
  const auto provider = done({{"command", "account.open"}, {"name", "Pro"}, {"type", "provider"}});
  EXPECT_THAT(text(provider, "account"), MatchesRegex("PA-[0-9]{3}-[0-9]{3}"));
  const auto accounts = done({{"command", "account.list"}}).at("accounts").as_array();
  ASSERT_EQ(accounts.size(), 2);
  EXPECT_EQ(accounts[0].at("name").as_string(), "Acme");
  EXPECT_EQ(accounts[1].at("type").as_string(), "provider");
}

TEST_F(AdministrationTest, AddsUsersWhoCanSignInWithTheirGeneratedPassword) {
  const auto account = open_account();
  const auto added = done({{"command", "user.add"},
                           {"account", account},
                           {"email", "ann@example.com"},
                           {"name", "Ann"},
                           {"role", "auditor"}});
  EXPECT_THAT(text(added, "user"), MatchesRegex("UR-[0-9]{3}-[0-9]{3}-[0-9]{3}"));
  EXPECT_EQ(text(added, "email"), "ann@example.com");
  const auto caller = testing::ApiInstance::caller(testing::vendor(0));
  EXPECT_TRUE(
      testing::run(sign_in(*instance_->services, caller, "ann@example.com", text(added, "password"))));

  const auto users = done({{"command", "user.list"}, {"account", account}}).at("users").as_array();
  ASSERT_EQ(users.size(), 1);
  EXPECT_EQ(users[0].at("name").as_string(), "Ann");
  EXPECT_EQ(users[0].at("role").as_string(), "auditor");

  const auto reset = done({{"command", "user.password"}, {"email", "ANN@example.com"}});
  EXPECT_FALSE(
      testing::run(sign_in(*instance_->services, caller, "ann@example.com", text(added, "password"))));
  EXPECT_TRUE(
      testing::run(sign_in(*instance_->services, caller, "ann@example.com", text(reset, "password"))));
}

TEST_F(AdministrationTest, WithoutAWordTheFirstUserIsOwnerAndTheNextAreMembers) {
  const auto account = open_account();
  for (const auto email : {"ann@example.com", "bob@example.com"})
    done({{"command", "user.add"}, {"account", account}, {"email", email}});
  const auto users = done({{"command", "user.list"}, {"account", account}}).at("users").as_array();
  ASSERT_EQ(users.size(), 2);
  for (const auto& user : users) {
    const bool first = user.at("email").as_string() == "ann@example.com";
    EXPECT_EQ(user.at("role").as_string(), first ? "owner" : "member");
  }
}

TEST_F(AdministrationTest, RenamesAccounts) {
  const auto account = open_account("Acme");
  const auto renamed = done({{"command", "account.rename"}, {"account", account}, {"name", "Acme Ltd"}});
  EXPECT_EQ(renamed, (json::object{{"account", account}, {"name", "Acme Ltd"}}));
  EXPECT_EQ(done({{"command", "account.list"}}).at("accounts").at(0).at("name").as_string(), "Acme Ltd");
}

TEST_F(AdministrationTest, ChangesRolesAndStopsPeopleAsTheirOwnersWould) {
  const auto account = open_account();
  done({{"command", "user.add"}, {"account", account}, {"email", "ann@example.com"}});
  const json::object stop{{"command", "user.deactivate"}, {"email", "ann@example.com"}};
  EXPECT_EQ(administer(stop).error().kind, ErrorKind::kConflict) << "its last owner";
  done({{"command", "user.add"}, {"account", account}, {"email", "bob@example.com"}, {"role", "member"}});
  const auto changed = done({{"command", "user.role"}, {"email", "BOB@example.com"}, {"role", "owner"}});
  EXPECT_EQ(text(changed, "role"), "owner");
  EXPECT_EQ(text(done(stop), "status"), "inactive");
  done(stop);  // as it is already
  const auto users = done({{"command", "user.list"}, {"account", account}}).at("users").as_array();
  EXPECT_EQ(users[0].at("status").as_string(), "inactive");
  EXPECT_EQ(users[1].at("role").as_string(), "owner");
  EXPECT_EQ(text(done({{"command", "user.activate"}, {"email", "ann@example.com"}}), "status"), "active");
}

TEST_F(AdministrationTest, APartnerIsAnAccountOfItsOwnWithATokenThatMayNothingElse) {
  const auto partner = done({{"command", "partner.create"}, {"name", "Zapier"}});
  EXPECT_EQ(partner.size(), 2);
  const auto shown = done({{"command", "token.show"}, {"id", partner.at("id")}});
  EXPECT_EQ(shown.at("restricted"), true);
  EXPECT_TRUE(shown.at("permissions").as_array().empty());
  EXPECT_EQ(shown.at("owner").at("name").as_string(), "Zapier");
  const auto account = AccountId::parse(text(shown.at("owner").as_object(), "id"));
  EXPECT_TRUE(instance_->directory->account(*account)->partner());
}

TEST_F(AdministrationTest, AnEmailAddressHasOneUser) {
  const auto account = open_account();
  const json::object add{{"command", "user.add"}, {"account", account}, {"email", "ann@example.com"}};
  done(add);
  auto again = add;
  again["email"] = "Ann@Example.com";
  const auto refused = administer(again);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
}

TEST_F(AdministrationTest, CreatesListsShowsAndDeletesTokens) {
  const auto account = open_account();
  const auto custom = done({{"command", "token.create"}, {"account", account}, {"name", "Billing"}});
  EXPECT_THAT(text(custom, "key"), MatchesRegex("SU-[0-9]{3}-[0-9]{3}-[0-9]{3}:[0-9a-f]{40}"));
  EXPECT_TRUE(text(custom, "key").starts_with(text(custom, "id")));
  EXPECT_EQ(custom.size(), 2);
  const auto zapier =
      done({{"command", "token.create"}, {"account", account}, {"name", "Zap"}, {"type", "zapier"}});
  EXPECT_THAT(text(zapier, "handle"), MatchesRegex("[0-9a-f]{40}"));
  EXPECT_EQ(zapier.size(), 2);

  auto list = done({{"command", "token.list"}, {"account", account}, {"limit", 1}});
  EXPECT_EQ(list.at("total").to_number<int>(), 2);
  EXPECT_EQ(list.at("tokens").as_array().size(), 1);
  EXPECT_EQ(list.at("tokens").as_array()[0].at("id"), zapier.at("id"));
  EXPECT_EQ(text(done({{"command", "token.show"}, {"id", custom.at("id")}}), "name"), "Billing");

  const auto deleted = done({{"command", "token.delete"}, {"id", custom.at("id")}});
  EXPECT_EQ(deleted.at("position").to_number<Position>(), instance_->log->head());
  EXPECT_FALSE(administer({{"command", "token.show"}, {"id", custom.at("id")}}));
  EXPECT_FALSE(administer({{"command", "token.delete"}, {"id", custom.at("id")}}));
}

TEST_F(AdministrationTest, SwitchesTokensOffAndOnAndRotatesThem) {
  const auto account = open_account();
  const auto token = done({{"command", "token.create"}, {"account", account}, {"name", "Billing"}});
  const auto& id = token.at("id");
  const auto verdict_of = [&](const std::string& key_text) {
    const auto key = ApiKey::parse(key_text).value();
    return instance_->authorization_index->check(0, key.id, key.secret, instance_->clock.now(),
                                                 [](auto verdict, const auto*) { return verdict; });
  };
  using Verdict = AuthorizationIndex::Verdict;
  EXPECT_EQ(verdict_of(text(token, "key")), Verdict::kAllowed);
  const auto off = done({{"command", "token.deactivate"}, {"id", id}});
  EXPECT_EQ(text(off, "status"), "inactive");
  EXPECT_EQ(off.at("position").to_number<Position>(), instance_->log->head());
  EXPECT_NE(verdict_of(text(token, "key")), Verdict::kAllowed);
  EXPECT_EQ(administer({{"command", "token.deactivate"}, {"id", id}}).error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(text(done({{"command", "token.activate"}, {"id", id}}), "status"), "active");
  EXPECT_EQ(verdict_of(text(token, "key")), Verdict::kAllowed);

  const auto rotated = done({{"command", "token.rotate"}, {"id", id}});
  EXPECT_EQ(rotated.size(), 2);
  EXPECT_EQ(rotated.at("id"), id);
  EXPECT_NE(text(rotated, "key"), text(token, "key"));
  EXPECT_EQ(verdict_of(text(rotated, "key")), Verdict::kAllowed);
  EXPECT_EQ(verdict_of(text(token, "key")), Verdict::kUnknown);
}

TEST_F(AdministrationTest, EverythingIsStillThereAfterReopening) {
  const auto account = open_account();
  const auto token = done({{"command", "token.create"}, {"account", account}, {"name", "Billing"}});
  open();
  EXPECT_EQ(text(done({{"command", "token.show"}, {"id", token.at("id")}}), "name"), "Billing");
}

TEST_F(AdministrationTest, ReplayGivesLinesInTheOperatorsNameAndWithoutSecrets) {
  const auto account = open_account();
  const auto token = done({{"command", "token.create"}, {"account", account}, {"name", "Billing"}});
  const auto result = done({{"command", "replay"}, {"json", true}, {"from", "2"}});
  EXPECT_TRUE(result.empty());
  ASSERT_EQ(output_.lines.size(), 2);
  EXPECT_THAT(output_.lines, Each(HasSubstr(R"("actor":{"kind":"operator","id":"olga"})")));
  EXPECT_THAT(output_.lines, Each(Not(HasSubstr(text(token, "key").substr(15)))));
}

TEST_F(AdministrationTest, VerifyFindsNothingWrong) {
  open_account();
  const auto report = done({{"command", "verify"}});
  EXPECT_EQ(report.at("head").to_number<Position>(), 2);
  EXPECT_EQ(text(report, "problem"), "");
  EXPECT_THAT(text(report, "root"), MatchesRegex("[0-9a-f]{64}"));
}

TEST_F(AdministrationTest, VerifyTellsHowFarItIs) {
  open_account();
  done({{"command", "verify"}});
  ASSERT_FALSE(output_.lines.empty());
  EXPECT_EQ(output_.lines.back(), "100 %");
}

TEST_F(AdministrationTest, VerifyHoldsTheLogToAPublicKey) {
  const auto own = text(done({{"command", "tree_head.key"}}), "public_key");
  EXPECT_EQ(text(done({{"command", "verify"}, {"public_key", own}}), "problem"), "");
  const NoteSigner forger(instance_->tree_heads->verifier().name(), SigningSeed{});
  EXPECT_THAT(text(done({{"command", "verify"}, {"public_key", forger.verifier().text()}}), "problem"),
              HasSubstr("its tree heads are signed by " + own + ", not by "));
  const NoteSigner stranger("mintmark/another", SigningSeed{});
  for (const auto& key : {stranger.verifier().text(), own + "x", std::string()}) {
    const auto refused = administer({{"command", "verify"}, {"public_key", key}});
    ASSERT_FALSE(refused) << key;
    EXPECT_EQ(refused.error().kind, ErrorKind::kInvalid);
  }
}

TEST_F(AdministrationTest, WhatNobodyWaitsForEnds) {
  open_account();
  std::stop_source gone;
  gone.request_stop();
  const auto events = folder_.file("events");
  for (const json::object& command :
       {json::object{{"command", "verify"}}, json::object{{"command", "backup"}, {"events", events}}}) {
    const auto ended =
        testing::run(instance_->administration->run("olga", command, output_, gone.get_token()));
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().kind, ErrorKind::kUnavailable);
  }
  EXPECT_EQ(done({{"command", "backup"}, {"events", events}}).at("events").to_number<Position>(), 2U)
      << "and had written nothing";
}

TEST_F(AdministrationTest, TheVaultsBackupIsNotPutToTheEventsHoweverThatIsSpelt) {
  const auto events = folder_.file("events");
  done({{"command", "backup"}, {"events", events}});
  std::filesystem::create_symlink(events, folder_.file("link"));
  for (const auto& folder : {events, events + "/", events + "//", events + "/./", folder_.file("link")}) {
    for (const auto* vault : {"/events/vault", "/events/../events/vault", "/events//vault", "/link/vault"}) {
      const auto refused =
          administer({{"command", "backup"}, {"events", folder}, {"vault", folder_.path().string() + vault}});
      ASSERT_FALSE(refused) << folder << " " << vault;
      EXPECT_THAT(refused.error().messages.front(), HasSubstr("must not lie in the events' folder"));
    }
  }
  for (const auto& folder : {events, events + "/"})
    done({{"command", "backup"}, {"events", folder}, {"vault", folder_.file("events-vault")}});
}

TEST_F(AdministrationTest, UnknownCommandsAndBadMembersAreRefusedAndWriteNothing) {
  const auto account = open_account();
  const auto head = instance_->log->head();
  struct Case {
    json::object command;
    std::string expected;
  };
  for (const auto& [command, expected] : std::vector<Case>{
           {{}, "command: This field is required."},
           {{{"command", 1}}, "command: Must be a string."},
           {{{"command", "account.close"}}, "command: There is no command account.close."},
           {{{"command", ""}}, "command: There is no command ."},
           {{{"command", "account.open"}}, "name: This field is required."},
           {{{"command", "account.open"}, {"name", " "}}, "name: This field may not be blank."},
           {{{"command", "account.open"}, {"name", "x"}, {"type", "reseller"}},
            "type: Must be vendor or provider."},
           {{{"command", "account.open"}, {"name", "x"}, {"type", 1}}, "type: Must be a string."},
           {{{"command", "user.add"}, {"email", "a@b.c"}}, "account: This field is required."},
           {{{"command", "user.add"}, {"account", "VA-1"}}, "account: There is no such account."},
           {{{"command", "user.add"}, {"account", "VA-999-999"}, {"email", "a@b.c"}},
            "account: There is no such account."},
           {{{"command", "user.add"}, {"account", account}}, "email: This field is required."},
           {{{"command", "user.add"}, {"account", account}, {"email", "ann"}}, "email: "},
           {{{"command", "user.add"}, {"account", account}, {"email", "a@b.c"}, {"role", "king"}},
            "role: Must be owner, member or auditor."},
           {{{"command", "user.list"}, {"account", nullptr}}, "account: Must be a string."},
           {{{"command", "user.password"}}, "email: This field is required."},
           {{{"command", "user.role"}, {"email", "a@b.c"}}, "role: This field is required."},
           {{{"command", "user.role"}, {"email", "a@b.c"}, {"role", "king"}},
            "role: Must be owner, member or auditor."},
           {{{"command", "user.deactivate"}}, "email: This field is required."},
           {{{"command", "user.activate"}, {"email", "nobody@example.com"}}, "There is no user"},
           {{{"command", "partner.create"}}, "name: This field is required."},
           {{{"command", "partner.create"}, {"name", ""}}, "name: This field may not be blank."},
           {{{"command", "user.password"}, {"email", "nobody@example.com"}}, "There is no user"},
           {{{"command", "token.create"}, {"account", account}}, "name: This field is required."},
           {{{"command", "token.create"}, {"account", account}, {"name", "x"}, {"type", "other"}},
            "type: Must be custom or zapier."},
           {{{"command", "token.create"}, {"account", account}, {"name", "x"}, {"expiration_date", "x"}},
            "expiration_date: Must be a date"},
           {{{"command", "token.show"}, {"id", "SU-000-000-000"}}, "Token not found."},
           {{{"command", "token.show"}, {"id", "nonsense"}}, "Token not found."},
           {{{"command", "token.delete"}, {"id", 1}}, "id: Must be a string."},
           {{{"command", "token.deactivate"}}, "id: This field is required."},
           {{{"command", "token.activate"}, {"id", "SU-000-000-000"}}, "Token not found."},
           {{{"command", "token.rotate"}, {"id", "nonsense"}}, "Token not found."},
           {{{"command", "account.rename"}, {"name", "x"}}, "account: This field is required."},
           {{{"command", "account.rename"}, {"account", account}}, "name: This field is required."},
           {{{"command", "account.rename"}, {"account", account}, {"name", " "}},
            "name: This field may not be blank."},
           {{{"command", "user.add"}, {"account", account}, {"email", "a@b.c"}, {"role", ""}}, "role: "},
           {{{"command", "replay"}, {"token", "x"}}, "token: Not such an id."},
       }) {
    const auto refused = administer(command);
    ASSERT_FALSE(refused) << expected;
    EXPECT_THAT(refused.error().messages.front(), HasSubstr(expected));
  }
  EXPECT_EQ(instance_->log->head(), head);
}

}  // namespace
}  // namespace mintmark::administration_test
