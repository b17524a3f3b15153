// The main job as one person lives it: sign in, issue tokens, use, show, change and delete them, sign out.
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>

#include "domain/time.h"
#include "tests/system/fixture.h"

namespace mintmark::testing::journey_test {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::MatchesRegex;

class Journey : public ServerTest {};

constexpr const char* secret_form = "[0-9a-f]{40}";
constexpr const char* key_form = "SU-[0-9]{3}-[0-9]{3}-[0-9]{3}:[0-9a-f]{40}";
constexpr const char* date_form = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\+00:00";

// The token of that id in the list.
json::object listed(RestClient& client, const std::string& id) {
  for (const auto& token : client.get("/auth/tokens?limit=1000").array()) {
    if (text(token.as_object(), "id") == id) return token.as_object();
  }
  throw std::runtime_error("not in the list: " + id);
}

TEST_F(Journey, SigningInAnswersWhoAndACookieThatScriptsCannotRead) {
  auto client = anyone();
  const auto answer = client.log_in(folder().email(), folder().password());
  EXPECT_THAT(
      answer.header("Set-Cookie").value_or(""),
      MatchesRegex("mintmark_session=[0-9a-f]{40}; Path=/; HttpOnly; SameSite=Strict; Max-Age=[0-9]+"));
  EXPECT_EQ(answer.header("Cache-Control"), "no-store");
  const auto session = answer.object();
  EXPECT_EQ(text(session.at("user").as_object(), "id"), folder().user());
  EXPECT_EQ(text(session.at("user").as_object(), "email"), folder().email());
  EXPECT_EQ(text(session.at("account").as_object(), "id"), folder().account());

  const auto context = client.get("/auth/context");
  EXPECT_EQ(context.status, 200);
  EXPECT_EQ(context.object(), session);
}

TEST_F(Journey, SecureCookiesAreMarkedSo) {
  const InitialisedFolder other;
  ServerProcess secure(other.path(), {"--secure-cookies", "true"});
  RestClient client(secure.port());
  const auto answer = client.log_in(other.email(), other.password());
  EXPECT_THAT(answer.header("Set-Cookie").value_or(""), HasSubstr("; Secure"));
}

TEST_F(Journey, ANewCustomTokenIsAnsweredWholeAndListedWithoutItsKey) {
  auto client = owner();
  const auto answer = client.post(
      "/auth/tokens",
      R"({"name":"Billing","description":"Nightly runs","external_id":"B-7","extension":{"id":"EXT-000"}})");
  EXPECT_EQ(answer.status, 201);
  EXPECT_THAT(answer.header("Mintmark-Position").value_or(""), MatchesRegex("[0-9]+"));
  EXPECT_EQ(answer.header("Cache-Control"), "no-store") << "it shows the key";
  auto token = answer.object();
  EXPECT_THAT(text(token, "token"), MatchesRegex(key_form));
  EXPECT_TRUE(text(token, "token").starts_with(text(token, "id") + ":"));
  EXPECT_EQ(text(token, "name"), "Billing");
  EXPECT_EQ(text(token, "description"), "Nightly runs");
  EXPECT_EQ(text(token, "external_id"), "B-7");
  EXPECT_EQ(text(token, "status"), "active");
  EXPECT_TRUE(token.at("expiration_date").is_null());
  EXPECT_TRUE(token.at("handle").is_null());

  token["token"] = nullptr;
  EXPECT_EQ(listed(client, text(token, "id")), token);
  EXPECT_EQ(client.get(path_of(token)).object(), token);
}

TEST_F(Journey, TheListShowsWhatATokenPageShows) {
  auto client = owner();
  const auto id = text(create_token(client, "Label 1"), "id");
  const auto token = listed(client, id);
  EXPECT_EQ(text(token, "name"), "Label 1");
  EXPECT_EQ(text(token, "status"), "active");
  EXPECT_EQ(token.at("extension"), json::value({{"id", "EXT-000"}, {"name", "custom"}}));
  EXPECT_EQ(token.at("owner"), json::value({{"id", folder().account()}, {"name", "First company"}}));
  const auto& created = token.at("events").at("created").as_object();
  EXPECT_THAT(text(created, "at"), MatchesRegex(date_form));
  EXPECT_EQ(text(created.at("by").as_object(), "id"), folder().user());
  EXPECT_EQ(text(created.at("by").as_object(), "email"), folder().email());
  for (const auto* hidden : {"token", "handle", "renewed_token"}) EXPECT_TRUE(token.at(hidden).is_null());
}

TEST_F(Journey, TheNewestTokenIsListedFirst) {
  auto client = owner();
  const auto older = text(create_token(client, "Older"), "id");
  const auto newer = text(create_token(client, "Newer"), "id");
  const auto tokens = client.get("/auth/tokens?limit=2").array();
  ASSERT_EQ(tokens.size(), 2U);
  EXPECT_EQ(text(tokens[0].as_object(), "id"), newer);
  EXPECT_EQ(text(tokens[1].as_object(), "id"), older);
}

TEST_F(Journey, AZapierTokenShowsItsHandleOnceAndBecomesActive) {
  auto client = owner();
  const auto token = create_token(client, "My Zaps", "zapier");
  EXPECT_THAT(text(token, "handle"), MatchesRegex(secret_form));
  EXPECT_TRUE(token.at("token").is_null());
  EXPECT_EQ(token.at("extension"), json::value({{"id", "EXT-001"}, {"name", "zapier"}}));
  expect_eventually([&] {
    const auto status = text(client.get(path_of(token)).object(), "status");
    EXPECT_TRUE(status == "pending" || status == "active") << status;
    return status == "active";
  });
  EXPECT_TRUE(listed(client, text(token, "id")).at("handle").is_null());
}

TEST_F(Journey, AValueIsRevealedOnDemand) {
  auto client = owner();
  const auto custom = create_token(client, "Custom");
  auto answer = client.post(path_of(custom) + "/reveal", "");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Cache-Control"), "no-store");
  EXPECT_EQ(answer.object(), json::value({{"id", custom.at("id")},
                                          {"token", custom.at("token")},
                                          {"handle", nullptr},
                                          {"renewed_token", nullptr}}));

  const auto zapier = create_token(client, "Zapier", "zapier");
  answer = client.post(path_of(zapier) + "/reveal", "");
  EXPECT_EQ(answer.object(), json::value({{"id", zapier.at("id")},
                                          {"token", nullptr},
                                          {"handle", zapier.at("handle")},
                                          {"renewed_token", nullptr}}));
}

TEST_F(Journey, AnUpdateChangesWhatItNamesAndNothingElse) {
  auto client = owner();
  auto token = create_token(client, "Before");
  auto answer = client.put(path_of(token), R"({"name":"After","description":"Why"})");
  EXPECT_EQ(answer.status, 200);
  token["token"] = nullptr;
  token["name"] = "After";
  token["description"] = "Why";
  EXPECT_EQ(answer.object(), token);
  EXPECT_EQ(listed(client, text(token, "id")), token);

  const auto before = server().position();
  answer = client.put(path_of(token), R"({"name":"After"})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.object(), token);
  EXPECT_EQ(server().position(), before) << "an update that changes nothing is no event";
}

TEST_F(Journey, ADeletedTokenIsGoneAndItsKeyDead) {
  auto client = owner();
  const auto token = create_token(client, "Short-lived");
  const auto key = text(token, "token");
  EXPECT_EQ(authorize(server().port(), key), 204);
  const auto answer = client.remove(path_of(token));
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.body, "");
  EXPECT_EQ(authorize(server().port(), key), 401);
  expect_error(bearer(key).get("/auth/tokens"), 401, "AUTH_001");
  for (const auto* method : {"GET", "DELETE"})
    expect_error(client.send(method, path_of(token)), 404, "NFND_000");
  expect_error(client.put(path_of(token), R"({"name":"Again"})"), 404, "NFND_000");
  expect_error(client.post(path_of(token) + "/reveal", ""), 404, "NFND_000");
  EXPECT_THROW(listed(client, text(token, "id")), std::runtime_error);
}

TEST_F(Journey, AKeyActsForItsAccount) {
  auto client = owner();
  const auto first = create_token(client, "First");
  auto by_key = bearer(text(first, "token"));
  const auto context = by_key.get("/auth/context").object();
  EXPECT_EQ(text(context.at("token").as_object(), "id"), text(first, "id"));
  EXPECT_EQ(text(context.at("account").as_object(), "id"), folder().account());
  const auto second = create_token(by_key, "Second");
  const auto& creator = second.at("events").at("created").at("by").as_object();
  EXPECT_EQ(text(creator, "id"), text(first, "id"));
  EXPECT_EQ(text(creator, "name"), "First");
  EXPECT_EQ(by_key.remove(path_of(second)).status, 204);
}

TEST_F(Journey, AnAllowedCallCarriesWhoCalls) {
  auto client = owner();
  const auto token = create_token(client, "Förderband 1%");
  const auto answer = bearer(text(token, "token")).send("PATCH", "//authorize?any=thing");
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.header("X-Mintmark-Account"), folder().account());
  EXPECT_EQ(answer.header("X-Mintmark-Token"), text(token, "id"));
  EXPECT_EQ(answer.header("X-Mintmark-Name"), "F%C3%B6rderband 1%25");
  EXPECT_EQ(answer.header("X-Mintmark-Type"), "custom");
}

