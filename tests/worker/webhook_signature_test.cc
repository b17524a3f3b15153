// The expected values were computed apart, with Python's hmac and base64.
#include "worker/webhook_signature.h"

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <jwt.h>

namespace mintmark::testing::webhook_signature_test {
namespace {

using Headers = std::map<std::string, std::string>;

const Time now = Time(std::chrono::microseconds(1'795'535'999'999'999));
constexpr std::string_view body = "{\"a\":\"\xC3\xA9\"}";

Headers headers_of(const WebhookSecrets& secrets) {
  const auto signed_headers = sign_webhook_call(secrets, "WH-123-456-789", "msg-1", now, body);
  return {signed_headers.begin(), signed_headers.end()};
}

WebhookSecrets only(std::string_view secret) {
  return {WebhookKey(secret)};
}

TEST(WebhookSignature, IsAJwtAndAStandardWebhook) {
  const std::string jwt =
      "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
      "eyJleHAiOjE3OTU1MzY1OTksImlzcyI6Im1pbnRtYXJrIiwianRpIjoibXNnLTEiLCJzdWIiOiJXSC0xMjMtNDU2LTc4OSJ9."
      "3ZT_Au4qRGoREeyCL8W092uPHUb3DP7ouIOFDw_jeAM";
  EXPECT_EQ(headers_of(only("a secret of its own")),
            (Headers{{"Authorization", "Bearer " + jwt},
                     {"Authentication", "Bearer " + jwt},
                     {"webhook-id", "msg-1"},
                     {"webhook-timestamp", "1795535999"},
                     {"webhook-signature", "v1,u1RcFS3ON/g9pL63eU7gMkJaH/+qzmVK+1HV6S7qlP0="}}));
}

TEST(WebhookSignature, HoldsForBothSecretsWhileOneReplacesTheOther) {
  WebhookSecrets both{WebhookKey("a secret of its own"), WebhookKey("the one before"),
                      now + std::chrono::microseconds(1)};
  const auto headers = headers_of(both);
  EXPECT_EQ(
      headers.at("webhook-signature"),
      "v1,u1RcFS3ON/g9pL63eU7gMkJaH/+qzmVK+1HV6S7qlP0= v1,Tqg1VicFyPuzuQnAJ2CGria5OziSHBxmucIQDUTep3Y=");
  EXPECT_EQ(headers.at("Authorization"), headers_of(only("a secret of its own")).at("Authorization"));
  both.previous_until = now;
  EXPECT_EQ(headers_of(both), headers_of(only("a secret of its own")));
}

// Whatever the lengths of what is signed, and so the padding that base64url leaves out.
TEST(WebhookSignature, IsAJwtToLibjwtToo) {
  const std::string secret = "a secret of its own";
  const auto sign = [&secret](const std::string& message, const std::string& key) {
    const auto headers = sign_webhook_call(only(key), "WH-123-456-789", message, now, body);
    const auto bearer = Headers(headers.begin(), headers.end()).at("Authorization");
    jwt_t* decoded = nullptr;
    const auto* const bytes = reinterpret_cast<const unsigned char*>(secret.data());
    const int failure = jwt_decode(&decoded, bearer.c_str() + 7, bytes, static_cast<int>(secret.size()));
    return std::pair(failure, std::unique_ptr<jwt_t, decltype(&jwt_free)>(decoded, &jwt_free));
  };
  for (const std::string message : {"msg-1", "msg-12", "msg-123", ""}) {
    const auto [failure, jwt] = sign(message, secret);
    ASSERT_EQ(failure, 0) << message;
    EXPECT_EQ(jwt_get_alg(jwt.get()), JWT_ALG_HS256);
    EXPECT_STREQ(jwt_get_grant(jwt.get(), "iss"), "mintmark");
    EXPECT_STREQ(jwt_get_grant(jwt.get(), "sub"), "WH-123-456-789");
    EXPECT_EQ(jwt_get_grant(jwt.get(), "jti"), message);
    EXPECT_EQ(jwt_get_grant_int(jwt.get(), "exp"), 1'795'536'599);
  }
  EXPECT_NE(sign("msg-1", "another").first, 0);
}

TEST(WebhookSignature, RefusesAnIdThatWouldChangeTheClaims) {
  for (const std::string id : {R"(a","sub":"b)", "a\\", "a\n", "\xC3\xA9"}) {
    EXPECT_THROW(sign_webhook_call(only("a"), "WH-1", id, now, body), std::logic_error) << id;
    EXPECT_THROW(sign_webhook_call(only("a"), id, "msg-1", now, body), std::logic_error) << id;
  }
}

// The specification's own example, whose secret in base64 is MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw.
TEST(WebhookSignature, AgreesWithTheSpecificationsExample) {
  const std::string secret(
      "\x31\xF2\x90\xF6\xBF\x06\x29\x8A\xAB\x4F\x08\xD4\x3C\x3F\x08\x2C\xF6\x48\xA3\x62\xDA\x2D\xA4"
      "\xB0",
      24);
  const auto headers = sign_webhook_call(only(secret), "WH-1", "msg_p5jXN8AQM9LWM0D4loKWxJek",
                                         Time(std::chrono::seconds(1'614'265'330)), "{\"test\": 2432232314}");
  EXPECT_EQ(Headers(headers.begin(), headers.end()).at("webhook-signature"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(WebhookSignature, ChangesWithEachOfItsParts) {
  const auto signature = [](const std::string& secret, const std::string& message, Time time,
                            const std::string& text) {
    const auto headers = sign_webhook_call(only(secret), "WH-1", message, time, text);
    return Headers(headers.begin(), headers.end()).at("webhook-signature");
  };
  const auto all = signature("a", "m", now, "b");
  EXPECT_EQ(signature("a", "m", now, "b"), all);
  EXPECT_NE(signature("A", "m", now, "b"), all);
  EXPECT_NE(signature("a", "M", now, "b"), all);
  EXPECT_NE(signature("a", "m", now + std::chrono::seconds(1), "b"), all);
  EXPECT_NE(signature("a", "m", now, "B"), all);
}

}  // namespace
}  // namespace mintmark::testing::webhook_signature_test
