// Credentials that are missing, malformed, dead or somebody else's.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/system/fixture.h"

namespace mintmark::testing::credentials_test {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view creation = R"({"name":"x","extension":{"id":"EXT-000"}})";

class Credentials : public ServerTest {
 protected:
  // A key like that one, and another.
  static std::string edited(std::string key) {
    key.back() = key.back() == '0' ? '1' : '0';
    return key;
  }

  // That neither REST nor the check takes a request with these Authorization fields.
  static void expect_refused(const std::string& fields) {
    SCOPED_TRACE(fields);
    RawClient client(server().port());
    const auto rest = client.exchange("GET /public/v1/auth/tokens HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n");
    expect_error(RestResponse{rest}, 401, "AUTH_001");
    EXPECT_EQ(rest.header("WWW-Authenticate"), "ApiKey realm=\"mintmark\"");
    const auto write = client.exchange(
        "DELETE /public/v1/auth/tokens/SU-000-000-000 HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n");
    EXPECT_EQ(write.status, 401);
    const auto check = client.exchange("GET /authorize HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n");
    EXPECT_EQ(check.status, 401);
    EXPECT_EQ(check.header("WWW-Authenticate"), "ApiKey realm=\"mintmark\"");
    EXPECT_FALSE(check.header("X-Mintmark-Account"));
    EXPECT_EQ(check.body, "");
  }
};

TEST_F(Credentials, OfEveryMalformedKindAreRefused) {
  auto client = owner();
  const auto key = text(create_token(client, "Good"), "token");
  const auto id = key.substr(0, key.find(':'));
  const auto secret = key.substr(key.find(':') + 1);
  auto upper = secret;
  for (auto& c : upper) c = static_cast<char>(std::toupper(c));
  const auto before = server().position();
  for (const auto& value : std::vector<std::string>{std::string(),
                                                    std::string("ApiKey"),
                                                    std::string("ApiKey "),
                                                    std::string("ApiKey :"),
                                                    key,
                                                    "Bearer " + key,
                                                    "Basic " + key,
                                                    "ApiKey" + key,
                                                    "ApiKey\t" + key,
                                                    "ApiKey " + id,
                                                    "ApiKey " + id + ":",
                                                    "ApiKey :" + secret,
                                                    "ApiKey " + secret,
                                                    fmt::format("ApiKey {}{}", id, secret),
                                                    fmt::format("ApiKey {} {}", id, secret),
                                                    "ApiKey " + key + "0",
                                                    "ApiKey " + key.substr(0, key.size() - 1),
                                                    "ApiKey " + edited(key),
                                                    fmt::format("ApiKey {}:{}", id, std::string(40, 'g')),
                                                    fmt::format("ApiKey {}, ApiKey {}", key, key),
                                                    "ApiKey " + key + " x",
                                                    "ApiKey \"" + key + "\"",
                                                    "ApiKey su" + key.substr(2),
                                                    "ApiKey SU-000-000-000:" + secret,
                                                    "ApiKey VA-000-000:" + secret,
                                                    "ApiKey " + id + ":" + std::string(5000, '0'),
                                                    "ApiKey \xFF\xFE",
                                                    "ApiKey " + id + ":" + std::string(40, '\xC3'),
                                                    std::string("ApiKey null"),
                                                    std::string("ApiKey SU-999999999-9:0")}) {
    expect_refused("Authorization: " + value + "\r\n");
  }
  if (upper != secret) expect_refused(fmt::format("Authorization: ApiKey {}:{}\r\n", id, upper));
  expect_refused("");
  expect_refused("X-Authorization: ApiKey " + key + "\r\n");
  expect_refused("Proxy-Authorization: ApiKey " + key + "\r\n");
  EXPECT_EQ(server().position(), before);
}

TEST_F(Credentials, GivenTwiceAreRefused) {
  auto client = owner();
  const auto key = text(create_token(client, "Good"), "token");
  const auto other = text(create_token(client, "Also good"), "token");
  for (const auto& second : {key, other, std::string("SU-1:2"), std::string()}) {
    expect_refused(fmt::format("Authorization: ApiKey {}\r\nAuthorization: ApiKey {}\r\n", key, second));
    expect_refused(fmt::format("authorization: ApiKey {}\r\nAUTHORIZATION: ApiKey {}\r\n", second, key));
  }
  const auto cookie = client.credentials()["Cookie"];
  expect_refused("Cookie: " + cookie + "\r\nAuthorization: ApiKey " + edited(key) + "\r\n");
}

TEST_F(Credentials, WithAnotherSpellingOfTheSchemeAreGood) {
  auto client = owner();
  const auto key = text(create_token(client, "Good"), "token");
  for (const auto& value : std::vector<std::string>{"apikey " + key, "APIKEY " + key, "ApiKey    " + key}) {
    EXPECT_EQ(anyone().send("GET", "/auth/tokens", "", {{"Authorization", value}}).status, 200) << value;
    EXPECT_EQ(anyone().send("GET", "//authorize", "", {{"Authorization", value}}).status, 204) << value;
  }
}

TEST_F(Credentials, OfAZapierTokenAreNotItsHandle) {
  auto client = owner();
  const auto token = create_token(client, "Zaps", "zapier");
  expect_refused("Authorization: ApiKey " + text(token, "id") + ":" + text(token, "handle") + "\r\n");
  expect_refused("Authorization: ApiKey " + text(token, "handle") + "\r\n");
}

TEST_F(Credentials, AreForbiddenWhereTheOriginalRequestMakesNoSense) {
  auto client = owner();
  auto key = bearer(text(create_token(client, "Good"), "token"));
  for (const Headers& original : {Headers{{"X-Original-URI", "agreements"}},
                                  {{"X-Forwarded-Uri", "http://x/"}},
                                  {{"X-Original-Method", "get it"}},
                                  {{"X-Forwarded-Method", "G\xC3\x89T"}}}) {
    const auto answer = key.send("GET", "//authorize", "", original);
    EXPECT_EQ(answer.status, 403);
    EXPECT_FALSE(answer.header("X-Mintmark-Account"));
  }
  EXPECT_EQ(
      key.send("GET", "//authorize", "", {{"X-Original-URI", "/a?b"}, {"X-Original-Method", "MKCOL"}}).status,
      204);
}

TEST_F(Credentials, OfASessionNeedItsCsrfTokenToWrite) {
  auto client = owner();
  auto other = owner();
  const auto token = create_token(client, "Kept");
  const auto right = client.credentials()["X-CSRF-Token"];
  const auto before = server().position();
  for (const auto& wrong : {std::string(), std::string("x"), right.substr(1), right + "0",
                            std::string(right.size(), '0'), other.credentials()["X-CSRF-Token"]}) {
    SCOPED_TRACE(wrong);
    client.credentials()["X-CSRF-Token"] = wrong;
    expect_error(client.post("/auth/tokens", creation), 403, "AUTH_003");
    expect_error(client.put(path_of(token), R"({"name":"y"})"), 403, "AUTH_003");
    expect_error(client.remove(path_of(token)), 403, "AUTH_003");
    expect_error(client.post(path_of(token) + "/reveal", ""), 403, "AUTH_003");
    expect_error(client.put("/accounts/" + folder().account(), R"({"name":"y"})"), 403, "AUTH_003");
    expect_error(client.post("/auth/logout", ""), 403, "AUTH_003");
    EXPECT_EQ(client.get("/auth/tokens").status, 200) << "reading needs none";
  }
  EXPECT_EQ(server().position(), before);
}

TEST_F(Credentials, OfASessionThatIsNoneAreRefused) {
  auto client = owner();
  const auto cookie = client.credentials()["Cookie"];
  auto gone = owner();
  const auto dead = gone.credentials()["Cookie"];
  ASSERT_EQ(gone.post("/auth/logout", "").status, 204);
  const auto value = cookie.substr(cookie.find('=') + 1);
  const auto before = server().position();
  for (const auto& bad : std::vector<std::string>{
           dead, std::string("mintmark_session="), std::string("mintmark_session"),
           "mintmark_session=" + value.substr(1), "mintmark_session=" + value + "0",
           "mintmark_session=" + edited(value), "mintmark_session=\"" + value + "\"",
           "mintmark_session=" + std::string(40, '0'), "mintmark_session=" + std::string(40, '\xFF'), value,
           "other=" + value, "Mintmark_Session=" + value, "mintmark_session_=" + value, std::string(";;;=;"),
           "mintmark_session=" + std::string(8000, 'a'), "mintmark_session=x; " + cookie}) {
    SCOPED_TRACE(bad);
    client.credentials()["Cookie"] = bad;
    expect_error(client.get("/auth/tokens"), 401, "AUTH_001");
    expect_error(client.post("/auth/tokens", creation), 401, "AUTH_001");
    expect_error(client.get("/auth/context"), 401, "AUTH_001");
  }
  EXPECT_EQ(server().position(), before);
  client.credentials()["Cookie"] = "a=b; " + cookie + "; c=d";
  EXPECT_EQ(client.get("/auth/tokens").status, 200);
}

TEST_F(Credentials, OfAPersonThatAreWrongSayNothingMore) {
  auto client = anyone();
  const auto before = server().position();
  const auto log_in = [&](const std::string& email, const std::string& password) {
    return client.post("/auth/login", R"({"email":")" + email + R"(","password":")" + password + "\"}");
  };
  const auto wrong_password = log_in(folder().email(), "not the password");
  const auto nobody = log_in("nobody@example.com", "not the password");
  expect_error(wrong_password, 401, "AUTH_001");
  EXPECT_EQ(wrong_password.body, nobody.body);
  EXPECT_EQ(wrong_password.headers.size(), nobody.headers.size());
  EXPECT_FALSE(wrong_password.header("Set-Cookie"));
  for (const auto& odd :
       std::vector<std::string>{std::string(), std::string("\\u0000"), folder().password() + "\\u0000",
                                std::string("\\ud83d\\ude00")}) {
    expect_error(log_in(folder().email(), odd), 401, "AUTH_001");
  }
  EXPECT_EQ(server().position(), before);
  EXPECT_EQ(log_in("OWNER@Example.COM", folder().password()).status, 200)
      << "addresses differ in no letter's case";
}

TEST_F(Credentials, OfADeletedTokenDieWithItOnOpenConnectionsToo) {
  auto client = owner();
  const auto token = create_token(client, "Short-lived");
  auto by_key = bearer(text(token, "token"));
  EXPECT_EQ(by_key.get("//authorize").status, 204);
  EXPECT_EQ(client.remove(path_of(token)).status, 204);
  EXPECT_EQ(by_key.get("//authorize").status, 401);
  expect_error(by_key.get("/auth/tokens"), 401, "AUTH_001");
  EXPECT_THAT(server().log(), ::testing::Not(HasSubstr(text(token, "token"))));
}

}  // namespace
}  // namespace mintmark::testing::credentials_test