TEST_F(Journey, ATokenOfWhichTheDateIsNearIsExpiringAndStillWorks) {
  auto client = owner();
  const auto tomorrow =
      std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()) + std::chrono::days(1);
  const auto date = format_time(tomorrow).substr(0, std::string_view("2030-01-31").size());
  const json::object body{
      {"name", "Trial"}, {"extension", {{"name", "custom"}}}, {"expiration_date", date + "T23:59:59Z"}};
  const auto token = client.post("/auth/tokens", json::serialize(body)).object();
  EXPECT_EQ(text(token, "status"), "expiring");
  EXPECT_EQ(text(token, "expiration_date"), date + "T23:59:59+00:00");
  EXPECT_EQ(authorize(server().port(), text(token, "token")), 204);
}

TEST_F(Journey, SigningOutEndsTheSession) {
  auto client = owner();
  auto other_session = owner();
  const auto answer = client.post("/auth/logout", "");
  EXPECT_EQ(answer.status, 204);
  EXPECT_THAT(answer.header("Set-Cookie").value_or(""), HasSubstr("mintmark_session=; "));
  EXPECT_THAT(answer.header("Set-Cookie").value_or(""), HasSubstr("Max-Age=0"));
  expect_error(client.get("/auth/tokens"), 401, "AUTH_001");
  expect_error(client.post("/auth/logout", ""), 401, "AUTH_001");
  EXPECT_EQ(other_session.get("/auth/tokens").status, 200);
}

