// The API over a log, a disk and a clock that do not do what they should.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "domain/limits.h"
#include "tests/support/api_instance.h"
#include "tests/support/faulty_env.h"
#include "tests/support/log_folder.h"

namespace mintmark::faults_test {
namespace {

namespace asio = boost::asio;
using http::RequestBuilder;
using namespace std::chrono_literals;
using namespace ::mintmark::testing;

const std::string tokens = "/public/v1/auth/tokens";

RequestBuilder with_key(std::string_view method, const std::string& target, const std::string& key) {
  return RequestBuilder(method, target)
      .header("Authorization", "ApiKey " + key)
      .header("Content-Type", "application/json");
}

// Over the real log, on a disk that can be held.
class FaultyDiskTest : public ::testing::Test {
 protected:
  FaultyDiskTest() {
    auto options = folder_.options();
    options.env = &disk_.env();
    log_ = folder_.open(std::move(options));
    instance_ = std::make_unique<ApiInstance>(*log_);
    account_ = instance_->open_account("Acme");
    key_ = instance_->create_token(*account_).value.key->text();
  }

  RequestBuilder creation(const std::string& idempotency_key) const {
    return with_key("POST", tokens, key_)
        .header("Idempotency-Key", idempotency_key)
        .body(R"({"name":"x","extension":{"id":"EXT-000"}})");
  }
  // Appends something else; false where the log does not take it now.
  bool start_other(std::vector<std::future<AppendResult>>& others) {
    const auto number = 100 + others.size();
    auto answer = start_append(*log_, append_request(fmt::format("other-{}", number), 0, number));
    if (answer.wait_for(0s) == std::future_status::ready) {
      const auto result = answer.get();
      EXPECT_FALSE(result) << "acknowledged before its sync";
      return false;
    }
    others.push_back(std::move(answer));
    return true;
  }
  // Creates so many tokens, all at once on one thread: what they were to be called, and the answer.
  std::vector<std::pair<std::string, http::Response>> create_at_once(std::size_t first, std::size_t count) {
    std::vector<std::pair<std::string, http::Response>> answers(count);
    asio::io_context context;
    for (std::size_t i = 0; i < count; ++i) {
      auto& [name, response] = answers[i];
      name = fmt::format("token {}", first + i);
      auto create = [this, &name, &response]() -> awaitable<void> {
        const auto request = with_key("POST", tokens, key_)
                                 .body(fmt::format(R"({{"name":"{}","extension":{{"id":"EXT-000"}}}})", name))
                                 .build();
        response = co_await instance_->api->answer(request, 0);
      };
      asio::co_spawn(context, std::move(create), [](const std::exception_ptr& thrown) {
        if (thrown) std::rethrow_exception(thrown);
      });
    }
    context.run();
    return answers;
  }

