#include "api/token_role.h"

#include <string>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/membership.h"
#include "tests/support/api_instance.h"

// A token acts in the role that its creator has now.
namespace mintmark::token_role_test {
namespace {

namespace json = boost::json;
using http::RequestBuilder;
using ::testing::HasSubstr;
using namespace ::mintmark::testing;

class TokenRoleTest : public ::testing::Test {
 protected:
  // A key of a token that the user made in a session of theirs.
  std::string key_of(const std::string& email, const std::string& password) {
    const auto cookie = instance_.sign_in(email, password);
    return made(instance_.call(RequestBuilder("POST", tokens_)
                                   .header("Cookie", "mintmark_session=" + cookie)
                                   .header("X-CSRF-Token", csrf_token(*instance_.services, cookie))
                                   .header("Content-Type", "application/json")
                                   .body(new_token_)));
  }
  static std::string made(const http::Response& response) {
    EXPECT_EQ(response.status, 201) << response.body;
    return std::string(json_of(response).at("token").as_string());
  }
  http::Response call(const std::string& key, std::string_view method, const std::string& target,
                      const std::string& body = "") {
    return instance_.call(RequestBuilder(method, target)
                              .header("Authorization", "ApiKey " + key)
                              .header("Content-Type", "application/json")
                              .body(body));
  }
  int rename_account(const std::string& key) {
    return call(key, "PUT", "/public/v1/accounts/" + account_.text(),
                R"({"description":")" + std::to_string(++renamed_) + "\"}")
        .status;
  }
  int create_token(const std::string& key) { return call(key, "POST", tokens_, new_token_).status; }
  void give_role(UserId user, Role role) {
    const MemberUpdate update{.name = {}, .role = role, .group = {}};
    ASSERT_TRUE(run(update_member(*instance_.services, ApiInstance::caller(account_), user, update)));
  }
  std::string path_of(const std::string& key) const { return tokens_ + "/" + key.substr(0, key.find(':')); }
  std::string reveal_path(const std::string& key) const { return path_of(key) + "/reveal"; }
  // What `by` is answered who grants that module to the token of `key`.
  http::Response grant(const std::string& by, const std::string& key, const std::string& module) {
    return call(by, "POST", path_of(key) + "/permissions", R"({"object":{"id":")" + module + "\"}}");
  }

  ApiInstance instance_;
  const std::string tokens_ = "/public/v1/auth/tokens";
  const std::string new_token_ = R"({"name":"x","extension":{"id":"EXT-000"}})";
  const AccountId account_ = instance_.open_account("Acme");
  const AddedUser ann_ = instance_.add_user(account_, "ann@example.com", OWNER);
  const AddedUser bob_ = instance_.add_user(account_, "bob@example.com", MEMBER);
  const std::string anns_ = key_of("ann@example.com", ann_.password);
  const std::string bobs_ = key_of("bob@example.com", bob_.password);
  const std::string operators_ = instance_.create_token(account_).value.key->text();
  int renamed_ = 0;
};

TEST_F(TokenRoleTest, AnOwnersAndAnOperatorsTokenManageTheAccountAndItsUsers) {
  const auto users = "/public/v1/accounts/" + account_.text() + "/users";
  for (const auto& key : {anns_, operators_}) {
    EXPECT_EQ(rename_account(key), 200);
    const auto added =
        call(key, "POST", users, R"({"email":"cy@example.com","groups":[{"id":"UG-000-002"}]})");
    ASSERT_EQ(added.status, 201) << added.body;
    const auto user = json_of(added);
    EXPECT_EQ(user.at("events").at("invited").at("by").at("id").as_string(), key.substr(0, key.find(':')));
    const auto path = users + "/" + std::string(user.at("id").as_string());
    EXPECT_EQ(call(key, "PUT", path, R"({"groups":[{"id":"UG-000-003"}]})").status, 200);
    EXPECT_EQ(call(key, "POST", path + "/deactivate").status, 200);
    EXPECT_EQ(call(key, "DELETE", path).status, 204);
  }
}

TEST_F(TokenRoleTest, ARestrictedTokenDoesNothingThatIsForOwnersAlone) {
  for (const auto& key : {anns_, operators_}) {
    ASSERT_EQ(grant(key, key, "MD-0003").status, 201);
    const auto head = instance_.memory.head();
    for (const auto& route : routes()) {
      if (route.access != Access::kOwner) continue;
      std::string path(route.path);
      if (const auto id = path.find("{id}"); id != std::string::npos) path.replace(id, 4, account_.text());
      if (const auto user = path.find("{user}"); user != std::string::npos)
        path.replace(user, 6, bob_.id.text());
      const auto refused = call(key, route.method, path,
                                R"({"email":"eve@example.com","name":"Eve","groups":[{"id":"UG-000-001"}]})");
      EXPECT_EQ(refused.status, 403) << route.method << ' ' << path;
      EXPECT_THAT(refused.body, HasSubstr("restricted")) << route.method << ' ' << path;
    }
    EXPECT_EQ(instance_.memory.head(), head);
    EXPECT_EQ(call(key, "GET", "/public/v1/accounts/" + account_.text() + "/users").status, 200);
    EXPECT_EQ(create_token(key), 201);
  }
}