TEST_F(Journey, AccountsUsersAndExtensionsAreThere) {
  auto client = owner();
  const auto accounts = client.get("/accounts").array();
  ASSERT_EQ(accounts.size(), 1U);
  EXPECT_EQ(client.get("/accounts/" + folder().account()).object(), accounts[0].as_object());
  EXPECT_EQ(text(accounts[0].as_object(), "type"), "vendor");
  const auto users_path = "/accounts/" + folder().account() + "/users";
  const auto users = client.get(users_path).array();
  ASSERT_EQ(users.size(), 1U);
  EXPECT_EQ(client.get(users_path + "/" + folder().user()).object(), users[0].as_object());
  EXPECT_EQ(text(users[0].as_object(), "email"), folder().email());
  std::vector<std::string> names;
  for (const auto& extension : client.get("/extensions").array()) {
    names.push_back(text(extension.as_object(), "name"));
    EXPECT_EQ(client.get("/extensions/" + text(extension.as_object(), "id")).object(), extension.as_object());
  }
  EXPECT_THAT(names, IsSupersetOf({"custom", "zapier"}));
  const auto changed = client.put("/accounts/" + folder().account(), R"({"description":"We make things"})");
  EXPECT_EQ(changed.status, 200);
  EXPECT_EQ(text(client.get("/accounts/" + folder().account()).object(), "description"), "We make things");
}

}  // namespace
}  // namespace mintmark::testing::journey_test
