// Events that this version cannot take in, in the log of the real program.
#include <chrono>
#include <map>

#include <gmock/gmock.h>

#include "tests/support/process.h"
#include "tests/system/fixture.h"

namespace mintmark::testing::poison_test {
namespace {

using ::testing::HasSubstr;

class Poison : public ::testing::Test {
 protected:
  RestClient owner(const ServerProcess& server) const {
    RestClient client(server.port());
    client.log_in(folder_.email(), folder_.password());
    return client;
  }
  std::uint64_t append_poison(const std::string& token) const {
    Process process({.command = {APPEND_POISON, folder_.file("log"), token}});
    const auto finished = process.wait(std::chrono::seconds(30));
    if (finished.exit_code != 0) throw std::runtime_error(finished.err);
    return std::stoull(finished.out);
  }
  // "projection stream" → since which position.
  static std::map<std::string, std::uint64_t> parked(const boost::json::object& health) {
    std::map<std::string, std::uint64_t> all;
    for (const auto& entry : health.at("parked").as_array()) {
      const auto& object = entry.as_object();
      all[text(object, "projection") + " " + text(object, "stream")] =
          object.at("since_position").to_number<std::uint64_t>();
    }
    return all;
  }

  const InitialisedFolder folder_;
};

TEST_F(Poison, ParksItsStreamsWhileTheOthersFlowAndStaysToldUntilItCanBeTakenIn) {
  std::string poisoned_id;
  std::string poisoned;
  std::string other_id;
  std::string other;
  {
    ServerProcess server(folder_.path());
    auto client = owner(server);
    const auto first = create_token(client, "Poisoned");
    const auto second = create_token(client, "Other");
    poisoned_id = text(first, "id");
    poisoned = text(first, "token");
    other_id = text(second, "id");
    other = text(second, "token");
    EXPECT_EQ(text(client.get("//healthz").object(), "status"), "ok");
    EXPECT_EQ(server.stop().exit_code, 0);
  }
  const auto since = append_poison(poisoned_id);
  const std::map<std::string, std::uint64_t> expected{
      {"authorization_index token-" + poisoned_id, since},
      {"audit_index webhook-WH-000-000-007", since + 1},
      {"webhook_list webhook-WH-000-000-007", since + 1},
      {"jobs webhook-WH-000-000-007", since + 1},
  };
  {
    ServerProcess server(folder_.path());
    auto client = owner(server);
    const auto health = client.get("//healthz");
    EXPECT_EQ(health.status, 200);
    EXPECT_EQ(text(health.object(), "status"), "degraded");
    EXPECT_EQ(parked(health.object()), expected);
    EXPECT_THAT(server.log(), HasSubstr("stream token-" + poisoned_id + " is parked"));
    EXPECT_EQ(authorize(server.port(), poisoned), 403);
    EXPECT_EQ(authorize(server.port(), other), 204);
    EXPECT_EQ(client.remove(path_of(other_id)).status, 204);
    EXPECT_EQ(authorize(server.port(), other), 401);
    EXPECT_EQ(authorize(server.port(), text(create_token(client, "New"), "token")), 204);
    EXPECT_EQ(server.stop().exit_code, 0);
  }
  // A rebuild by the same program parks the same again; the jobs are planned anew at the next start.
  const auto rebuilt = folder_.run({"rebuild", "--all"});
  EXPECT_EQ(rebuilt.exit_code, 3) << rebuilt.err;
  EXPECT_THAT(rebuilt.out, HasSubstr("planned again at the next start"));
  ServerProcess server(folder_.path());
  auto client = owner(server);
  EXPECT_EQ(parked(client.get("//healthz").object()), expected);
  EXPECT_EQ(client.remove(path_of(poisoned_id)).status, 204);
  EXPECT_EQ(authorize(server.port(), poisoned), 401);
  EXPECT_EQ(server.stop().exit_code, 0);
}

}  // namespace
}  // namespace mintmark::testing::poison_test
