// One Idempotency-Key is one outcome, however often and in whatever company its request arrives.
#include <barrier>
#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "domain/limits.h"
#include "tests/support/long_form.h"
#include "tests/system/fixture.h"

namespace mintmark::testing::idempotency_test {
namespace {

constexpr std::string_view creation = R"({"name":"Once","extension":{"id":"EXT-000"}})";

class Idempotency : public ServerTest {
 protected:
  static Headers key(const std::string& value) { return {{"Idempotency-Key", value}}; }
};

TEST_F(Idempotency, TheSameRequestGetsTheSameAnswerAndOneEvent) {
  auto client = owner();
  const auto before = server().position();
  const auto first = client.post("/auth/tokens", creation, key("once"));
  ASSERT_EQ(first.status, 201);
  for (int i = 0; i < 3; ++i) {
    const auto again = client.post("/auth/tokens", creation, key("once"));
    EXPECT_EQ(again.status, 201);
    EXPECT_EQ(again.object(), first.object()) << "with the token's value";
    EXPECT_EQ(again.header("Mintmark-Position"), first.header("Mintmark-Position"));
  }
  EXPECT_EQ(server().position(), before + 1);
}

TEST_F(Idempotency, AnotherRequestUnderTheKeyIsAConflict) {
  auto client = owner();
  const auto token = client.post("/auth/tokens", creation, key("taken")).object();
  const auto before = server().position();
  const auto* other = R"({"name":"Other","extension":{"id":"EXT-000"}})";
  expect_error(client.post("/auth/tokens", other, key("taken")), 409, "CNF_001");
  expect_error(client.send("PUT", path_of(token), R"({"name":"Other"})", key("taken")), 409, "CNF_001");
  expect_error(client.send("DELETE", path_of(token), "", key("taken")), 409, "CNF_001");
  expect_error(client.post(path_of(token) + "/reveal", "", key("taken")), 409, "CNF_001");
  EXPECT_EQ(server().position(), before);
  EXPECT_EQ(client.get(path_of(token)).status, 200);
}

TEST_F(Idempotency, ARefusedRequestLeavesTheKeyFree) {
  auto client = owner();
  expect_error(client.post("/auth/tokens", R"({"name":""})", key("refused")), 400, "VAL_001");
  EXPECT_EQ(client.post("/auth/tokens", creation, key("refused")).status, 201);
}

TEST_F(Idempotency, ARepeatedDeletionIsAnsweredAsTheFirst) {
  auto client = owner();
  const auto token = create_token(client, "Deleted once");
  const auto first = client.send("DELETE", path_of(token), "", key("deletion"));
  const auto again = client.send("DELETE", path_of(token), "", key("deletion"));
  EXPECT_EQ(first.status, 204);
  EXPECT_EQ(again.status, 204);
  EXPECT_EQ(again.header("Mintmark-Position"), first.header("Mintmark-Position"));
  expect_error(client.send("DELETE", path_of(token), "", key("another deletion")), 400, "VAL_001");
  expect_error(client.send("DELETE", path_of(token), "", key("another-deletion")), 404, "NFND_000");
}

TEST_F(Idempotency, ARepeatedUpdateIsOneEvent) {
  auto client = owner();
  const auto token = create_token(client, "Before");
  const auto before = server().position();
  const auto first = client.send("PUT", path_of(token), R"({"name":"After"})", key("update"));
  const auto again = client.send("PUT", path_of(token), R"({"name":"After"})", key("update"));
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(server().position(), before + 1);
}

TEST_F(Idempotency, OutlivesARestart) {
  const InitialisedFolder own;
  std::string answered;
  const auto create = [&](const ServerProcess& server) {
    RestClient client(server.port());
    client.log_in(own.email(), own.password());
    return client.post("/auth/tokens", creation, key("lasting")).body;
  };
  {
    ServerProcess first(own.path());
    answered = create(first);
    first.kill();
  }
  ServerProcess second(own.path());
  EXPECT_EQ(create(second), answered);
}

TEST_F(Idempotency, KeysThatAreNoneAreRefused) {
  auto client = owner();
  const auto before = server().position();
  for (const std::string& bad : {std::string("with space"), std::string("\xC3\xA9"), std::string("tab\there"),
                                 std::string(limits::idempotency_key_bytes_max + 1, 'x')}) {
    SCOPED_TRACE(bad);
    expect_error(client.post("/auth/tokens", creation, key(bad)), 400, "VAL_001");
  }
  RawClient raw(server().port());
  auto request = client.text_of("POST", "/auth/tokens", creation, key("x"));
  request.replace(request.find("Idempotency-Key: x"), 18, "Idempotency-Key: ");
  const RestResponse empty{raw.exchange(request)};
  expect_error(empty, 400, "VAL_001");
  EXPECT_EQ(server().position(), before);
  const std::string longest(limits::idempotency_key_bytes_max, 'x');
  EXPECT_EQ(client.post("/auth/tokens", creation, key(longest)).status, 201);
}

TEST_F(Idempotency, ManyAtOnceUnderOneKeyMakeOneToken) {
  constexpr int senders = 16;
  auto client = owner();
  const auto credentials = client.credentials();
  const auto before = server().position();
  std::barrier start(senders);
  std::mutex mutex;
  std::set<std::string> values;
  std::vector<int> statuses;
  std::vector<std::thread> threads;
  threads.reserve(senders);
  for (int i = 0; i < senders; ++i) {
    threads.emplace_back([&] {
      auto sender = anyone();
      sender.credentials() = credentials;
      sender.get("//healthz");  // connected
      start.arrive_and_wait();
      const auto answer = sender.post("/auth/tokens", creation, key("crowd"));
      const std::lock_guard lock(mutex);
      statuses.push_back(answer.status);
      if (answer.status == 201) values.insert(text(answer.object(), "token"));
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(statuses, ::testing::Each(201));
  EXPECT_EQ(values.size(), 1U);
  EXPECT_EQ(server().position(), before + 1);
}

// So many connections with as many requests each behind one another, all sent before any answer is read.
// DUPLICATES=n sends so many.
TEST_F(Idempotency, TenThousandDuplicatesAtOnceAreOneEventAndOneAnswer) {
  constexpr std::size_t connections = 500;
  const auto count = number_from_environment("DUPLICATES", 10'000);
  const InitialisedFolder own;
  const ServerProcess server(own.path(), {"--request-rate", "0"});
  RestClient client(server.port());
  client.log_in(own.email(), own.password());
  const auto before = server.position();
  const auto request = client.text_of("POST", "/auth/tokens", creation, key("ten-thousand"));
  std::deque<RawClient> senders;
  for (std::size_t i = 0; i < connections; ++i) senders.emplace_back(server.port());
  const auto requests_of = [&](std::size_t i) { return (count + i) / connections; };
  for (std::size_t i = 0; i < connections; ++i) {
    std::string all;
    for (std::size_t j = 0; j < requests_of(i); ++j) all += request;
    senders[i].send(all);
  }
  std::map<std::string, std::size_t> answers;
  for (std::size_t i = 0; i < connections; ++i) {
    for (std::size_t j = 0; j < requests_of(i); ++j) {
      const auto answer = senders[i].read_response();
      ++answers[fmt::format("{} {} {}", answer.status, answer.header("Mintmark-Position").value_or("none"),
                            answer.body)];
    }
  }
  EXPECT_EQ(server.position(), before + 1);
  ASSERT_EQ(answers.size(), 1);
  EXPECT_EQ(answers.begin()->second, count);
  EXPECT_THAT(answers.begin()->first, ::testing::StartsWith(fmt::format("201 {} ", before + 1)));
}

}  // namespace
}  // namespace mintmark::testing::idempotency_test
