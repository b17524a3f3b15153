#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/limits.h"
#include "domain/webhook.h"
#include "tests/support/api_instance.h"
#include "worker/worker.h"

// Triggers and tests of webhooks over REST: many of them, at once, and racing with what stops their webhook.
namespace mintmark::triggers_test {
namespace {

namespace json = boost::json;
using http::RequestBuilder;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::SizeIs;
using namespace ::mintmark::testing;

class TriggersTest : public ::testing::Test {
 protected:
  RequestBuilder request(std::string_view method, const std::string& target, const std::string& body = "") {
    RequestBuilder made(method, "/public/v1" + target);
    made.header("Authorization", "ApiKey " + key_).header("Content-Type", "application/json").body(body);
    return made;
  }
  http::Response call(std::string_view method, const std::string& target, const std::string& body = "") {
    return instance_.call(request(method, target, body));
  }
  int trigger() { return call("POST", target_ + "/trigger", R"({"data":{"order":"PR-1"}})").status; }
  std::size_t events_read_by_a_trigger() {
    const auto before = instance_.log.events_read();
    EXPECT_EQ(trigger(), 200);
    return instance_.log.events_read() - before;
  }
  WebhookId id() const { return WebhookId::parse(target_.substr(target_.rfind('/') + 1)).value(); }
  std::vector<StoredJob::Status> statuses() {
    std::vector<StoredJob::Status> all;
    for (const auto& view : instance_.jobs->jobs_of(account_, 1000)) all.push_back(view.job.status());
    return all;
  }
  // Something happens to the webhook between the decision of the next trigger and its append.
  void race(const Event& event) {
    instance_.log.before_append_of([this, event](const AppendRequest& append) {
      if (!webhook_of_trigger(append.streams.front().stream)) return;
      instance_.log.before_append_of({});
      History(instance_.memory).add(stream_of(id()), event);
    });
  }

