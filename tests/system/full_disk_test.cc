// A disk that is full: a small file system of its own, in memory, that a file of ballast fills, or the server
// itself does.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>

#include "tests/support/small_disk.h"
#include "tests/system/fixture.h"

namespace mintmark::testing::full_disk_test {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kibibyte = 1024;
constexpr std::uint64_t mebibyte = 1024 * kibibyte;
constexpr std::uint64_t free_min = 256 * mebibyte;  // below which only deletions are taken
constexpr int too_full = 507;

const Arguments to_loopback = {"--request-rate",  "0", "--webhook-networks", "127.0.0.0/8",
                               "--webhook-ports", "0"};

// A JSON string of nearly 64 KiB, which is what a webhook's trigger may carry, that no compression makes
// small.
std::string large_data() {
  constexpr std::string_view digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
  std::mt19937 random(1);
  std::string data(63 * kibibyte, ' ');
  std::ranges::generate(data, [&] { return digits[random() % digits.size()]; });
  return R"({"data":{"of":")" + data + R"("}})";
}

class FullDisk : public ::testing::Test {
 protected:
  class Writers;

  FullDisk() {
    const auto made = run_mintmark({"init", "--data", data(), "--email", "owner@example.com", "--json"});
    if (made.exit_code != 0) throw std::runtime_error(made.err);
    const auto object = boost::json::parse(made.out).as_object();
    password_ = text(object, "password");
    server_ = std::make_unique<ServerProcess>(data(), to_loopback);
  }
  RestClient owner() const {
    RestClient client(server_->port());
    client.log_in("owner@example.com", password_);
    return client;
  }
  static int create(RestClient& client, const std::string& name) {
    return client.post("/auth/tokens", R"({"name":")" + name + R"(","extension":{"name":"custom"}})").status;
  }

