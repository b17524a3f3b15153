#include <set>
#include <string>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <openssl/sha.h>

#include "tests/support/api_instance.h"

// Idempotency-Key: what is done once under it, and what the log keeps of it.
namespace mintmark::idempotency_test {
namespace {

namespace json = boost::json;
using http::RequestBuilder;
using namespace ::mintmark::testing;

std::string sha256(const std::string& text) {
  std::string hash(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(hash.data()));
  return hash;
}

class IdempotencyTest : public ::testing::Test {
 protected:
  http::Response rename(const std::string& body) {
    return instance_.call(RequestBuilder("PUT", path_)
                              .header("Authorization", "ApiKey " + created_.value.key->text())
                              .header("Content-Type", "application/json")
                              .header("Idempotency-Key", "once")
                              .body(body));
  }

  ApiInstance instance_;
  const AccountId account_ = instance_.open_account("Acme");
  const CreatedToken created_ = instance_.create_token(account_);
  const TokenId id_ = created_.value.key->id;
  const std::string path_ = "/public/v1/auth/tokens/" + id_.text();
};

TEST_F(IdempotencyTest, TheHashOfARequestIsKeyed) {
  const std::string body = R"({"name":"guessable"})";
  ASSERT_EQ(rename(body).status, 200);
  const auto recorded = instance_.memory.read(instance_.memory.head() - 1, 1).front().recorded;
  const auto text = "PUT\n" + path_ + "\n" + body;
  EXPECT_EQ(recorded.request_hash(), instance_.peppers.name_hash("request", text));
  EXPECT_NE(recorded.request_hash(), sha256(text));
}

TEST_F(IdempotencyTest, AKeyInALogOfAnEarlierVersionStillTellsWhatItDid) {
  const std::string body = R"({"name":"new"})";
  AppendRequest earlier;
  earlier.streams.push_back({stream_of(id_), 1, {{instance_.random.event_id({}), token_renamed("new")}}});
  earlier.idempotency_key = IdempotencyKey{
      sha256(std::to_string(account_.code()) + ":" + id_.text() + ":once"),
      sha256("PUT\n" + path_ + "\n" + body),
  };
  ASSERT_TRUE(append_and_wait(instance_.memory, std::move(earlier)));
  const auto head = instance_.memory.head();
  const auto repeated = rename(body);
  EXPECT_EQ(repeated.status, 200) << repeated.body;
  EXPECT_EQ(header_of(repeated, "Mintmark-Position"), std::to_string(head));
  EXPECT_EQ(rename(R"({"name":"other"})").status, 409);
  EXPECT_EQ(instance_.memory.head(), head);
}

TEST_F(IdempotencyTest, ASecondKeyIsRefused) {
  const auto head = instance_.memory.head();
  const auto refused = instance_.call(RequestBuilder("PUT", path_)
                                          .header("Authorization", "ApiKey " + created_.value.key->text())
                                          .header("Content-Type", "application/json")
                                          .header("Idempotency-Key", "once")
                                          .header("idempotency-key", "twice")
                                          .body(R"({"name":"new"})"));
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(refused.body.find("Idempotency-Key: "), std::string::npos) << refused.body;
  EXPECT_EQ(instance_.memory.head(), head);
}

// A provider's owner, who may everything.
class EveryChangeTest : public ::testing::Test {
 protected:
  http::Response send(std::string_view method, const std::string& target, const std::string& body,
                      const std::string& key) {
    return send_as(cookie_, method, target, body, key);
  }
  http::Response send_as(const std::string& cookie, std::string_view method, const std::string& target,
                         const std::string& body, const std::string& key) {
    return instance_.call(RequestBuilder(method, "/public/v1" + target)
                              .header("Cookie", "mintmark_session=" + cookie)
                              .header("X-CSRF-Token", csrf_token(*instance_.services, cookie))
                              .header("Content-Type", "application/json")
                              .header("Idempotency-Key", key)
                              .body(body));
  }

  // As it is answered again: a generated password is shown once.
  static json::object without_password(json::object body) {
    if (auto* password = body.if_contains("password")) *password = nullptr;
    auto* owner = body.if_contains("owner");
    if (owner && owner->as_object().contains("password")) owner->as_object()["password"] = nullptr;
    return body;
  }

