// When a token was used last: remembered by the running server, recorded in the log, shown by both.
#include <string>

#include <gmock/gmock.h>

#include "tests/system/fixture.h"

namespace mintmark::testing::last_used_test {
namespace {

namespace json = boost::json;

class LastUsed : public ::testing::Test {
 protected:
  RestClient owner(const ServerProcess& server) const {
    RestClient client(server.port());
    client.log_in(folder_.email(), folder_.password());
    return client;
  }
  std::size_t recorded() const {
    std::size_t uses = 0;
    for (const auto& event : replay(folder_)) {
      if (text(event, "type") == "TokensUsed") uses += event.at("data").at("uses").as_array().size();
    }
    return uses;
  }

  const InitialisedFolder folder_;
};

TEST_F(LastUsed, AStopKeepsWhatWasRemembered) {
  ServerProcess server(folder_.path());
  auto client = owner(server);
  const auto used = create_token(client, "Used");
  const auto unused = create_token(client, "Unused");
  EXPECT_TRUE(used.at("last_used_at").is_null());
  const auto etag = client.get(path_of(used)).header("ETag");

  ASSERT_EQ(authorize(server.port(), text(used, "token")), 204);
  const auto remembered = client.get(path_of(used));
  const auto at = text(remembered.object(), "last_used_at");
  EXPECT_GE(at, text(used.at("events").at("created").as_object(), "at"));
  EXPECT_EQ(remembered.header("ETag"), etag);
  EXPECT_EQ(recorded(), 0U) << "the interval is not over";

  EXPECT_EQ(server.stop().exit_code, 0);
  EXPECT_EQ(recorded(), 1U);
  EXPECT_EQ(text(folder_.run_json({"token", "show", text(used, "id")}), "last_used_at"), at);
  ServerProcess again(folder_.path());
  auto later = owner(again);
  EXPECT_EQ(text(later.get(path_of(used)).object(), "last_used_at"), at);
  EXPECT_TRUE(later.get(path_of(unused)).object().at("last_used_at").is_null());
  EXPECT_EQ(later.get(path_of(used)).header("ETag"), etag);
  EXPECT_EQ(later.get("/auth/tokens?null(last_used_at)").array().size(), 1U);
  EXPECT_EQ(again.stop().exit_code, 0);
  EXPECT_EQ(recorded(), 1U) << "nothing was used";
}

TEST_F(LastUsed, AnIntervalIsRecordedWhileTheServerRunsAndSurvivesItsDeath) {
  ServerProcess server(folder_.path(), {"--usage-interval", "1"});
  auto client = owner(server);
  const auto used = create_token(client, "Used");
  const auto deleted = create_token(client, "Deleted");
  ASSERT_EQ(authorize(server.port(), text(used, "token")), 204);
  ASSERT_EQ(authorize(server.port(), text(deleted, "token")), 204);
  ASSERT_EQ(client.remove(path_of(deleted)).status, 204);
  expect_eventually([&] { return client.get("/auth/tokens?ne(last_used_at,null())").array().size() == 1; });
  const auto at = text(client.get(path_of(used)).object(), "last_used_at");
  server.kill();
  ServerProcess again(folder_.path());
  EXPECT_EQ(text(owner(again).get(path_of(used)).object(), "last_used_at"), at);
}

TEST_F(LastUsed, NothingIsRecordedWhereTheOperatorWantsNothing) {
  ServerProcess server(folder_.path(), {"--usage-interval", "0"});
  auto client = owner(server);
  const auto used = create_token(client, "Used");
  ASSERT_EQ(authorize(server.port(), text(used, "token")), 204);
  EXPECT_FALSE(client.get(path_of(used)).object().at("last_used_at").is_null());
  EXPECT_EQ(server.stop().exit_code, 0);
  EXPECT_EQ(recorded(), 0U);
}

}  // namespace
}  // namespace mintmark::testing::last_used_test