TEST_F(TokenRoleTest, AMembersTokenAndOneThatATokenMadeDoNot) {
  EXPECT_EQ(rename_account(bobs_), 403);
  EXPECT_EQ(create_token(bobs_), 201);
  const auto second = made(call(anns_, "POST", tokens_, new_token_));
  EXPECT_EQ(rename_account(second), 403);
  EXPECT_EQ(create_token(second), 201);
}

TEST_F(TokenRoleTest, TheRoleIsTheCreatorsPresentOne) {
  give_role(bob_.id, OWNER);
  EXPECT_EQ(rename_account(bobs_), 200);
  give_role(bob_.id, AUDITOR);
  EXPECT_EQ(call(bobs_, "GET", tokens_).status, 200);
  EXPECT_EQ(create_token(bobs_), 403) << "an auditor's token changes nothing";
  EXPECT_EQ(call(bobs_, "POST", reveal_path(bobs_)).status, 403) << "and reveals nothing";
  give_role(bob_.id, MEMBER);
  EXPECT_EQ(create_token(bobs_), 201);
}

TEST_F(TokenRoleTest, ADeactivatedUsersTokenKeepsTheRoleAndAForgottenOnesIsAMembers) {
  give_role(bob_.id, OWNER);
  const auto caller = ApiInstance::caller(account_);
  ASSERT_TRUE(run(deactivate_member(*instance_.services, caller, ann_.id)));
  EXPECT_EQ(rename_account(anns_), 200);
  ASSERT_TRUE(run(erase_member(*instance_.services, caller, ann_.id)));
  EXPECT_EQ(rename_account(anns_), 403);
  EXPECT_EQ(create_token(anns_), 201);
}

TEST_F(TokenRoleTest, NobodyGetsAtATokenThatMayMoreThanThey) {
  const auto head = instance_.memory.head();
  for (const auto& key : {anns_, operators_}) {
    const auto token = path_of(key);
    for (const auto* action : {"/reveal", "/rotate", "/renew", "/activate"}) {
      const auto refused = call(bobs_, "POST", token + action);
      EXPECT_EQ(refused.status, 403) << action;
      EXPECT_THAT(refused.body, HasSubstr("role")) << action;
    }
  }
  EXPECT_EQ(instance_.memory.head(), head);
  EXPECT_EQ(call(anns_, "POST", reveal_path(bobs_)).status, 200);
  EXPECT_EQ(call(bobs_, "POST", reveal_path(bobs_)).status, 200);
  EXPECT_EQ(call(bobs_, "POST", path_of(anns_) + "/deactivate").status, 200) << "anybody may stop it";
}

TEST_F(TokenRoleTest, NobodyWidensATokenThatMayMoreThanThey) {
  ASSERT_EQ(grant(anns_, anns_, "MD-0001").status, 201);
  const auto head = instance_.memory.head();
  const auto refused = grant(bobs_, anns_, "MD-0003");
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("role"));
  EXPECT_EQ(instance_.memory.head(), head);
  EXPECT_EQ(create_token(anns_), 403) << "it may still call MD-0001 alone";
  EXPECT_EQ(grant(operators_, anns_, "MD-0003").status, 201);
  EXPECT_EQ(create_token(anns_), 201);
}

TEST_F(TokenRoleTest, ARestrictedTokenGrantsWhatItHoldsAlsoToOneThatHoldsMore) {
  ASSERT_EQ(grant(bobs_, bobs_, "MD-0001").status, 201);
  ASSERT_EQ(grant(anns_, anns_, "MD-0003").status, 201);
  EXPECT_EQ(grant(anns_, bobs_, "MD-0003").status, 201);
  EXPECT_EQ(grant(anns_, bobs_, "MD-0002").status, 403);
}

TEST_F(TokenRoleTest, AnAuditorsTokenSeesNoSecretsOfWebhooks) {
  const auto webhooks = std::string("/public/v1/notifications/webhooks");
  const auto webhook = call(bobs_, "POST", webhooks,
                            R"({"label":"x","object_class":"token","external_url":"https://example.com/",)"
                            R"("jwt_secret":"a secret of ours"})");
  ASSERT_EQ(webhook.status, 201) << webhook.body;
  const auto path = webhooks + "/" + std::string(json_of(webhook).at("id").as_string());
  EXPECT_THAT(call(bobs_, "GET", path).body, HasSubstr("a secret of ours"));
  give_role(bob_.id, AUDITOR);
  EXPECT_THAT(call(bobs_, "GET", path).body, ::testing::Not(HasSubstr("a secret of ours")));
}

TEST_F(TokenRoleTest, NoTokenClosesAnAccount) {
  const auto path = "/public/v1/accounts/" + account_.text();
  EXPECT_EQ(call(anns_, "DELETE", path).status, 403);
  EXPECT_EQ(call(anns_, "GET", path).status, 200);
}

}  // namespace
}  // namespace mintmark::token_role_test
