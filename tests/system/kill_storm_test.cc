// A storm of creations and deletions, cut off by kill -9 again and again. What was acknowledged is there,
// what was not is there or is not, and everything agrees with the log.
#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <iostream>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>

#include "tests/support/long_form.h"
#include "tests/system/fixture.h"

namespace mintmark::testing::kill_storm_test {
namespace {

namespace json = boost::json;

constexpr int rounds_always = 50;  // STORM_ROUNDS=1000 runs so many
constexpr int rounds_per_rebuild = 10;
constexpr int clients = 64;
constexpr int acknowledged_min = 4;
constexpr int acknowledged_max = 96;
constexpr auto round_time_max = std::chrono::seconds(60);

enum class Deletion { kNone, kSent, kAcknowledged };

struct KnownToken {
  std::string id;
  std::string key;  // empty for a Zapier token
  Deletion deletion = Deletion::kNone;
  bool checked = false;  // since it last changed
};

struct Creation {
  std::string name;  // and Idempotency-Key
  std::string extension;
};

// One client, and what it knows to have done.
struct Client {
  std::vector<KnownToken> tokens;
  std::optional<Creation> unanswered;
  int created = 0;
};

// The number of acknowledged operations, which one thread awaits.
class Counter {
 public:
  void add() {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  bool await(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, round_time_max, [&] { return count_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

KnownToken create(RestClient& api, const Creation& creation) {
  const json::object body{{"name", creation.name}, {"extension", {{"name", creation.extension}}}};
  const auto answer = api.post("/auth/tokens", json::serialize(body), {{"Idempotency-Key", creation.name}});
  EXPECT_EQ(answer.status, 201) << answer.body;
  const auto token = answer.object();
  return {text(token, "id"), token.at("token").is_null() ? "" : text(token, "token")};
}

// Creates and deletes until the server is gone.
void rage(Client& client, RestClient api, const std::string& name, std::mt19937 random,
          Counter& acknowledged) {
  try {
    for (;;) {
      const auto living = std::ranges::find(client.tokens, Deletion::kNone, &KnownToken::deletion);
      if (living != client.tokens.end() && random() % 5 < 2) {
        living->deletion = Deletion::kSent;
        living->checked = false;
        EXPECT_EQ(api.remove(path_of(living->id)).status, 204);
        living->deletion = Deletion::kAcknowledged;
      } else {
        client.unanswered = {name + std::to_string(client.created++),
                             random() % 8 == 0 ? "zapier" : "custom"};
        client.tokens.push_back(create(api, *client.unanswered));
        client.unanswered.reset();
      }
      acknowledged.add();
    }
  } catch (const std::runtime_error&) {
    return;  // the connection's end
  }
}

// A token by the log's word.
struct LoggedToken {
  std::string name;
  std::string extension;
  bool deleted = false;
  int issued = 0;
  int withdrawn = 0;

  bool operator==(const LoggedToken&) const = default;
};
using Logged = std::map<std::string, LoggedToken>;

// The tokens, out of the log's events; which must be without a gap.
class Fold {
 public:
  void take(const std::vector<json::object>& events) {
    for (const auto& event : events) take(event);
  }
  const Logged& tokens() const { return tokens_; }
  std::int64_t position() const { return position_; }

 private:
  void take(const json::object& event) {
    EXPECT_EQ(event.at("position").as_int64(), ++position_);
    const auto stream = text(event, "stream");
    EXPECT_EQ(event.at("version").as_int64(), ++versions_[stream]) << stream;
    EXPECT_TRUE(event_ids_.insert(text(event, "event_id")).second);
    if (!stream.starts_with("token-")) return;
    auto& token = tokens_[stream.substr(std::string_view("token-").size())];
    EXPECT_FALSE(token.deleted && text(event, "type") != "ZapierConnectionWithdrawn")
        << "behind its deletion: " << stream;
    if (text(event, "type") == "TokenCreated") {
      token.name = text(event.at("data").as_object(), "name");
      token.extension = text(event.at("data").as_object(), "extension") == "ZAPIER" ? "zapier" : "custom";
      EXPECT_TRUE(names_.insert(token.name).second) << "created twice: " << token.name;
    }
    token.deleted |= text(event, "type") == "TokenDeleted";
    token.issued += text(event, "type") == "ZapierConnectionIssued";
    token.withdrawn += text(event, "type") == "ZapierConnectionWithdrawn";
    EXPECT_LE(token.issued, 1);
    EXPECT_LE(token.withdrawn, token.issued);
  }

  Logged tokens_;
  std::map<std::string, std::int64_t> versions_;
  std::set<std::string> event_ids_;
  std::set<std::string> names_;
  std::int64_t position_ = 0;
};

class KillStorm : public ::testing::Test {
 protected:
  KillStorm() {
    operator_key_ = text(
        folder_.run_json({"token", "create", "--account", folder_.account(), "--name", "operator"}), "key");
  }

  RestClient api() const {
    RestClient client(server_->port());
    client.use_key(operator_key_);
    return client;
  }

  // Lets the clients rage, and kills the server under them.
  void storm(int round, int acknowledged_operations, std::mt19937& random) {
    Counter acknowledged;
    std::vector<std::thread> threads;
    for (int i = 0; i < clients; ++i) {
      const auto name = "round " + std::to_string(round) + " client " + std::to_string(i) + " token ";
      auto key = name;
      std::ranges::replace(key, ' ', '-');
      threads.emplace_back([&, i, key, seed = random()] {
        rage(clients_[static_cast<std::size_t>(i)], api(), key, std::mt19937(seed), acknowledged);
      });
    }
    EXPECT_TRUE(acknowledged.await(acknowledged_operations));
    server_->kill();
    for (auto& thread : threads) thread.join();
  }

  // The folder as the killed server left it.
  void check_stopped() const {
    const auto verified = folder_.run({"verify"});
    EXPECT_EQ(verified.exit_code, 0) << verified.err;
    const auto rebuilt = folder_.run({"rebuild", "--all"});
    EXPECT_EQ(rebuilt.exit_code, 0) << rebuilt.err;
    EXPECT_THAT(rebuilt.out, ::testing::Not(::testing::HasSubstr("not equal")));
    EXPECT_EQ(std::ranges::count(rebuilt.out, '\n'), 7);
  }

  // What was not answered is asked for again, under the same key.
  void settle() {
    std::vector<std::future<void>> settled;
    for (auto& raging : clients_) {
      if (!raging.unanswered) continue;
      settled.push_back(std::async(std::launch::async, [&raging, client = api()]() mutable {
        raging.tokens.push_back(create(client, *raging.unanswered));
        raging.unanswered.reset();
      }));
    }
    for (auto& each : settled) each.get();
  }

  // The log has every token that was asked for, and the operator's, and no other.
  void check_nothing_invented(const Logged& logged) const {
    std::set<std::string> known{operator_key_.substr(0, operator_key_.find(':'))};
    for (const auto& raging : clients_) {
      for (const auto& token : raging.tokens) {
        EXPECT_TRUE(known.insert(token.id).second) << "one token for two creations: " << token.id;
      }
    }
    std::set<std::string> found;
    for (const auto& [id, token] : logged) found.insert(id);
    EXPECT_EQ(found, known);
  }

  // Of every token, or of those that changed since they were last looked at.
  void check_acknowledged(const Logged& logged, bool all) {
    auto client = api();
    for (auto& raging : clients_) {
      for (auto& token : raging.tokens) {
        if (token.checked && !all) continue;
        ASSERT_TRUE(logged.contains(token.id)) << "an acknowledged creation is lost: " << token.id;
        const bool deleted = logged.at(token.id).deleted;
        if (token.deletion == Deletion::kAcknowledged)
          EXPECT_TRUE(deleted) << "an acknowledged deletion is lost";
        if (token.deletion == Deletion::kNone) EXPECT_FALSE(deleted) << "deleted by nobody: " << token.id;
        token.checked = true;
        if (token.key.empty()) continue;
        client.use_key(token.key);
        EXPECT_EQ(client.get("//authorize").status, deleted ? 401 : 204) << token.id;
      }
    }
  }

  // Takes in what the log has got since. Where all of it is read anew, the earlier part must be what it was.
  void take_log(bool all) {
    const auto known = fold_.position();
    auto events = replay(folder_, all ? 1 : known + 1);
    if (all) {
      ASSERT_GE(events.size(), static_cast<std::size_t>(known));
      const auto end = events.begin() + known;
      Fold anew;
      anew.take({events.begin(), end});
      EXPECT_EQ(anew.tokens(), fold_.tokens());
      events.erase(events.begin(), end);
    }
    fold_.take(events);
  }

  void check_list(const Logged& logged) const {
    auto client = api();
    std::map<std::string, std::pair<std::string, std::string>> expected;
    for (const auto& [id, token] : logged) {
      if (!token.deleted) expected[id] = {token.name, token.extension};
    }
    std::map<std::string, std::pair<std::string, std::string>> listed;
    constexpr std::size_t page_size = 1000;
    for (std::size_t offset = 0; offset < expected.size(); offset += page_size) {
      for (const auto& item :
           client.get("/auth/tokens?limit=1000&offset=" + std::to_string(offset)).array()) {
        const auto& token = item.as_object();
        listed[text(token, "id")] = {text(token, "name"), text(token.at("extension").as_object(), "name")};
      }
    }
    EXPECT_EQ(listed, expected);
  }

  // Every connection is issued once, and withdrawn once where its token is deleted.
  void check_worker_ends() {
    expect_eventually(
        [&] {
          take_log(false);
          return std::ranges::all_of(fold_.tokens(), [](const auto& entry) {
            const auto& token = entry.second;
            if (token.extension != "zapier") return token.issued == 0;
            return token.deleted ? token.withdrawn == token.issued : token.issued == 1;
          });
        },
        std::chrono::seconds(30));
  }

  // A kill leaves the same on every disk, but the storms of the long form meet one that takes its time.
  InitialisedFolder folder_{std::getenv("STORM_ROUNDS") ? std::filesystem::temp_directory_path()
                                                        : TemporaryFolder::in_memory()};
  std::string operator_key_;
  std::unique_ptr<ServerProcess> server_;
  std::vector<Client> clients_{clients};
  Fold fold_;
};

TEST_F(KillStorm, LosesNothingAcknowledgedAndInventsNothing) {
  const auto seed = static_cast<unsigned>(number_from_environment("STORM_SEED", std::random_device()()));
  const auto rounds = static_cast<int>(number_from_environment("STORM_ROUNDS", rounds_always));
  std::cout << "STORM_SEED=" << seed << '\n';
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> operations(acknowledged_min, acknowledged_max);
  server_ = std::make_unique<ServerProcess>(folder_.path());
  for (int round = 1; round <= rounds && !HasFailure(); ++round) {
    const int acknowledged = operations(random);
    SCOPED_TRACE("round " + std::to_string(round) + ", killed after " + std::to_string(acknowledged) +
                 " acknowledgements");
    storm(round, acknowledged, random);
    const bool all = round % rounds_per_rebuild == 0 || round == rounds;
    if (all) check_stopped();
    server_ = std::make_unique<ServerProcess>(folder_.path());
    settle();
    const auto position = server_->position();
    take_log(all);
    EXPECT_GE(fold_.position(), static_cast<std::int64_t>(position));
    check_nothing_invented(fold_.tokens());
    check_acknowledged(fold_.tokens(), all);
    check_list(fold_.tokens());
  }
  check_worker_ends();
  EXPECT_EQ(server_->stop().exit_code, 0);
  check_stopped();
}

}  // namespace
}  // namespace mintmark::testing::kill_storm_test
