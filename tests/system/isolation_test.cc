// Who sees and may do what: an account knows nothing of another's things, and a role bounds what it allows.
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/system/fixture.h"
#include "tests/system/foreign_things.h"

namespace mintmark::testing::isolation_test {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::Not;

class Isolation : public ServerTest {
 protected:
  static void SetUpTestSuite() {
    ServerTest::SetUpTestSuite();
    stranger_ = folder().open_account("stranger");
    auditor_ = folder().add_user(folder().account(), "auditor", "auditor");
    member_ = folder().add_user(folder().account(), "member", "member");
  }
  static RestClient as(const InitialisedFolder::Person& person) {
    RestClient client(server().port());
    client.log_in(person.email, person.password);
    return client;
  }

  static inline InitialisedFolder::Person stranger_;
  static inline InitialisedFolder::Person auditor_;
  static inline InitialisedFolder::Person member_;
};

struct Attempt {
  const char* method;
  std::string path;  // with {} for the id
  std::string body;
};

std::string with_id(std::string text, const std::string& id) {
  const auto at = text.find("{}");
  return at == std::string::npos ? text : text.replace(at, 2, id);
}

// That the answers about the two ids differ in nothing, and that nothing was written.
void expect_alike(const std::vector<Attempt>& attempts, RestClient& client, const std::string& foreign,
                  const std::string& absent, const ServerProcess& server) {
  const auto before = server.position();
  for (const auto& [method, path, body] : attempts) {
    SCOPED_TRACE(fmt::format("{} {} {}", method, path, body));
    const auto of_foreign = client.send(method, with_id(path, foreign), with_id(body, foreign));
    const auto of_absent = client.send(method, with_id(path, absent), with_id(body, absent));
    EXPECT_EQ(of_foreign.status, of_absent.status);
    EXPECT_EQ(of_foreign.body, of_absent.body);
    EXPECT_GE(of_foreign.status, 400);
    ASSERT_EQ(of_foreign.headers.size(), of_absent.headers.size());
    for (std::size_t i = 0; i < of_foreign.headers.size(); ++i) {
      EXPECT_EQ(of_foreign.headers[i].first, of_absent.headers[i].first);
    }
  }
  EXPECT_EQ(server.position(), before);
}

TEST_F(Isolation, AnotherAccountsTokensAreLikeAbsentOnes) {
  auto stranger = as(stranger_);
  const auto token = create_token(stranger, "Theirs");
  const std::vector<Attempt> attempts{
      {"GET", "/auth/tokens/{}", ""},
      {"HEAD", "/auth/tokens/{}", ""},
      {"PUT", "/auth/tokens/{}", R"({"name":"Ours"})"},
      {"PUT", "/auth/tokens/{}", R"({"name":""})"},
      {"PUT", "/auth/tokens/{}", R"({"name":5})"},
      {"PUT", "/auth/tokens/{}", "{}"},
      {"DELETE", "/auth/tokens/{}", ""},
      {"POST", "/auth/tokens/{}/reveal", ""},
  };
  auto by_cookie = owner();
  expect_alike(attempts, by_cookie, text(token, "id"), "SU-000-000-000", server());
  auto by_key = bearer(text(create_token(by_cookie, "Ours"), "token"));
  expect_alike(attempts, by_key, text(token, "id"), "SU-000-000-000", server());
  EXPECT_EQ(authorize(server().port(), text(token, "token")), 204);
}

TEST_F(Isolation, AnotherAccountItsUsersAndItsNameAreLikeAbsentOnes) {
  auto client = owner();
  expect_alike({{"GET", "/accounts/{}", ""},
                {"PUT", "/accounts/{}", R"({"name":"Ours"})"},
                {"PUT", "/accounts/{}", R"({"name":""})"},
                {"GET", "/accounts/{}/users", ""},
                {"GET", "/accounts/{}/users/" + folder().user(), ""},
                {"GET", "/accounts/{}/users/" + stranger_.user, ""},
                {"POST", "/auth/tokens", R"({"name":"x","extension":{"id":"EXT-000"},"owner":{"id":"{}"}})"}},
               client, stranger_.account, stranger_.account == "VA-000-000" ? "VA-000-001" : "VA-000-000",
               server());
  expect_alike({{"GET", "/accounts/" + folder().account() + "/users/{}", ""},
                {"GET", "/accounts/" + stranger_.account + "/users/{}", ""}},
               client, stranger_.user, "UR-000-000-000", server());
}

TEST_F(Isolation, ListsHoldTheOwnAccountsThingsOnly) {
  auto ours = owner();
  auto theirs = as(stranger_);
  const auto foreign = make_things(theirs, stranger_);
  const auto own = make_things(ours, {folder().account(), folder().user(), folder().email(), ""});
  struct List {
    std::string path;
    std::string kind;  // of what it holds
  };
  const std::vector<List> lists = {
      {"/auth/tokens?limit=1000", "tokens"},
      {"/accounts/" + folder().account() + "/users", "users"},
      {"/auth/sessions", "sessions"},
      {"/extensions", "extensions"},
      {"/notifications/webhooks", "webhooks"},
      {"/notifications/webhooks/" + own.at("webhooks") + "/deliveries", "jobs"},
      {"/jobs", "jobs"},
      {"/events?limit=1000", "tokens"},
      {"/events?limit=1000", "webhooks"},
      {"/events/export?format=jsonl", "extensions"},
      {"/events/export?format=csv", "webhooks"},
  };
  for (const auto& [path, kind] : lists) {
    const auto listed = ours.get(path);
    EXPECT_EQ(listed.status, 200) << path;
    EXPECT_THAT(listed.body, HasSubstr(own.at(kind))) << path;
    for (const auto& [of, id] : foreign) EXPECT_THAT(listed.body, Not(HasSubstr(id))) << path << " " << of;
    EXPECT_THAT(listed.body, Not(HasSubstr(stranger_.account))) << path;
  }
  EXPECT_THAT(ours.get("/accounts").body, Not(HasSubstr(stranger_.account)));
  for (const auto& listed : theirs.get("/auth/tokens?limit=1000").array()) {
    EXPECT_EQ(text(listed.at("owner").as_object(), "id"), stranger_.account);
  }
}

TEST_F(Isolation, AnIdempotencyKeyIsItsAccountsOwn) {
  auto ours = owner();
  auto theirs = as(stranger_);
  const Headers key{{"Idempotency-Key", "shared"}};
  const auto* body = R"({"name":"x","extension":{"id":"EXT-000"}})";
  const auto a = ours.post("/auth/tokens", body, key);
  const auto b = theirs.post("/auth/tokens", body, key);
  EXPECT_EQ(a.status, 201);
  EXPECT_EQ(b.status, 201);
  EXPECT_NE(text(a.object(), "id"), text(b.object(), "id"));
  EXPECT_EQ(text(b.object().at("owner").as_object(), "id"), stranger_.account);
}

TEST_F(Isolation, AnAuditorReadsAndDoesNothingElse) {
  auto first = owner();
  const auto token = create_token(first, "Audited");
  auto auditor = as(auditor_);
  const auto account = "/accounts/" + folder().account();
  for (const auto& path :
       {std::string("/auth/tokens"), path_of(token), std::string("/accounts"), account, account + "/users",
        account + "/users/" + auditor_.user, std::string("/extensions"), std::string("/auth/context")}) {
    EXPECT_EQ(auditor.get(path).status, 200) << path;
  }
  const auto before = server().position();
  const auto* body = R"({"name":"x","extension":{"id":"EXT-000"}})";
  expect_error(auditor.post("/auth/tokens", body), 403, "AUTH_003");
  expect_error(auditor.put(path_of(token), R"({"name":"y"})"), 403, "AUTH_003");
  expect_error(auditor.remove(path_of(token)), 403, "AUTH_003");
  expect_error(auditor.remove(path_of("SU-000-000-000")), 403, "AUTH_003");
  expect_error(auditor.post(path_of(token) + "/reveal", ""), 403, "AUTH_003");
  expect_error(auditor.put(account, R"({"name":"y"})"), 403, "AUTH_003");
  EXPECT_EQ(server().position(), before);
  EXPECT_EQ(auditor.post("/auth/logout", "").status, 204);
}

TEST_F(Isolation, OnlyAnOwnerChangesTheAccount) {
  auto member = as(member_);
  const auto token = create_token(member, "A member's");
  auto by_key = bearer(text(token, "token"));
  const auto account = "/accounts/" + folder().account();
  const auto before = server().position();
  expect_error(member.put(account, R"({"name":"y"})"), 403, "AUTH_003");
  expect_error(by_key.put(account, R"({"name":"y"})"), 403, "AUTH_003");
  expect_error(by_key.post("/auth/logout", ""), 400, "VAL_001");
  EXPECT_EQ(server().position(), before);
  EXPECT_EQ(by_key.remove(path_of(token)).status, 204) << "a token may delete itself";
  expect_error(by_key.get("/auth/tokens"), 401, "AUTH_001");
}

}  // namespace
}  // namespace mintmark::testing::isolation_test
