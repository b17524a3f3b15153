#include <future>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/detached.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/limits.h"
#include "tests/support/api_instance.h"

// Whoever sends sign-ins as fast as they can delays sign-ins alone.
namespace mintmark::sign_in_flood_test {
namespace {

using http::RequestBuilder;
using ::testing::IsEmpty;
using namespace ::mintmark::testing;

class SignInFloodTest : public ::testing::Test {
 protected:
  // Keeps a thread of the hashing pool until release().
  void hold() {
    auto wait = [released = released_] {
      released.wait();
      return Result<int>(0);
    };
    const auto held = [](BlockingPool& hashing, decltype(wait) job) -> awaitable<void> {
      [[maybe_unused]] const auto done = co_await hashing.run(std::move(job));
    };
    boost::asio::co_spawn(context_, held(instance_.hashing, std::move(wait)), boost::asio::detached);
    context_.poll();
  }
  // Lets all that waits come to its end.
  void release() {
    if (!std::exchange(is_released_, true)) release_.set_value();
    context_.restart();
    context_.run();
  }
  void TearDown() override { release(); }

  static RequestBuilder sign_in(const std::string& email, const std::string& password) {
    return RequestBuilder("POST", "/public/v1/auth/login")
        .header("Content-Type", "application/json")
        .body(fmt::format(R"({{"email":"{}","password":"{}"}})", email, password));
  }
  // Begins it; its answer comes into `answers_`, at once where it is refused.
  void begin(const RequestBuilder& request) {
    const auto ask = [](Api& api, http::Request asked) -> awaitable<http::Response> {
      co_return co_await api.answer(asked, 0);
    };
    boost::asio::co_spawn(context_, ask(*instance_.api, request.build()),
                          [this](const std::exception_ptr& thrown, http::Response response) {
                            ASSERT_FALSE(thrown);
                            answers_.push_back(std::move(response));
                          });
    context_.poll();
  }
  // As somebody whom nobody knows, with an address that nobody has.
  void guess(const std::string& from) {
    begin(sign_in(fmt::format("guess-{}@example.com", ++guesses_), "a password").client_ip(from));
  }
  http::Response call(const std::string& key, std::string_view method, const std::string& target,
                      const std::string& body = "") {
    return instance_.call(RequestBuilder(method, target)
                              .header("Authorization", "ApiKey " + key)
                              .header("Content-Type", "application/json")
                              .body(body));
  }
  void expect_refused(std::size_t count) {
    ASSERT_EQ(answers_.size(), count);
    EXPECT_EQ(answers_.back().status, 429) << answers_.back().body;
    EXPECT_EQ(header_of(answers_.back(), "Retry-After"), "1");
  }

  std::promise<void> release_;
  bool is_released_ = false;
  const std::shared_future<void> released_{release_.get_future()};
  ApiInstance instance_;
  boost::asio::io_context context_;
  std::vector<http::Response> answers_;
  int guesses_ = 0;
  const AccountId account_ = instance_.open_account("Acme");
  const std::string key_ = instance_.create_token(account_).value.key->text();
  const std::string leaked_ = instance_.create_token(account_).value.key->text();
};

TEST_F(SignInFloodTest, KeepsNothingElseWaitingAndNoKnownBrowserOut) {
  const auto ann = instance_.add_user(account_, "ann@example.com");
  const auto known = instance_.call(sign_in("ann@example.com", ann.password));
  std::string cookies;
  for (const auto& [name, value] : known.headers) {
    if (name == "Set-Cookie") cookies += value.substr(0, value.find(';')) + "; ";
  }
  hold();
  for (std::size_t i = 0; i < limits::sign_ins_per_address_at_once_max; ++i) guess("192.0.2.1");
  ASSERT_THAT(answers_, IsEmpty());
  guess("192.0.2.1");
  expect_refused(1);
  for (auto i = limits::sign_ins_per_address_at_once_max; i < limits::sign_ins_at_once_max; ++i) {
    guess(fmt::format("192.0.2.{}", 10 + i));
  }
  ASSERT_EQ(answers_.size(), 1U);
  guess("192.0.2.99");
  expect_refused(2);
  begin(sign_in("ann@example.com", ann.password).header("Cookie", cookies).client_ip("192.0.2.1"));
  ASSERT_EQ(answers_.size(), 2U) << "it has a place, and waits for its turn";

  EXPECT_EQ(instance_.call(RequestBuilder("GET", "/healthz")).status, 200);
  EXPECT_EQ(instance_.call(RequestBuilder("GET", "/public/v1/auth/context").header("Cookie", cookies)).status,
            200);
  const auto leaked = "/public/v1/auth/tokens/" + leaked_.substr(0, leaked_.find(':'));
  EXPECT_EQ(call(key_, "DELETE", leaked).status, 204);
  EXPECT_EQ(call(leaked_, "GET", leaked).status, 401);
  ASSERT_EQ(answers_.size(), 2U);

  release();
  ASSERT_EQ(answers_.size(), limits::sign_ins_at_once_max + 3);
  EXPECT_EQ(answers_.back().status, 200) << answers_.back().body;
  answers_.clear();
  guess("192.0.2.1");
  release();
  ASSERT_EQ(answers_.size(), 1U);
  EXPECT_EQ(answers_.back().status, 401) << "whose turn is over has left its place";
}

TEST_F(SignInFloodTest, APasswordThatFindsNoRoomIsToldInWordsAndChangesNothing) {
  for (std::size_t i = 0; i < limits::hashing_queue_max; ++i) hold();
  const auto head = instance_.memory.head();
  const auto refused = call(key_, "POST", "/public/v1/accounts/" + account_.text() + "/users",
                            R"({"email":"bob@example.com","role":"member"})");
  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_EQ(json_of(refused).at("error_code").as_string(), "SRV_001");
  EXPECT_EQ(header_of(refused, "Retry-After"), "1");
  EXPECT_EQ(instance_.memory.head(), head);
}

}  // namespace
}  // namespace mintmark::sign_in_flood_test
