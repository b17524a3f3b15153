// Every operation that the running server describes and serves, for every kind of caller: who may is as its
// access says, and what is another account's is like what nobody has. tests/api/openapi_test.cc holds the
// description to the table of routes, so a new route is in here by itself.
#include <functional>
#include <map>
#include <set>
#include <utility>

#include <gmock/gmock.h>

#include "tests/system/fixture.h"
#include "tests/system/foreign_things.h"

namespace mintmark::testing::isolation_matrix_test {
namespace {

struct Operation {
  std::string method;
  std::string path;  // with parameters in braces, as RestClient wants it
  std::string access;
};

class IsolationMatrix : public ServerTest {
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

  static std::string upper_case(std::string text) {
    for (auto& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    return text;
  }

  // What is described and served: the path's own OPTIONS tells its methods.
  static std::vector<Operation> operations() {
    constexpr std::string_view prefix = "/public/v1";
    auto client = anyone();
    std::vector<Operation> served;
    const auto document = client.get("//openapi.json").object();
    for (const auto& [path, methods] : document.at("paths").as_object()) {
      if (path == "/authorize") continue;  // has a test of its own, and no account's things
      std::string shown(path);
      shown = shown.starts_with(prefix) ? shown.substr(prefix.size()) : "/" + shown;
      const auto allow = client.send("OPTIONS", with_absent_ids(shown)).header("Allow").value_or("");
      for (const auto& [name, operation] : methods.as_object()) {
        const auto method = upper_case(name);
        if (allow.find(method) == std::string::npos) continue;
        served.push_back({method, shown, text(operation.as_object(), "x-mintmark-access")});
      }
    }
    return served;
  }

  // The path with each parameter replaced by `id_of` the segment before it.
  static std::string fill(std::string_view path, const std::function<std::string(std::string_view)>& id_of) {
    std::string filled;
    std::string_view before;
    while (!path.empty()) {
      const auto end = std::min(path.find('/', 1), path.size());
      const auto segment = path.substr(1, end - 1);
      path.remove_prefix(end);
      filled += '/';
      filled += segment.starts_with('{') ? id_of(before) : std::string(segment);
      before = segment;
    }
    return filled;
  }
  static std::string with_absent_ids(std::string_view path) { return fill(path, absent_id); }

  static RestResponse call(RestClient& client, const Operation& operation, const std::string& path) {
    return client.send(operation.method, path, operation.method == "GET" ? "" : "{}");
  }

  // What an operation answers to those who may, about things that nobody has and with an empty object as its
  // body.
  static int allowed_status(const Operation& operation) {
    if (operation.path.find('{') != std::string::npos) return 404;
    static const std::map<std::string, int, std::less<>> statuses = {
        {"GET /auth/tokens", 200},
        {"POST /auth/tokens", 400},
        {"GET /modules", 200},
        {"GET /accounts", 200},
        {"POST /accounts", 403},  // a vendor's owner opens none: only a provider's does
        {"GET /extensions", 200},
        {"POST /extensions", 400},
        {"GET /notifications/webhooks", 200},
        {"POST /notifications/webhooks", 400},
        {"GET /jobs", 200},
        {"POST /jobs/retry", 200},
        {"GET /events", 200},
        {"GET /events/export", 400},  // in no format
        {"GET /events/stream", 200},
        {"POST /auth/logout", 204},
        {"GET /auth/context", 200},
        {"POST /auth/password", 400},
        {"GET /auth/sessions", 200},
    };
    const auto found = statuses.find(operation.method + " " + operation.path);
    if (found != statuses.end()) return found->second;
    ADD_FAILURE() << "what it answers stands nowhere";
    return 0;
  }

  static void expect_status(RestClient& client, const Operation& operation, int status) {
    // A stream has no end to wait for.
    const bool is_stream = operation.path == "/events/stream";
    const auto answer = is_stream ? client.send("HEAD", operation.path)
                                  : call(client, operation, with_absent_ids(operation.path));
    EXPECT_EQ(answer.status, status) << answer.body;
    if (status == 404) expect_error(answer, 404, "NFND_000");
    if (status == 403) expect_error(answer, 403, "AUTH_003");
  }
  static void expect_refused(RestClient& client, const Operation& operation, int status) {
    expect_error(call(client, operation, with_absent_ids(operation.path)), status,
                 status == 401 ? "AUTH_001" : "AUTH_003");
  }

  // Compares the answers about the stranger's things with those about what nobody has: once with the
  // stranger's account in the path and once, where their own thing can be in ours, with ours. How many.
  static std::size_t expect_alike(RestClient& client, const Operation& operation, const IdsByKind& foreign) {
    SCOPED_TRACE(operation.method + " " + operation.path);
    const auto path_in = [&](const std::string& account, const IdsByKind& ids) {
      return fill(operation.path, [&](std::string_view kind) {
        if (kind == "accounts") return account;
        const auto found = ids.find(kind);
        return found == ids.end() ? absent_id(kind) : found->second;
      });
    };
    std::vector<std::pair<std::string, std::string>> paths{
        {path_in(stranger_.account, foreign), path_in(absent_id("accounts"), {})}};
    const auto& ours = folder().account();
    if (operation.path.starts_with("/accounts/{id}/users/{")) {
      paths.emplace_back(path_in(ours, foreign), path_in(ours, {}));
    }
    for (const auto& [of_theirs, of_nobody] : paths) {
      const auto absent = call(client, operation, of_nobody);
      const auto theirs = call(client, operation, of_theirs);
      EXPECT_GE(absent.status, 400);
      EXPECT_EQ(theirs.status, absent.status) << of_theirs;
      EXPECT_EQ(theirs.body, absent.body) << of_theirs;
    }
    return paths.size();
  }

  static inline InitialisedFolder::Person stranger_;
  static inline InitialisedFolder::Person auditor_;
  static inline InitialisedFolder::Person member_;
};

TEST_F(IsolationMatrix, TheDescriptionIsOfMoreThanAFewOperations) {
  std::set<std::string> accesses;
  for (const auto& operation : operations()) accesses.insert(operation.access);
  EXPECT_THAT(accesses, ::testing::UnorderedElementsAre("public", "read", "write", "owner"));
  EXPECT_GE(operations().size(), 20U);
}

TEST_F(IsolationMatrix, WhoeverIsNotKnownGetsNothingThatIsNotPublic) {
  auto owner_client = owner();
  const auto deleted = create_token(owner_client, "Deleted");
  ASSERT_EQ(owner_client.remove(path_of(deleted)).status, 204);
  auto ended = owner();
  ASSERT_EQ(ended.post("/auth/logout", "").status, 204);
  auto nobody = anyone();
  auto by_deleted = bearer(text(deleted, "token"));
  auto by_unknown = bearer("SU-000-000-000:" + std::string(40, '0'));
  const auto before = server().position();
  for (const auto& operation : operations()) {
    if (operation.access == "public") continue;
    SCOPED_TRACE(operation.method + " " + operation.path);
    expect_refused(nobody, operation, 401);
    expect_refused(by_deleted, operation, 401);
    expect_refused(by_unknown, operation, 401);
    expect_refused(ended, operation, 401);
  }
  EXPECT_EQ(server().position(), before);
}

// Sessions of each role, and tokens that act in each: an owner's, an operator's, a member's, one that a token
// made, and one whose maker is an auditor by now.
TEST_F(IsolationMatrix, EveryRoleAndATokenInItMayWhatTheAccessSays) {
  enum class Role : std::uint8_t { kAuditor, kMember, kOwner };
  struct Kind {
    std::string name;
    Role role;
    std::function<RestClient()> client;
    bool is_token;
  };
  auto owner_client = owner();
  auto member_client = as(member_);
  const auto former = folder().add_user(folder().account(), "former", "member");
  auto former_client = as(former);
  const auto owners = text(create_token(owner_client, "Owner's"), "token");
  const auto operators =
      text(folder().run_json({"token", "create", "--account", folder().account(), "--name", "x"}), "key");
  const auto members = text(create_token(member_client, "Member's"), "token");
  auto by_owners = bearer(owners);
  const auto tokens = text(create_token(by_owners, "A token's"), "token");
  const auto auditors = text(create_token(former_client, "Auditor's"), "token");
  folder().run_json({"user", "role", "--email", former.email, "--role", "auditor"});
  const auto key = [](const std::string& name, Role role, const std::string& value) {
    return Kind{name, role, [value] { return bearer(value); }, true};
  };
  const std::vector<Kind> kinds = {
      {"owner", Role::kOwner, [] { return owner(); }, false},
      {"member", Role::kMember, [] { return as(member_); }, false},
      {"auditor", Role::kAuditor, [] { return as(auditor_); }, false},
      key("owner's token", Role::kOwner, owners),
      key("operator's token", Role::kOwner, operators),
      key("member's token", Role::kMember, members),
      key("token's token", Role::kMember, tokens),
      key("auditor's token", Role::kAuditor, auditors),
  };
  const std::map<std::string, Role, std::less<>> wanted = {
      {"read", Role::kAuditor}, {"write", Role::kMember}, {"owner", Role::kOwner}};
  const auto all = operations();
  for (const auto& kind : kinds) {
    auto client = kind.client();
    for (const auto& operation : all) {
      if (operation.access == "public") continue;
      SCOPED_TRACE(kind.name + ": " + operation.method + " " + operation.path);
      const bool ends_session = operation.path == "/auth/logout";
      const bool may = kind.role >= wanted.at(operation.access);
      const auto status = !may ? 403 : ends_session && kind.is_token ? 400 : allowed_status(operation);
      expect_status(client, operation, status);
      if (ends_session) client = kind.client();
    }
  }
}

TEST_F(IsolationMatrix, AStoppedTokenMayNothing) {
  auto owner_client = owner();
  const auto token = create_token(owner_client, "Stopped");
  const auto stopped = owner_client.post(path_of(token) + "/deactivate", "");
  ASSERT_EQ(stopped.status, 200) << stopped.body;
  auto by_token = bearer(text(token, "token"));
  for (const auto& operation : operations()) {
    if (operation.access == "public") continue;
    SCOPED_TRACE(operation.method + " " + operation.path);
    expect_refused(by_token, operation, 403);
  }
}

TEST_F(IsolationMatrix, APartnersTokenMayOnlyExchange) {
  const auto partner = folder().run_json({"partner", "create", "--name", "Zapier"});
  auto by_partner = bearer(text(partner, "key"));
  for (const auto& operation : operations()) {
    if (operation.access == "public") continue;
    SCOPED_TRACE(operation.method + " " + operation.path);
    if (operation.path == "/auth/context") {
      EXPECT_EQ(call(by_partner, operation, operation.path).status, 200);
    } else if (operation.method == "POST" && operation.path == "/auth/tokens") {
      expect_error(call(by_partner, operation, operation.path), 400, "VAL_001");
      const auto creation = R"({"name":"x","extension":{"id":"EXT-000"}})";
      expect_error(by_partner.post(operation.path, creation), 403, "AUTH_003");
    } else {
      expect_refused(by_partner, operation, 403);
    }
  }
}

TEST_F(IsolationMatrix, WhatIsAnotherAccountsIsLikeWhatNobodyHas) {
  auto stranger = as(stranger_);
  const auto foreign = make_things(stranger, stranger_);
  auto owner_client = owner();
  std::vector<RestClient> callers;
  callers.push_back(owner());
  callers.push_back(as(member_));
  callers.push_back(as(auditor_));
  callers.push_back(bearer(text(create_token(owner_client, "Ours"), "token")));
  std::size_t compared = 0;
  const auto before = server().position();
  for (const auto& operation : operations()) {
    if (operation.path.find('{') == std::string::npos) continue;
    for (auto& caller : callers) compared += expect_alike(caller, operation, foreign);
  }
  EXPECT_GE(compared, 36U);
  EXPECT_EQ(server().position(), before);
}

}  // namespace
}  // namespace mintmark::testing::isolation_matrix_test
