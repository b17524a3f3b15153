// A disk that is full: a small file system of its own, in memory, that a file of ballast fills.
#include <memory>

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>

#include "tests/support/small_disk.h"
#include "tests/system/fixture.h"

namespace mintmark::testing::full_disk_test {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t mebibyte = 1024UL * 1024;

class FullDisk : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!disk_.mounted()) GTEST_SKIP() << "SKIPPED: only root can mount the small disk that this test fills";
    const auto made = run_mintmark({"init", "--data", data(), "--email", "owner@example.com", "--json"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
    const auto object = boost::json::parse(made.out).as_object();
    password_ = text(object, "password");
    server_ = std::make_unique<ServerProcess>(data());
  }
  RestClient owner() const {
    RestClient client(server_->port());
    client.log_in("owner@example.com", password_);
    return client;
  }
  static int create(RestClient& client, const std::string& name) {
    return client.post("/auth/tokens", R"({"name":")" + name + R"(","extension":{"name":"custom"}})").status;
  }

  std::string data() const { return (disk_.path() / "data").string(); }

  SmallDisk disk_{768 * mebibyte};
  std::string password_;
  std::unique_ptr<ServerProcess> server_;
};

TEST_F(FullDisk, RefusesNewWorkTakesDeletionsAndRecoversByItself) {
  auto client = owner();
  const auto doomed = create_token(client, "Doomed");
  const auto leaked = create_token(client, "Leaked");
  const auto account = text(client.get("/auth/context").object().at("account").as_object(), "id");
  const auto users = "/accounts/" + account + "/users";
  const auto gone = client.post(users, R"({"email":"gone@example.com","role":"member"})").object();
  auto leaver = RestClient(server_->port());
  leaver.log_in("gone@example.com", text(gone, "password"));
  const auto kept = create_token(client, "Kept");
  disk_.leave_free(200 * mebibyte);
  const auto position = server_->position();
  const auto refused = client.post("/auth/tokens", R"({"name":"New","extension":{"name":"custom"}})");
  EXPECT_EQ(refused.status, 507) << refused.body;
  EXPECT_EQ(server_->position(), position) << "nothing of it is stored";
  EXPECT_EQ(client.remove(path_of(doomed)).status, 204);
  EXPECT_EQ(authorize(server_->port(), text(doomed, "token")), 401);
  EXPECT_EQ(client.post(path_of(leaked) + "/deactivate", "").status, 200);
  EXPECT_EQ(authorize(server_->port(), text(leaked, "token")), 403);
  EXPECT_EQ(client.post(path_of(leaked) + "/activate", "").status, 507);
  EXPECT_EQ(client.post(users + "/" + text(gone, "id") + "/deactivate", "").status, 200);
  EXPECT_EQ(leaver.get("/auth/context").status, 401);
  EXPECT_EQ(authorize(server_->port(), text(kept, "token")), 204);
  disk_.empty();
  EXPECT_EQ(create(client, "New"), 201);
  EXPECT_EQ(server_->stop().exit_code, 0);
}

TEST_F(FullDisk, WithoutAnySpaceRefusesAllAndNeverAborts) {
  auto client = owner();
  const auto token = create_token(client, "Kept");
  disk_.leave_free(mebibyte / 2);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(create(client, "New"), 507);
    EXPECT_EQ(client.remove(path_of(token)).status, 507);
    EXPECT_EQ(authorize(server_->port(), text(token, "token")), 204);
  }
  disk_.empty();
  EXPECT_EQ(client.remove(path_of(token)).status, 204);
  EXPECT_EQ(create(client, "New"), 201);
  EXPECT_EQ(server_->stop().exit_code, 0);
  EXPECT_EQ(run_mintmark({"verify", "--data", data()}).exit_code, 0);
}

TEST_F(FullDisk, ARebuildThatRunsOutOfSpaceLeavesTheViewsAsTheyWere) {
  auto client = owner();
  std::vector<std::string> keys;
  for (int i = 0; i < 20; ++i) keys.push_back(text(create_token(client, "Token"), "token"));
  EXPECT_EQ(server_->stop().exit_code, 0);
  disk_.leave_free(16 * 1024);
  const auto failed = run_mintmark({"rebuild", "--all", "--data", data()});
  EXPECT_LT(failed.exit_code, 128) << "a signal ended it: " << failed.err;
  disk_.empty();
  server_ = std::make_unique<ServerProcess>(data());
  for (const auto& key : keys) EXPECT_EQ(authorize(server_->port(), key), 204);
  EXPECT_EQ(owner().get("/auth/tokens").array().size(), keys.size());
  EXPECT_EQ(server_->stop().exit_code, 0);
  const auto rebuilt = run_mintmark({"rebuild", "--all", "--data", data()});
  EXPECT_EQ(rebuilt.exit_code, 0) << rebuilt.err;
  EXPECT_THAT(rebuilt.out, ::testing::Not(HasSubstr("not equal")));
}

}  // namespace
}  // namespace mintmark::testing::full_disk_test
