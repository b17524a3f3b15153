// Many at once: idle connections, clients that vanish, writers that race.
#include <barrier>
#include <mutex>
#include <set>
#include <thread>

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "tests/system/fixture.h"

namespace mintmark::testing::limits_test {
namespace {

class Limits : public ServerTest {};

TEST_F(Limits, IdleConnectionsStandInNobodysWay) {
  constexpr int idle_connections = 400;
  auto client = owner();
  std::vector<std::unique_ptr<RawClient>> idle;
  idle.reserve(idle_connections);
  for (int i = 0; i < idle_connections; ++i) idle.push_back(std::make_unique<RawClient>(server().port()));
  EXPECT_EQ(client.get("/auth/tokens").status, 200);
  EXPECT_EQ(client.remove(path_of(create_token(client, "Through the crowd"))).status, 204);
  for (auto& connection : idle) {
    EXPECT_EQ(connection->exchange("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").status, 200);
  }
}

TEST_F(Limits, ClientsThatVanishLeaveTheServerWell) {
  auto client = owner();
  const auto list = client.text_of("GET", "/auth/tokens", "", {});
  for (int i = 0; i < 100; ++i) {
    RawClient vanishing(server().port());
    vanishing.send(i % 2 == 0 ? list : list.substr(0, list.size() / 2));
    vanishing.reset();
  }
  EXPECT_EQ(client.get("/auth/tokens").status, 200);
  EXPECT_EQ(client.get("//healthz").object().at("status"), boost::json::value("ok"));
}

TEST_F(Limits, AWriterThatVanishesLeavesAllOrNothing) {
  auto client = owner();
  constexpr int writers = 50;
  for (int i = 0; i < writers; ++i) {
    RawClient vanishing(server().port());
    const boost::json::object body{{"name", "vanished " + std::to_string(i)},
                                   {"extension", {{"name", "custom"}}}};
    vanishing.send(client.text_of("POST", "/auth/tokens", boost::json::serialize(body), {}));
    vanishing.reset();
  }
  for (const auto& token : client.get("/auth/tokens?limit=1000").array()) {
    const auto revealed = client.post(path_of(token.as_object()) + "/reveal", "");
    ASSERT_EQ(revealed.status, 200);
    EXPECT_EQ(authorize(server().port(), text(revealed.object(), "token")), 204);
  }
}

TEST_F(Limits, SixtyFourCreatorsAtOnceGetTheirOwnTokens) {
  constexpr int creators = 64;
  const auto credentials = owner().credentials();
  const auto before = server().position();
  std::barrier start(creators);
  std::mutex mutex;
  std::set<std::string> ids;
  std::set<std::string> keys;
  std::set<std::string> positions;
  std::vector<std::thread> threads;
  threads.reserve(creators);
  for (int i = 0; i < creators; ++i) {
    threads.emplace_back([&, i] {
      auto client = anyone();
      client.credentials() = credentials;
      client.get("//healthz");  // connected
      start.arrive_and_wait();
      const auto answer =
          client.post("/auth/tokens", R"({"name":"One of many","extension":{"id":"EXT-000"}})",
                      {{"Idempotency-Key", "creator-" + std::to_string(i)}});
      const std::lock_guard lock(mutex);
      if (answer.status != 201) return;
      ids.insert(text(answer.object(), "id"));
      keys.insert(text(answer.object(), "token"));
      positions.insert(answer.header("Mintmark-Position").value_or(""));
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(ids.size(), creators);
  EXPECT_EQ(positions.size(), creators);
  EXPECT_EQ(server().position(), before + creators);
  for (const auto& key : keys) EXPECT_EQ(authorize(server().port(), key), 204);
}

TEST_F(Limits, RacingDeletersOfOneTokenHaveOneWinner) {
  constexpr int deleters = 16;
  auto client = owner();
  const auto token = create_token(client, "Contested");
  const auto credentials = client.credentials();
  const auto before = server().position();
  std::barrier start(deleters);
  std::mutex mutex;
  std::multiset<int> statuses;
  std::vector<std::thread> threads;
  threads.reserve(deleters);
  for (int i = 0; i < deleters; ++i) {
    threads.emplace_back([&] {
      auto deleter = anyone();
      deleter.credentials() = credentials;
      deleter.get("//healthz");
      start.arrive_and_wait();
      const auto status = deleter.remove(path_of(token)).status;
      const std::lock_guard lock(mutex);
      statuses.insert(status);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(statuses.count(204), 1U);
  EXPECT_EQ(statuses.count(404), deleters - 1U);
  EXPECT_EQ(server().position(), before + 1);
}

TEST(RequestRate, IsAsItWasSetAndNeverOnAuthorize) {
  const InitialisedFolder folder;
  const auto created = folder.run_json({"token", "create", "--account", folder.account(), "--name", "x"});
  ServerProcess server(folder.path(), {"--request-rate", "1", "--request-burst", "2"});
  auto client = RestClient(server.port());
  client.use_key(text(created, "key"));
  std::vector<int> statuses;
  std::string retry_after;
  for (int i = 0; i < 20; ++i) {
    const auto answer = client.get("/auth/tokens");
    statuses.push_back(answer.status);
    if (answer.status == 429) retry_after = answer.header("Retry-After").value_or("");
  }
  EXPECT_EQ(statuses.front(), 200);
  EXPECT_THAT(statuses, ::testing::Contains(429));
  EXPECT_EQ(retry_after, "1");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(authorize(server.port(), text(created, "key")), 204);
  EXPECT_EQ(server.stop().exit_code, 0);
}

}  // namespace
}  // namespace mintmark::testing::limits_test