  // A webhook at whose port nobody listens: only its triggers matter.
  static std::string create_webhook(RestClient& client) {
    const auto made = client.post("/notifications/webhooks",
                                  R"({"label":"Orders","object_class":"fulfillment_request",)"
                                  R"("external_url":"http://127.0.0.1:9/","jwt_secret":"a secret"})");
    EXPECT_EQ(made.status, 201) << made.body;
    return "/notifications/webhooks/" + text(made.object(), "id") + "/trigger";
  }
  // Triggers it until the server takes no more; how often it did.
  int trigger_until_full(RestClient& client, const std::string& trigger) const {
    constexpr int times_max = 10'000;
    const auto body = large_data();
    for (int times = 0; times < times_max; ++times) {
      const auto answer = client.post(trigger, body);
      if (answer.status == too_full) return times;
      EXPECT_EQ(answer.status, 200) << answer.body;
      if (answer.status != 200) break;
    }
    ADD_FAILURE() << "the disk did not become full";
    return times_max;
  }
  // Starts the server on the disk as it is; its end, where it does not serve or once it is told to stop.
  Finished start_and_stop() const {
    Process process({.command = {MINTMARK_PROGRAM, "serve", "--data", data(), "--listen", "127.0.0.1:0"}});
    constexpr std::chrono::seconds time_max(60);
    if (process.await_error_line(" serves http://", time_max)) process.signal(SIGTERM);
    return process.wait(time_max);
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
  EXPECT_EQ(refused.status, too_full) << refused.body;
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

TEST_F(FullDisk, FilledByAnotherToTheLastByteTakesDeletionsIntoItsReserve) {
  auto client = owner();
  for (int round = 0; round < 2; ++round) {
    SCOPED_TRACE(round);
    const auto doomed = create_token(client, "Doomed");
    const auto kept = create_token(client, "Kept");
    // Its write-ahead logs are begun anew, in what the reserve has.
    EXPECT_EQ(server_->stop().exit_code, 0);
    server_ = std::make_unique<ServerProcess>(data(), to_loopback);
    const auto credentials = client.credentials();
    client = RestClient(server_->port());
    client.credentials() = credentials;
    disk_.leave_free(0);
    EXPECT_EQ(create(client, "New"), too_full);
    EXPECT_EQ(client.remove(path_of(doomed)).status, 204);
    EXPECT_EQ(authorize(server_->port(), text(doomed, "token")), 401);
    EXPECT_EQ(authorize(server_->port(), text(kept, "token")), 204);
    EXPECT_EQ(create(client, "New"), too_full) << "the reserve is for deletions alone";
    // What is written next takes the reserve again.
    disk_.empty();
    EXPECT_EQ(create(client, "New"), 201);
  }
  EXPECT_EQ(server_->stop().exit_code, 0);
}

TEST_F(FullDisk, WithoutAnySpaceRefusesAllAndNeverAborts) {
  auto client = owner();
  const auto doomed = create_token(client, "Doomed");
  const auto token = create_token(client, "Kept");
  disk_.leave_free(mebibyte / 2);
  EXPECT_EQ(client.remove(path_of(doomed)).status, 204);
  disk_.leave_free(mebibyte / 2);  // what the reserve was, too
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(create(client, "New"), too_full);
    EXPECT_EQ(client.remove(path_of(token)).status, too_full);
    EXPECT_EQ(authorize(server_->port(), text(token, "token")), 204);
  }
  disk_.empty();
  EXPECT_EQ(client.remove(path_of(token)).status, 204);
  EXPECT_EQ(create(client, "New"), 201);
  EXPECT_EQ(server_->stop().exit_code, 0);
  EXPECT_EQ(run_mintmark({"verify", "--data", data()}).exit_code, 0);
  // RocksDB's build ends the process where it cannot write on in one.
  for (const auto& file : std::filesystem::recursive_directory_iterator(data()))
    EXPECT_FALSE(file.path().filename().string().starts_with("LOG")) << file.path();
}

TEST_F(FullDisk, FilledByItsOwnWorkRefusesMoreDeletesAndRecovers) {
  auto client = owner();
  std::vector<boost::json::object> doomed;
  for (int i = 0; i < 10; ++i) doomed.push_back(create_token(client, "Doomed"));
  const auto kept = create_token(client, "Kept");
  const auto trigger = create_webhook(client);
  // More than its tables in memory hold: they are written out, and its write-ahead logs change, meanwhile.
  disk_.leave_free(free_min + 40 * mebibyte);
  EXPECT_GT(trigger_until_full(client, trigger), 300);
  EXPECT_LT(disk_.free_bytes(), free_min);
  EXPECT_EQ(create(client, "New"), too_full);
  for (const auto& token : doomed) {
    EXPECT_EQ(client.remove(path_of(token)).status, 204);
    EXPECT_EQ(authorize(server_->port(), text(token, "token")), 401);
  }
  EXPECT_EQ(authorize(server_->port(), text(kept, "token")), 204);
  disk_.empty();
  EXPECT_EQ(create(client, "New"), 201);
  EXPECT_EQ(client.post(trigger, large_data()).status, 200);
  const auto position = server_->position();
  EXPECT_EQ(server_->stop().exit_code, 0);
  server_ = std::make_unique<ServerProcess>(data(), to_loopback);
  EXPECT_GE(server_->position(), position);
  EXPECT_EQ(authorize(server_->port(), text(kept, "token")), 204);
  EXPECT_EQ(server_->stop().exit_code, 0);
  EXPECT_EQ(run_mintmark({"verify", "--data", data()}).exit_code, 0);
}

// Clients that trigger a webhook until they are told to end, or the server does.
class FullDisk::Writers {
 public:
  Writers(std::uint16_t port, const Headers& credentials, const std::string& trigger) {
    for (int i = 0; i < writers; ++i)
      threads_.emplace_back([this, port, credentials, trigger] { write(port, credentials, trigger); });
  }
  ~Writers() { end(); }
  Writers(const Writers&) = delete;
  Writers& operator=(const Writers&) = delete;

  void await_taken(unsigned number) { await(taken_, number); }
  void await_refused(unsigned number) { await(refused_, number); }
  unsigned taken() const { return taken_; }
  bool server_has_ended() const { return ended_; }
  // The newest position that was acknowledged. Ends them.
  std::uint64_t end() {
    done_ = true;
    for (auto& thread : std::exchange(threads_, {})) thread.join();
    return acknowledged_;
  }

 private:
  static constexpr int writers = 16;

  void write(std::uint16_t port, const Headers& credentials, const std::string& trigger) {
    const auto body = large_data();
    try {
      RestClient writer(port);
      writer.credentials() = credentials;
      while (!done_ && !ended_) count(writer.post(trigger, body));
    } catch (const std::runtime_error&) {
      ended_ = true;
      changed_.notify_all();
    }
  }
  void count(const RestResponse& answer) {
    const std::scoped_lock lock(mutex_);
    if (answer.status == 200) {
      acknowledged_ =
          std::max<std::uint64_t>(acknowledged_, std::stoull(answer.header("Mintmark-Position").value()));
      ++taken_;
    } else if (answer.status == too_full) {
      ++refused_;
    } else {
      // Stored, but not to be seen before there is space again.
      EXPECT_EQ(answer.status, 503) << answer.body;
    }
    changed_.notify_all();
  }
  void await(const std::atomic<unsigned>& count, unsigned number) {
    std::unique_lock lock(mutex_);
    const bool reached =
        changed_.wait_for(lock, std::chrono::seconds(60), [&] { return count >= number || ended_; });
    EXPECT_TRUE(reached);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<unsigned> taken_ = 0;
  std::atomic<unsigned> refused_ = 0;
  std::atomic<bool> done_ = false;
  std::atomic<bool> ended_ = false;
  std::uint64_t acknowledged_ = 0;  // guarded by mutex_
  std::vector<std::thread> threads_;
};

// At whatever moment somebody else takes all the space, the server refuses and goes on by itself once there
// is some.
TEST_F(FullDisk, FilledAtOnceUnderSixteenWritersRefusesAndRecovers) {
  std::mt19937 random(20261127);
  for (int round = 0; round < 2; ++round) {
    SCOPED_TRACE(round);
    auto client = owner();
    const auto trigger = create_webhook(client);
    Writers writers(server_->port(), client.credentials(), trigger);
    writers.await_taken(30 + random() % 600);
    disk_.shrink_to_free(random() % 2 == 0 ? 0 : 16 * mebibyte);
    writers.await_refused(64);
    disk_.grow_back();
    writers.await_taken(writers.taken() + 32);
    const auto acknowledged = writers.end();
    ASSERT_FALSE(writers.server_has_ended()) << server_->stop().err;
    EXPECT_GE(server_->position(), acknowledged);
  }
  EXPECT_EQ(server_->stop().exit_code, 0);
  EXPECT_EQ(run_mintmark({"verify", "--data", data()}).exit_code, 0);
}

// After a kill, so that what only its write-ahead logs have must be written out at the start.
TEST_F(FullDisk, AStartOnAFullDiskServesOrSaysWhyNot) {
  auto client = owner();
  const auto token = create_token(client, "Kept");
  const auto trigger = create_webhook(client);
  const auto body = large_data();
  for (int i = 0; i < 100; ++i) ASSERT_EQ(client.post(trigger, body).status, 200);
  const auto position = server_->position();
  server_->kill();
  disk_.leave_free(0);
  EXPECT_EQ(start_and_stop().exit_code, 0) << "on its reserve";
  int refused = 0;
  for (const unsigned free : {0U, 64U, 4096U, 8192U, 12'288U, 24'576U, 65'536U}) {
    SCOPED_TRACE(free);
    disk_.leave_free(free * kibibyte);
    const auto ended = start_and_stop();
    EXPECT_THAT(ended.exit_code, ::testing::AnyOf(0, 1)) << ended.err;
    if (ended.exit_code == 0) continue;
    ++refused;
    EXPECT_THAT(ended.err, HasSubstr("the disk is full"));
  }
  EXPECT_GT(refused, 0);
  disk_.empty();
  server_ = std::make_unique<ServerProcess>(data(), to_loopback);
  EXPECT_GE(server_->position(), position);
  EXPECT_EQ(authorize(server_->port(), text(token, "token")), 204);
  EXPECT_EQ(server_->stop().exit_code, 0);
  EXPECT_EQ(run_mintmark({"verify", "--data", data()}).exit_code, 0);
}

TEST_F(FullDisk, ARebuildThatRunsOutOfSpaceSaysSoAndLeavesTheViewsAsTheyWere) {
  auto client = owner();
  std::vector<std::string> keys;
  for (int i = 0; i < 20; ++i) keys.push_back(text(create_token(client, "Token"), "token"));
  EXPECT_EQ(server_->stop().exit_code, 0);
  const auto expect_equal = [&](const Finished& rebuilt) {
    EXPECT_EQ(rebuilt.exit_code, 0) << rebuilt.err;
    std::size_t equal = 0;
    constexpr std::string_view said = "equal to the old one\n";
    for (auto at = rebuilt.out.find(said); at != std::string::npos; at = rebuilt.out.find(said, at + 1))
      ++equal;
    EXPECT_EQ(equal, 7) << rebuilt.out;
  };
  expect_equal(run_mintmark({"rebuild", "--all", "--data", data()}));
  int failed_in_the_views = 0;
  for (const unsigned free : {0U, 64U, 8192U, 8448U, 9216U, 10'240U, 12'288U, 16'384U}) {
    SCOPED_TRACE(free);
    disk_.leave_free(free * kibibyte);
    const auto ended = run_mintmark({"rebuild", "--all", "--data", data()});
    disk_.empty();
    EXPECT_THAT(ended.exit_code, ::testing::AnyOf(0, 1)) << ended.err;
    if (ended.exit_code == 1) {
      EXPECT_THAT(ended.err, HasSubstr("the disk is full"));
      if (ended.err.find("the views cannot be used") != std::string::npos) ++failed_in_the_views;
    }
    // The old ones are there and what they were: none is made from nothing.
    expect_equal(run_mintmark({"rebuild", "--all", "--data", data()}));
  }
  EXPECT_GT(failed_in_the_views, 0);
  server_ = std::make_unique<ServerProcess>(data(), to_loopback);
  for (const auto& key : keys) EXPECT_EQ(authorize(server_->port(), key), 204);
  EXPECT_EQ(owner().get("/auth/tokens").array().size(), keys.size());
  EXPECT_EQ(server_->stop().exit_code, 0);
}

}  // namespace
}  // namespace mintmark::testing::full_disk_test