  LogFolder folder_{1, TemporaryFolder::in_memory()};
  FaultyEnv disk_;
  std::unique_ptr<RocksDbLog> log_;
  std::unique_ptr<ApiInstance> instance_;
  std::optional<AccountId> account_;
  std::string key_;
};

TEST_F(FaultyDiskTest, ASlowDiskFillsABoundedQueueThenRefusesAndAcknowledgesNothingFalsely) {
  const auto before = log_->head();
  disk_.faults().hold_syncs(wal_part);
  std::atomic<bool> answered = false;
  auto first = std::async(std::launch::async, [&] {
    auto response = instance_->call(creation("first"));
    answered = true;
    return response;
  });
  disk_.faults().wait_until_held();
  std::vector<std::future<AppendResult>> waiting;
  for (std::size_t i = 1; i < limits::append_queue_max; ++i)
    waiting.push_back(start_append(*log_, append_request(fmt::format("other-{}", i), 0, 100 + i)));

  for (int i = 0; i < 3; ++i) {
    const auto refused = instance_->call(creation("refused"));
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(header_of(refused, "Retry-After"), "1");
    EXPECT_EQ(json_of(refused).at("error_code").as_string(), "SRV_001");
  }
  EXPECT_EQ(instance_->call(with_key("GET", tokens, key_)).status, 200) << "reading goes on";
  EXPECT_EQ(instance_->call(RequestBuilder("GET", "/healthz")).status, 200);
  EXPECT_FALSE(answered) << "acknowledged before its sync";
  EXPECT_EQ(log_->head(), before);

  disk_.faults().release();
  EXPECT_EQ(first.get().status, 201);
  for (auto& answer : waiting) EXPECT_TRUE(answer.get());
  EXPECT_EQ(log_->head(), before + limits::append_queue_max) << "what was refused is not stored";
  EXPECT_EQ(instance_->call(creation("refused")).status, 201);
}

// The disk is slow for good, and others keep the queue full until the API has refused enough; then it goes
// on.
TEST_F(FaultyDiskTest, WhileEverySyncTakes200MsExactlyWhatIsAcknowledgedIsStored) {
  constexpr std::size_t writers = 16;
  const auto before = log_->head();
  disk_.faults().delay_syncs(wal_part, 200ms, SIZE_MAX);
  std::vector<std::future<AppendResult>> others;
  std::map<std::string, Position> acknowledged;
  std::size_t refused = 0;
  for (std::size_t name = 0; acknowledged.size() < writers || refused < writers; name += writers) {
    const auto head = log_->head();
    while (refused < writers && start_other(others)) {
    }
    for (auto& [written, response] : create_at_once(name, writers)) {
      if (response.status == 201) {
        acknowledged[written] = std::stoull(std::string(header_of(response, "Mintmark-Position")));
        continue;
      }
      ++refused;
      EXPECT_EQ(response.status, 503);
      EXPECT_EQ(header_of(response, "Retry-After"), "1");
      EXPECT_EQ(json_of(response).at("error_code").as_string(), "SRV_001");
    }
    // No news before the next sync: who asks again meanwhile is refused again.
    if (acknowledged.empty()) log_->wait_past(head, {});
  }
  for (auto& answer : others) EXPECT_TRUE(answer.get());
  instance_.reset();
  log_.reset();

  const auto reopened = folder_.open(folder_.options());
  EXPECT_EQ(reopened->head(), before + others.size() + acknowledged.size());
  std::map<std::string, Position> stored;
  for (const auto& event : reopened->read(before, reopened->head())) {
    const auto& created = event.recorded.event();
    if (created.has_token_created()) stored[created.token_created().name()] = event.recorded.position();
  }
  EXPECT_EQ(stored, acknowledged);
}

// An event that no program of this version writes: it stands for one that a bug or a newer version wrote.
class PoisonTest : public ::testing::Test {
 protected:
  int use(const CreatedToken& token) {
    return instance_.call(with_key("GET", tokens, token.value.key->text())).status;
  }
  int remove(const CreatedToken& token) {
    return instance_.call(with_key("DELETE", tokens + "/" + token.value.key->id.text(), key_)).status;
  }
  boost::json::object health() { return json_of(instance_.call(RequestBuilder("GET", "/healthz"))); }

  ApiInstance instance_;
  const AccountId account_ = instance_.open_account("Acme");
  const std::string key_ = instance_.create_token(account_).value.key->text();
};

TEST_F(PoisonTest, ParksItsStreamWhileRevocationsElsewhereFlowAndHealthSaysSo) {
  const auto poisoned = instance_.create_token(account_);
  const auto other = instance_.create_token(account_);
  EXPECT_EQ(health().at("status").as_string(), "ok");
  Event poison;
  poison.mutable_token_rotated()->mutable_credentials()->mutable_secret_digest()->set_pepper(77);
  const auto stream = stream_of(poisoned.value.key->id);
  const auto since = History(instance_.memory).add(stream, poison);
  instance_.project();

  EXPECT_EQ(use(poisoned), 403) << "the old key, of which nobody knows whether it still counts";
  EXPECT_EQ(use(other), 200);
  EXPECT_EQ(remove(other), 204);
  EXPECT_EQ(use(other), 401);
  const auto told = instance_.call(RequestBuilder("GET", "/healthz"));
  EXPECT_EQ(told.status, 200);
  const auto object = json_of(told);
  EXPECT_EQ(object.at("status").as_string(), "degraded");
  EXPECT_EQ(object.at("projected"), object.at("position"));
  EXPECT_EQ(object.at("parked_streams").to_number<std::uint64_t>(), 1);
  ASSERT_EQ(object.at("parked").as_array().size(), 1);
  const auto& parked = object.at("parked").at(0);
  EXPECT_EQ(parked.at("projection").as_string(), "authorization_index");
  EXPECT_EQ(parked.at("stream").as_string(), stream);
  EXPECT_EQ(parked.at("since_position").to_number<std::uint64_t>(), since);

  EXPECT_EQ(remove(poisoned), 204);
  EXPECT_EQ(use(poisoned), 401);
}

class ClockTest : public ::testing::Test {
 protected:
  int use(const std::string& key) { return instance_.call(with_key("GET", tokens, key)).status; }
  CreatedToken create_until(Time end) {
    NewToken wanted;
    wanted.name = "Billing";
    wanted.extension = CUSTOM;
    wanted.expires_at = end;
    return run(create_token(*instance_.services, ApiInstance::caller(account_), std::move(wanted))).value();
  }
  int write(const std::string& name) {
    return instance_
        .call(
            with_key("POST", tokens, key_).body(R"({"name":")" + name + R"(","extension":{"id":"EXT-000"}})"))
        .status;
  }

