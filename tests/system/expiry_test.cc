// Dates that pass by themselves, also while nothing runs.
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>

#include "domain/time.h"
#include "tests/system/fixture.h"

namespace mintmark::testing::expiry_test {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using ::testing::ElementsAre;

class Expiry : public ::testing::Test {
 protected:
  RestClient owner(const ServerProcess& server) const {
    RestClient client(server.port());
    client.log_in(folder_.email(), folder_.password());
    return client;
  }
  static json::object create(RestClient& client, const std::string& until) {
    json::object body{{"name", "x"}, {"extension", {{"name", "custom"}}}};
    if (!until.empty()) body["expiration_date"] = until;
    const auto answer = client.post("/auth/tokens", json::serialize(body));
    EXPECT_EQ(answer.status, 201) << answer.body;
    return answer.object();
  }
  static std::string in(std::chrono::seconds time) {
    return format_time(std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now()) +
                       time);
  }
  static json::object renew(RestClient& client, const json::object& token, const std::string& body) {
    const auto answer = client.post(path_of(token) + "/renew", body);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.object();
  }
  // What the log says of a token, in its order, but for its creation, and that its date is near: that may be
  // said before the next thing or not.
  static std::vector<std::string> history(const std::vector<json::object>& log, const json::object& token) {
    std::vector<std::string> types;
    for (const auto& event : log) {
      const auto type = text(event, "type");
      const bool is_told = type != "TokenCreated" && type != "TokenExpiring";
      if (is_told && text(event, "stream") == "token-" + text(token, "id")) types.push_back(type);
    }
    return types;
  }
  std::string status_of(const json::object& token) const {
    return text(folder_.run_json({"token", "show", text(token, "id")}), "status");
  }

  const InitialisedFolder folder_;
};

TEST_F(Expiry, OfADateThatPassedWhileTheServerWasStoppedIsTrueAtOnceAndRecordedWhenItStarts) {
  auto server = std::make_unique<ServerProcess>(folder_.path());
  auto client = owner(*server);
  const auto until = in(4s);
  const auto ends = create(client, until);
  const auto swaps = renew(client, create(client, until), R"({"expiration_date":"2099-01-01"})");
  const auto stays = renew(client, create(client, ""), "");
  const auto key = text(ends, "token");
  const auto old_key = text(swaps, "token");
  const auto new_key = text(swaps, "renewed_token");
  for (const auto& good : {key, old_key, new_key}) EXPECT_EQ(authorize(server->port(), good), 204);
  ASSERT_EQ(server->stop().exit_code, 0);

  expect_eventually([&] { return status_of(ends) == "expired"; });
  auto log = replay(folder_);
  EXPECT_THAT(history(log, ends), ElementsAre()) << "nobody was there to record it";
  EXPECT_THAT(history(log, swaps), ElementsAre("TokenRenewed"));

  for (int start = 1; start <= 2; ++start) {
    SCOPED_TRACE(start);
    server = std::make_unique<ServerProcess>(folder_.path());
    EXPECT_EQ(authorize(server->port(), key), 403);
    EXPECT_EQ(authorize(server->port(), new_key), 204);
    EXPECT_NE(authorize(server->port(), old_key), 204);
    for (const auto* both : {"token", "renewed_token"}) {
      EXPECT_EQ(authorize(server->port(), text(stays, both)), 204) << both;
    }
    // The old value is nobody's once the swap is recorded.
    expect_eventually([&] { return authorize(server->port(), old_key) == 401; });
    client = owner(*server);
    expect_eventually([&] {
      return client.get("/events?type=TokenExpired&object.id=" + text(ends, "id")).array().size() == 1;
    });
    EXPECT_EQ(text(client.get(path_of(ends)).object(), "status"), "expired");
    EXPECT_EQ(text(client.get(path_of(swaps)).object(), "status"), "active");
    EXPECT_EQ(text(client.get(path_of(stays)).object(), "status"), "revitalised");
    EXPECT_EQ(authorize(server->port(), key), 403);
    EXPECT_EQ(authorize(server->port(), new_key), 204);
    ASSERT_EQ(server->stop().exit_code, 0);
    log = replay(folder_);
    EXPECT_THAT(history(log, ends), ElementsAre("TokenExpired"));
    EXPECT_THAT(history(log, swaps), ElementsAre("TokenRenewed", "TokenRenewalCompleted"));
    EXPECT_THAT(history(log, stays), ElementsAre("TokenRenewed"));
  }
}

}  // namespace
}  // namespace mintmark::testing::expiry_test
