#include "api/throttle.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/api_instance.h"

namespace mintmark::throttle_test {
namespace {

using namespace std::chrono_literals;
using http::RequestBuilder;
using ::testing::HasSubstr;
using namespace ::mintmark::testing;

class ThrottleTest : public ::testing::Test {
 protected:
  FakeClock clock_;
  SystemRandom random_;
};

TEST_F(ThrottleTest, ABurstIsTakenAndThenSoManyASecond) {
  RateLimiter limiter(clock_, random_, 10, 3);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(limiter.take("a"));
  EXPECT_EQ(limiter.take("a"), 1s);
  EXPECT_FALSE(limiter.take("b")) << "another's bucket is full";
  clock_.advance(100ms);
  EXPECT_FALSE(limiter.take("a"));
  EXPECT_TRUE(limiter.take("a"));
  clock_.advance(1h);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(limiter.take("a"));
  EXPECT_TRUE(limiter.take("a")) << "an hour of rest is no more than a bucket";
}

TEST_F(ThrottleTest, ARateOfNothingIsNoLimit) {
  RateLimiter limiter(clock_, random_, 0, 1);
  for (int i = 0; i < 10'000; ++i) ASSERT_FALSE(limiter.take("a"));
}

TEST_F(ThrottleTest, AClockThatIsSetBackKeepsNobodyWaitingForIt) {
  RateLimiter limiter(clock_, random_, 1, 2);
  EXPECT_FALSE(limiter.take("a"));
  clock_.advance(-24h);
  EXPECT_EQ(limiter.take("a"), 1s);
  clock_.advance(1s);
  EXPECT_FALSE(limiter.take("a"));
}

TEST_F(ThrottleTest, ManyNamesDoNotForgiveTheOneThatOwesMost) {
  RateLimiter limiter(clock_, random_, 1, 1000);
  while (!limiter.take("flood")) {
  }
  for (int i = 0; i < 100'000; ++i) limiter.take(std::to_string(i));
  EXPECT_TRUE(limiter.take("flood"));
}

TEST_F(ThrottleTest, GuessesOfAPasswordWaitLongerAndLonger) {
  SignInThrottle throttle(clock_, random_);
  for (std::uint32_t i = 0; i < SignInThrottle::pair_failures_free; ++i) {
    EXPECT_FALSE(throttle.begin("192.0.2.1", "ann@example.com")) << i;
  }
  std::vector<std::chrono::seconds> waits;
  for (int i = 0; i < 8; ++i) {
    const auto wait = throttle.begin("192.0.2.1", "ann@example.com");
    ASSERT_TRUE(wait);
    EXPECT_EQ(throttle.begin("192.0.2.1", "ann@example.com"), wait) << "asking early does not count";
    waits.push_back(*wait);
    clock_.advance(*wait);
    ASSERT_FALSE(throttle.begin("192.0.2.1", "ann@example.com"));
  }
  EXPECT_THAT(waits, ::testing::ElementsAre(1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s));
}

TEST_F(ThrottleTest, OthersBehindTheSameAddressSignInAsEver) {
  SignInThrottle throttle(clock_, random_);
  while (!throttle.begin("192.0.2.1", "ann@example.com")) {
  }
  EXPECT_FALSE(throttle.begin("192.0.2.1", "bob@example.com"));
  EXPECT_FALSE(throttle.begin("192.0.2.2", "ann@example.com")) << "nor from elsewhere, at first";
}

TEST_F(ThrottleTest, ManyAddressesGuessingOnePasswordWaitTogether) {
  SignInThrottle throttle(clock_, random_);
  EXPECT_FALSE(throttle.begin("198.51.100.1", "ann@example.com"));
  throttle.succeeded("198.51.100.1", "ann@example.com");
  for (std::uint32_t i = 0; i < SignInThrottle::email_failures_free; ++i) {
    EXPECT_FALSE(throttle.begin("192.0.2." + std::to_string(i), "ann@example.com")) << i;
  }
  EXPECT_TRUE(throttle.begin("203.0.113.1", "ann@example.com"));
  EXPECT_FALSE(throttle.begin("198.51.100.1", "ann@example.com"))
      << "where she has signed in before she still can";
}

TEST_F(ThrottleTest, WhoeverIsProvenWaitsForTheirOwnMistakesAlone) {
  SignInThrottle throttle(clock_, random_);
  for (int i = 0; i < 50; ++i) throttle.begin("192.0.2." + std::to_string(i), "ann@example.com");
  EXPECT_TRUE(throttle.begin("203.0.113.1", "ann@example.com"));
  const auto by_device = [&] {
    return throttle.begin("device 1", "ann@example.com", AttemptSource::kProven);
  };
  for (std::uint32_t i = 0; i < SignInThrottle::pair_failures_free; ++i) EXPECT_FALSE(by_device()) << i;
  EXPECT_EQ(by_device(), 1s);
  throttle.succeeded("device 1", "ann@example.com");
  EXPECT_FALSE(by_device());
}

TEST_F(ThrottleTest, ASuccessAndAnHourOfRestForgive) {
  SignInThrottle throttle(clock_, random_);
  for (std::uint32_t i = 1; i < SignInThrottle::pair_failures_free; ++i) throttle.begin("a", "e");
  throttle.succeeded("a", "e");
  for (std::uint32_t i = 0; i < SignInThrottle::pair_failures_free; ++i)
    EXPECT_FALSE(throttle.begin("a", "e"));
  EXPECT_TRUE(throttle.begin("a", "e"));
  clock_.advance(2h);
  for (std::uint32_t i = 0; i < SignInThrottle::pair_failures_free; ++i)
    EXPECT_FALSE(throttle.begin("a", "e"));
}

TEST_F(ThrottleTest, FailuresAreToldOnceAMinuteAndKind) {
  std::vector<std::string> lines;
  FailureSummary summary(clock_, [&](const std::string& line) { lines.push_back(line); });
  for (int i = 0; i < 1000; ++i) summary.note(AuthenticationFailure::kKey);
  summary.note(AuthenticationFailure::kPassword);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_THAT(lines[0], HasSubstr("1 authentication(s) with a wrong key"));
  EXPECT_THAT(lines[1], HasSubstr("wrong password"));
  clock_.advance(FailureSummary::interval);
  summary.note(AuthenticationFailure::kKey);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_THAT(lines[2], HasSubstr("1000 authentication(s) with a wrong key"));
}

TEST_F(ThrottleTest, FailuresAreToldAlsoAfterTheClockWasSetBack) {
  std::vector<std::string> lines;
  FailureSummary summary(clock_, [&](const std::string& line) { lines.push_back(line); });
  summary.note(AuthenticationFailure::kKey);
  clock_.advance(-1h);
  summary.note(AuthenticationFailure::kKey);
  EXPECT_EQ(lines.size(), 2U);
  summary.note(AuthenticationFailure::kKey);
  EXPECT_EQ(lines.size(), 2U);
}

// Through the API.
class ThrottledApiTest : public ::testing::Test {
 protected:
  http::Response get(const std::string& key, const std::string& address = "192.0.2.1") {
    const auto request = RequestBuilder("GET", "/public/v1/auth/tokens")
                             .header("Authorization", "ApiKey " + key)
                             .client_ip(address)
                             .build();
    return run(api_.answer(request, 0));
  }
  http::Response log_in(const std::string& email, const std::string& password,
                        const std::string& cookie = "") {
    const auto request = RequestBuilder("POST", "/public/v1/auth/login")
                             .header("Content-Type", "application/json")
                             .header("Cookie", cookie)
                             .body(R"({"email":")" + email + R"(","password":")" + password + "\"}")
                             .build();
    return run(api_.answer(request, 0));
  }
  // What a browser keeps of the answer, but for its session.
  static std::string device_of(const http::Response& answer) {
    for (const auto& [name, value] : answer.headers) {
      if (name == "Set-Cookie" && value.starts_with("mintmark_device="))
        return value.substr(0, value.find(';'));
    }
    return "";
  }
  http::Response change_password(const std::string& cookie, const std::string& current) {
    const auto request = RequestBuilder("POST", "/public/v1/auth/password")
                             .header("Content-Type", "application/json")
                             .header("Cookie", "mintmark_session=" + cookie)
                             .header("X-CSRF-Token", csrf_token(*instance_.services, cookie))
                             .body(R"({"current_password":")" + current + R"(","password":"a new password"})")
                             .build();
    return run(api_.answer(request, 0));
  }

  ApiInstance instance_;
  Api api_{*instance_.services, {.request_rate = 10, .request_burst = 50}};
  const AccountId account_ = instance_.open_account("Acme");
  const std::string key_ = instance_.create_token(account_).value.key->text();
  const std::string other_key_ = instance_.create_token(account_).value.key->text();
};

void expect_throttled(const http::Response& response) {
  EXPECT_EQ(response.status, 429) << response.body;
  EXPECT_EQ(json_of(response).at("error_code").as_string(), "THR_001");
  EXPECT_GE(std::stoi(header_of(response, "Retry-After")), 1);
  EXPECT_NE(header_of(response, "X-Request-Id"), "");
}

TEST_F(ThrottledApiTest, ATokenThatAsksTooMuchWaitsAndNobodyElseDoes) {
  for (int i = 0; i < 50; ++i) ASSERT_EQ(get(key_).status, 200) << i;
  expect_throttled(get(key_));
  EXPECT_EQ(get(other_key_).status, 200);
  instance_.clock.advance(1s);
  EXPECT_EQ(get(key_).status, 200);
}

TEST_F(ThrottledApiTest, ARightKeyIsTakenFromAnAddressThatSendsWrongOnes) {
  const auto wrong = key_.substr(0, key_.size() - 4) + "0000";
  int refused = 0;
  while (get(wrong).status == 401) ASSERT_LT(++refused, 1000);
  expect_throttled(get(wrong));
  EXPECT_EQ(get(key_).status, 200) << "the innocent behind the same address";
  EXPECT_EQ(get(wrong, "192.0.2.2").status, 401);
  instance_.clock.advance(5s);
  EXPECT_EQ(get(wrong).status, 401);
}

TEST_F(ThrottledApiTest, ASessionThatHasEndedIsToldSoFromAnAddressThatSendsWrongKeys) {
  const auto wrong = key_.substr(0, key_.size() - 4) + "0000";
  int refused = 0;
  while (get(wrong).status == 401) ASSERT_LT(++refused, 1000);
  const auto ended = RequestBuilder("GET", "/public/v1/auth/context")
                         .header("Cookie", "mintmark_session=" + std::string(40, '0'))
                         .client_ip("192.0.2.1")
                         .build();
  for (int i = 0; i < 100; ++i) ASSERT_EQ(run(api_.answer(ended, 0)).status, 401) << i;
}

TEST_F(ThrottledApiTest, GuessingOnePasswordLeavesTheOthersAtTheAddressAlone) {
  const auto ann = instance_.add_user(account_, "ann@example.com");
  const auto bob = instance_.add_user(account_, "bob@example.com");
  int refused = 0;
  while (log_in("ann@example.com", "a wrong password").status == 401) ASSERT_LT(++refused, 100);
  expect_throttled(log_in("Ann@Example.com", "a wrong password"));
  const auto head = instance_.memory.head();
  expect_throttled(log_in("ann@example.com", ann.password));
  EXPECT_EQ(instance_.memory.head(), head);
  EXPECT_EQ(log_in("bob@example.com", bob.password).status, 200);
  instance_.clock.advance(SignInThrottle::delay_max);
  EXPECT_EQ(log_in("ann@example.com", ann.password).status, 200);
}

TEST_F(ThrottledApiTest, ABrowserThatIsKnownSignsInWhateverOthersGuessFromItsAddress) {
  const auto ann = instance_.add_user(account_, "ann@example.com");
  const auto bob = instance_.add_user(account_, "bob@example.com");
  const auto first = log_in("ann@example.com", ann.password);
  const auto device = device_of(first);
  ASSERT_NE(device, "");
  EXPECT_THAT(device, ::testing::Not(HasSubstr("ann")));
  int refused = 0;
  while (log_in("ann@example.com", "a wrong password").status == 401) ASSERT_LT(++refused, 100);
  expect_throttled(log_in("ann@example.com", ann.password));
  const auto by_device = log_in("Ann@Example.com", ann.password, "x=y; " + device);
  EXPECT_EQ(by_device.status, 200) << by_device.body;
  EXPECT_EQ(device_of(by_device), device) << "it stays the same browser";

  while (log_in("bob@example.com", "a wrong password").status == 401) ASSERT_LT(++refused, 100);
  expect_throttled(log_in("bob@example.com", bob.password, device));
  auto forged = device;
  forged.back() = forged.back() == '0' ? '1' : '0';
  while (log_in("ann@example.com", "a wrong password").status == 401) ASSERT_LT(++refused, 100);
  expect_throttled(log_in("ann@example.com", ann.password, forged));
  EXPECT_EQ(log_in("ann@example.com", ann.password, device).status, 200);
}

TEST_F(ThrottledApiTest, AKnownBrowserIsNoWayToGuessOn) {
  const auto ann = instance_.add_user(account_, "ann@example.com");
  const auto device = device_of(log_in("ann@example.com", ann.password));
  int refused = 0;
  while (log_in("ann@example.com", "a wrong password", device).status == 401) ASSERT_LT(++refused, 100);
  EXPECT_EQ(refused, static_cast<int>(SignInThrottle::pair_failures_free));
  expect_throttled(log_in("ann@example.com", ann.password, device));
}

TEST_F(ThrottledApiTest, AFloodOfSignInsWithOneAddressKeepsNobodyElseOut) {
  const auto bob = instance_.add_user(account_, "bob@example.com");
  for (int i = 0; i < 100; ++i) log_in("ann@example.com", "a wrong password");
  expect_throttled(log_in("ann@example.com", "a wrong password"));
  EXPECT_EQ(log_in("bob@example.com", bob.password).status, 200);
}

TEST_F(ThrottledApiTest, AWrongCurrentPasswordWaitsInItsOwnSessionAlone) {
  const auto ann = instance_.add_user(account_, "ann@example.com");
  const auto stolen = instance_.sign_in("ann@example.com", ann.password);
  const auto own = instance_.sign_in("ann@example.com", ann.password);
  int refused = 0;
  while (change_password(stolen, "a wrong password").status == 400) ASSERT_LT(++refused, 100);
  EXPECT_EQ(refused, static_cast<int>(SignInThrottle::pair_failures_free));
  expect_throttled(change_password(stolen, ann.password));
  EXPECT_EQ(log_in("ann@example.com", ann.password).status, 200);
  EXPECT_EQ(change_password(own, ann.password).status, 204);
}

TEST(TrustedProxies, AreWhatPeopleAndFailuresAreToldApartBehind) {
  ApiInstance instance;
  Api api(*instance.services, {.request_rate = 0}, {AddressRange::parse("10.0.0.0/8").value()});
  const auto account = instance.open_account("Acme");
  const auto ann = instance.add_user(account, "ann@example.com");
  const auto log_in = [&](const std::string& from, const std::string& password) {
    const auto request = RequestBuilder("POST", "/public/v1/auth/login")
                             .header("Content-Type", "application/json")
                             .header("X-Forwarded-For", from)
                             .client_ip("10.0.0.1")
                             .body(R"({"email":"ann@example.com","password":")" + password + "\"}")
                             .build();
    return run(api.answer(request, 0));
  };
  int refused = 0;
  while (log_in("192.0.2.66", "a wrong password").status == 401) ASSERT_LT(++refused, 100);
  expect_throttled(log_in("192.0.2.66", ann.password));
  expect_throttled(log_in("198.51.100.1, 192.0.2.66", ann.password));
  const auto signed_in = log_in("192.0.2.7", ann.password);
  EXPECT_EQ(signed_in.status, 200) << "somebody else behind the same gateway";
  const auto sessions = instance.directory->sessions(ann.id);
  ASSERT_EQ(sessions.size(), 1U);
  EXPECT_EQ(sessions[0].client_ip(), "192.0.2.7");
  EXPECT_EQ(instance.memory.read(instance.memory.head() - 1, 1).front().recorded.client_ip(), "192.0.2.7");

  const auto wrong_key = [&](const std::string& from) {
    const auto request = RequestBuilder("GET", "/public/v1/auth/tokens")
                             .header("Authorization", "ApiKey SU-000-000-001:" + std::string(40, '0'))
                             .header("X-Forwarded-For", from)
                             .client_ip("10.0.0.1")
                             .build();
    return run(api.answer(request, 0)).status;
  };
  while (wrong_key("192.0.2.66") == 401) ASSERT_LT(++refused, 100);
  EXPECT_EQ(wrong_key("192.0.2.7"), 401);
}

}  // namespace
}  // namespace mintmark::throttle_test