  ApiInstance instance_;
  const AccountId account_ = instance_.open_account("Acme");
  const std::string key_ = instance_.create_token(account_).value.key->text();
};

// Positions come from the log and never from a clock.
TEST_F(ClockTest, WritesAreTakenInOrderWhateverTheClockDoes) {
  for (const auto jump : {0h, 1h, -1h, -1h, 0h, 2h}) {
    instance_.clock.advance(jump);
    const auto head = instance_.memory.head();
    EXPECT_EQ(write("x"), 201);
    EXPECT_EQ(instance_.memory.head(), head + 1);
    const auto recorded = instance_.memory.read(head, 1).front().recorded;
    EXPECT_EQ(recorded.recorded_at_us(), instance_.clock.now().time_since_epoch().count());
  }
  EXPECT_EQ(use(key_), 200);
}

TEST_F(ClockTest, AKeyIdempotentBeforeAJumpIsSoAfterIt) {
  const auto request = [this] {
    return with_key("POST", tokens, key_)
        .header("Idempotency-Key", "k")
        .body(R"({"name":"x","extension":{"id":"EXT-000"}})");
  };
  const auto first = instance_.call(request());
  const auto head = instance_.memory.head();
  for (const auto jump : {1h, -2h}) {
    instance_.clock.advance(jump);
    EXPECT_EQ(instance_.call(request()).body, first.body);
  }
  EXPECT_EQ(instance_.memory.head(), head);
}

TEST_F(ClockTest, ATokenEndsByTheClockAndWhatIsRecordedAsEndedStaysSo) {
  const auto token = create_until(instance_.clock.now() + 30min);
  const auto key = token.value.key->text();
  EXPECT_EQ(use(key), 200);
  instance_.clock.advance(1h);
  EXPECT_EQ(use(key), 403);
  instance_.clock.advance(-1h);
  EXPECT_EQ(use(key), 200) << "nothing was recorded: the clock was wrong for a moment";
  Event expired;
  expired.mutable_token_expired();
  History(instance_.memory).add(token.value.key->id, expired);
  instance_.project();
  EXPECT_EQ(use(key), 403) << "its owner was told that it has expired";
  const auto shown = instance_.call(with_key("GET", tokens + "/" + token.value.key->id.text(), key_));
  EXPECT_EQ(json_of(shown).at("status").as_string(), "expired");
}

TEST_F(ClockTest, ASessionEndsByTheClock) {
  const auto user = instance_.add_user(account_, "ann@example.com");
  const auto cookie = instance_.sign_in("ann@example.com", user.password);
  const auto status = [&] {
    return instance_.call(RequestBuilder("GET", tokens).header("Cookie", "mintmark_session=" + cookie))
        .status;
  };
  EXPECT_EQ(status(), 200);
  instance_.clock.advance(-1h);
  EXPECT_EQ(status(), 200);
  instance_.clock.advance(1h + limits::session_time_max);
  EXPECT_EQ(status(), 401);
}

}  // namespace
}  // namespace mintmark::faults_test