  ApiInstance instance_;
  const AccountId account_ = instance_.open_account("Acme");
  const std::string key_ = instance_.create_token(account_).value.key->text();
  const std::string target_ =
      "/notifications/webhooks/" +
      std::string(json_of(call("POST", "/notifications/webhooks",
                               R"({"label":"Orders","object_class":"fulfillment_request",)"
                               R"("external_url":"https://example.com/h"})"))
                      .at("id")
                      .as_string());
};

TEST_F(TriggersTest, ATriggerReadsAsMuchHoweverManyThereWere) {
  const auto first = events_read_by_a_trigger();
  for (int i = 0; i < 50; ++i) EXPECT_EQ(trigger(), 200);
  EXPECT_EQ(events_read_by_a_trigger(), first);
  EXPECT_EQ(first, 0);
  const auto before = instance_.log.events_read();
  EXPECT_EQ(call("POST", target_ + "/test").status, 202);
  EXPECT_EQ(call("PUT", target_, R"({"active":false})").status, 200);
  EXPECT_EQ(call("DELETE", target_).status, 204);
  EXPECT_LE(instance_.log.events_read() - before, 5) << "the webhook's own events alone";
}

// Counts the calls by their message.
class CountedCalls {
 public:
  MakeSend make_send() {
    return [this](boost::asio::io_context&) {
      return Send([this](OutboundRequest request) -> awaitable<OutboundResult> {
        const std::scoped_lock lock(mutex_);
        const auto id =
            std::ranges::find(request.headers, "webhook-id", [](const auto& h) { return h.first; });
        ++calls_[id->second];
        co_return OutboundResult{OutboundResponse{200, {}}, std::chrono::milliseconds(3)};
      });
    };
  }
  std::map<std::string, int> calls() {
    const std::scoped_lock lock(mutex_);
    return calls_;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, int> calls_;  // guarded by mutex_
};

TEST_F(TriggersTest, ManyAtOnceAllSucceedAndAreDeliveredOnceEach) {
  constexpr std::size_t number = 64;
  const auto built = request("POST", target_ + "/trigger", "{}").build();
  boost::asio::io_context context;
  std::vector<int> answers;
  const auto send = [&]() -> awaitable<void> {
    const auto response = co_await instance_.api->answer(built, 0);
    answers.push_back(response.status);
  };
  for (std::size_t i = 0; i < number; ++i) {
    boost::asio::co_spawn(context, send(), [](const std::exception_ptr& thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
  }
  context.run();
  EXPECT_THAT(answers, SizeIs(number));
  EXPECT_THAT(answers, Each(200));
  CountedCalls receiver;
  instance_.project();
  const Worker worker({instance_.log, *instance_.jobs, *instance_.calls, instance_.clock, instance_.random},
                      {}, receiver.make_send(), [](const std::string& reason) { ADD_FAILURE() << reason; });
  std::mutex mutex;
  std::condition_variable changed;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  std::unique_lock lock(mutex);
  while (instance_.jobs->size() > 0 && std::chrono::steady_clock::now() < deadline) {
    changed.wait_for(lock, std::chrono::milliseconds(1));
  }
  EXPECT_EQ(instance_.jobs->size(), 0);
  EXPECT_THAT(receiver.calls(), SizeIs(number));
  EXPECT_THAT(receiver.calls(), Each(Pair(HasSubstr("msg_"), 1)));
  EXPECT_EQ(instance_.webhooks->find(id())->events(), number);
  EXPECT_EQ(instance_.webhooks->find(id())->successes(), number);
}

TEST_F(TriggersTest, OneThatRacesWithADeletionIsNotDelivered) {
  Event event;
  event.mutable_webhook_deleted();
  race(event);
  EXPECT_EQ(trigger(), 200);
  instance_.project();
  EXPECT_EQ(instance_.jobs->size(), 0);
  EXPECT_EQ(instance_.projector->parked_streams(), 0);
  EXPECT_EQ(trigger(), 404);
}

TEST_F(TriggersTest, OneThatRacesWithADeactivationIsCancelled) {
  Event event;
  event.mutable_webhook_updated()->set_active(false);
  race(event);
  EXPECT_EQ(trigger(), 200);
  EXPECT_THAT(statuses(), ElementsAre(StoredJob::CANCELLED));
  EXPECT_EQ(trigger(), 409);
}

TEST_F(TriggersTest, TestsOfAWebhookAreBounded) {
  for (std::size_t i = 0; i < limits::tests_waiting_max; ++i) {
    EXPECT_EQ(call("POST", target_ + "/test").status, 202);
  }
  const auto head = instance_.memory.head();
  const auto refused = call("POST", target_ + "/test");
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.body, HasSubstr("100 tests of this webhook are waiting already."));
  EXPECT_EQ(instance_.memory.head(), head);
  EXPECT_EQ(trigger(), 200);
}

TEST_F(TriggersTest, ARepeatedKeyTriggersOnce) {
  for (int i = 0; i < 2; ++i) {
    auto keyed = request("POST", target_ + "/trigger", "{}");
    keyed.header("Idempotency-Key", "once");
    EXPECT_EQ(instance_.call(keyed).status, 200);
  }
  EXPECT_THAT(statuses(), ElementsAre(StoredJob::WAITING));
}

TEST_F(TriggersTest, AConditionIsAboutTheWebhook) {
  const auto tag = header_of(call("GET", target_), "ETag");
  for (const auto& [wanted, status] : {std::pair(tag, 200), {tag, 200}, {std::string("\"7\""), 412}}) {
    auto conditional = request("POST", target_ + "/trigger", "{}");
    conditional.header("If-Match", wanted);
    EXPECT_EQ(instance_.call(conditional).status, status) << wanted;
  }
  EXPECT_EQ(header_of(call("GET", target_), "ETag"), tag) << "a trigger is no change of the webhook";
}

TEST_F(TriggersTest, ATriggerIsAmongItsWebhooksEvents) {
  EXPECT_EQ(trigger(), 200);
  const auto events = json::parse(call("GET", "/events?object.id=" + id().text()).body).as_array();
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[0].at("type").as_string(), "WebhookTriggered");
  EXPECT_EQ(json::serialize(events[0].at("object")),
            R"({"kind":"webhook","id":")" + id().text() + R"(","name":"Orders"})");
}

}  // namespace
}  // namespace mintmark::triggers_test