  // Sends it twice, and expects that the second time does nothing and is answered as the first.
  json::object change(std::string_view method, const std::string& target, const std::string& body = "") {
    SCOPED_TRACE(fmt::format("{} {}", method, target));
    const auto key = fmt::format("key-{}", ++keys_);
    const auto before = instance_.memory.head();
    const auto first = send(method, target, body, key);
    EXPECT_LT(first.status, 300) << first.body;
    const auto head = instance_.memory.head();
    EXPECT_GT(head, before);
    const auto again = send(method, target, body, key);
    EXPECT_EQ(again.status, first.status) << again.body;
    EXPECT_EQ(instance_.memory.head(), head);
    EXPECT_EQ(header_of(again, "Mintmark-Position"), std::to_string(head));
    EXPECT_EQ(header_of(again, "ETag"), header_of(first, "ETag"));
    changed_.insert(match_route(method, "/public/v1" + target).route);
    if (first.body.empty()) {
      EXPECT_EQ(again.body, "");
      return {};
    }
    const auto parsed = json::parse(first.body);
    if (!parsed.is_object()) {
      EXPECT_EQ(again.body, first.body);
      return {};
    }
    EXPECT_EQ(json_of(again), without_password(parsed.as_object()));
    return parsed.as_object();
  }
  // The same of what ends the session that it comes with: the second time nobody is known any more.
  void change_and_leave(const std::string& cookie, std::string_view method, const std::string& target) {
    SCOPED_TRACE(fmt::format("{} {}", method, target));
    const auto key = fmt::format("key-{}", ++keys_);
    EXPECT_EQ(send_as(cookie, method, target, "", key).status, 204);
    const auto head = instance_.memory.head();
    EXPECT_EQ(send_as(cookie, method, target, "", key).status, 401);
    EXPECT_EQ(instance_.memory.head(), head);
    changed_.insert(match_route(method, "/public/v1" + target).route);
  }
  static std::string id_of(const json::object& object) { return std::string(object.at("id").as_string()); }

  void change_tokens() {
    const auto token = "/auth/tokens/" +
                       id_of(change("POST", "/auth/tokens", R"({"name":"t","extension":{"name":"custom"}})"));
    change("PUT", token, R"({"name":"new"})");
    for (const auto* action : {"/deactivate", "/activate", "/rotate", "/renew", "/reveal"}) {
      change("POST", token + action);
    }
    change("POST", token + "/permissions", R"({"object":{"id":"MD-0001"}})");
    change("DELETE", token + "/permissions", R"([{"object":{"id":"MD-0001"}}])");
    change("DELETE", token);
  }
  void change_webhooks_and_jobs() {
    const std::string webhooks = "/notifications/webhooks";
    const auto made = change("POST", webhooks,
                             R"({"object_class":"token","label":"w",)"
                             R"("external_url":"https://example.com/h"})");
    const auto webhook = webhooks + "/" + id_of(made);
    change("PUT", webhook, R"({"label":"new"})");
    change("POST", webhook + "/trigger");
    const auto job = "/jobs/" + id_of(change("POST", webhook + "/test"));
    change("POST", job + "/retry");
    change("POST", "/jobs/retry");
    change("POST", job + "/cancel");
    change("DELETE", webhook);
  }
  void change_people() {
    const auto account = "/accounts/" + account_.text();
    change("PUT", account, R"({"name":"new"})");
    change("POST", "/accounts", R"({"name":"a vendor"})");
    change("POST", "/accounts", R"({"name":"another","owner":{"email":"vic@example.com"}})");
    const auto made = change("POST", account + "/users", R"({"email":"bob@example.com","role":"member"})");
    const auto user = account + "/users/" + id_of(made);
    change("PUT", user, R"({"role":"auditor"})");
    change("POST", user + "/deactivate");
    change("POST", user + "/activate");
    change("POST", user + "/password");
    change("DELETE", user);
    const auto other = instance_.sign_in("ann@example.com", owner_.password);
    change("DELETE", "/auth/sessions/" + session_id(*instance_.services, other));
    const json::object passwords{{"current_password", owner_.password}, {"password", "a new password"}};
    change("POST", "/auth/password", json::serialize(passwords));
  }
  void leave() {
    change_and_leave(instance_.sign_in("ann@example.com", "a new password"), "POST", "/auth/logout");
    change_and_leave(cookie_, "DELETE", "/accounts/" + account_.text());
  }
  void change_extensions() {
    const auto made = change("POST", "/extensions", R"({"name":"ledger","description":"d"})");
    change("PUT", "/extensions/" + id_of(made), R"({"description":"new"})");
    change("DELETE", "/extensions/" + id_of(made));
  }

  ApiInstance instance_;
  const AccountId account_ = instance_.open_account("Provider", AccountType::kProvider);
  const AddedUser owner_ = instance_.add_user(account_, "ann@example.com");
  const std::string cookie_ = instance_.sign_in("ann@example.com", owner_.password);
  std::set<const Route*> changed_;
  int keys_ = 0;
};

TEST_F(EveryChangeTest, IsDoneOnceUnderItsKey) {
  change_tokens();
  change_webhooks_and_jobs();
  change_people();
  change_extensions();
  leave();
  for (const auto& route : routes()) {
    if (route.method == "GET" || route.access == Access::kPublic) continue;
    EXPECT_TRUE(changed_.contains(&route)) << route.method << ' ' << route.path;
  }
}

}  // namespace
}  // namespace mintmark::idempotency_test
