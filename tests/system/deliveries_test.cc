// Webhooks as a running server delivers them over real sockets: to receivers that behave and that do not,
// through refusals, and through kill -9.
#include <algorithm>
#include <condition_variable>
#include <iostream>
#include <map>
#include <mutex>
#include <random>
#include <stdexcept>
#include <thread>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>

#include "tests/support/long_form.h"
#include "tests/support/webhook_receiver.h"
#include "tests/system/fixture.h"

namespace mintmark::testing::deliveries_test {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;

const Arguments to_loopback = {
    "--webhook-networks", "127.0.0.0/8", "--webhook-ports", "0", "--webhook-timeout", "2"};

class Deliveries : public ::testing::Test {
 protected:
  Deliveries()
      : key_(text(folder_.run_json({"token", "create", "--account", folder_.account(), "--name", "operator"}),
                  "key")) {}

  void start(const Arguments& further = to_loopback) {
    server_ = std::make_unique<ServerProcess>(folder_.path(), further);
  }
  RestClient api() const {
    RestClient client(server_->port());
    client.use_key(key_);
    return client;
  }
  std::string create_webhook(const std::string& url,
                             const std::string& object_class = "fulfillment_request") {
    const json::object body{{"label", "Orders"},
                            {"object_class", object_class},
                            {"external_url", url},
                            {"jwt_secret", "a secret"}};
    const auto made = api().post("/notifications/webhooks", json::serialize(body));
    EXPECT_EQ(made.status, 201) << made.body;
    return text(made.object(), "id");
  }
  void trigger(RestClient& client, const std::string& webhook, const std::string& data = "{}") {
    const auto answer =
        client.post("/notifications/webhooks/" + webhook + "/trigger", R"({"data":)" + data + "}");
    EXPECT_EQ(answer.status, 200) << answer.body;
  }
  // The webhook's newest delivery, once it has been attempted.
  json::object attempted(const std::string& webhook) {
    auto client = api();
    json::object delivery;
    expect_eventually([&] {
      const auto deliveries = client.get("/notifications/webhooks/" + webhook + "/deliveries").array();
      if (deliveries.empty()) return false;
      delivery = deliveries.front().as_object();
      return !delivery.at("attempts").as_array().empty();
    });
    return delivery;
  }

  InitialisedFolder folder_;
  const std::string key_;
  WebhookReceiver receiver_;
  std::unique_ptr<ServerProcess> server_;
};

TEST_F(Deliveries, EveryReceiversMisbehaviourHasItsOutcome) {
  start();
  struct Case {
    std::string path;
    std::string status;  // of the delivery
    json::value answered;
    std::string error;
  };
  const std::vector<Case> cases{
      {"/ok/1", "done", 200, ""},
      {"/204", "done", 204, ""},
      {"/endless", "done", 200, ""},
      {"/vanish", "done", 200, ""},
      {"/301", "waiting", 301, "answered 301"},
      {"/429", "waiting", 429, "answered 429"},
      {"/503", "waiting", 503, "answered 503"},
      {"/410", "dead", 410, "answered 410"},
      {"/black-hole", "waiting", nullptr, "in time"},
      {"/drip", "waiting", nullptr, "in time"},
      {"/reset", "waiting", nullptr, "closed the connection"},
      {"stalls in TLS", "waiting", nullptr, "in time"},
  };
  std::map<std::string, std::string> webhooks;
  auto client = api();
  for (const auto& one : cases) {
    // Behind https is nobody who speaks TLS: the receiver waits for a request for ever.
    const bool is_tls = !one.path.starts_with('/');
    webhooks[one.path] =
        create_webhook(is_tls ? "https" + receiver_.url("/tls").substr(4) : receiver_.url(one.path));
    trigger(client, webhooks[one.path]);
  }
  for (const auto& one : cases) {
    SCOPED_TRACE(one.path);
    const auto delivery = attempted(webhooks[one.path]);
    EXPECT_EQ(text(delivery, "status"), one.status);
    const auto& attempt = delivery.at("attempts").as_array().at(0).as_object();
    EXPECT_EQ(attempt.at("status"), one.answered);
    EXPECT_EQ(attempt.at("error").is_null(), one.error.empty());
    EXPECT_EQ(attempt.at("failure").is_null(), one.error.empty());
    if (!one.error.empty()) EXPECT_THAT(text(attempt, "error"), HasSubstr(one.error));
  }
  for (const auto& call : receiver_.calls())
    EXPECT_NE(call.path, "/ok/elsewhere") << "a redirection was followed";
  expect_eventually([&] {
    const auto webhook = client.get("/notifications/webhooks/" + webhooks["/410"]).object();
    return !webhook.at("active").as_bool() && !webhook.at("inactive_reason").is_null() &&
           text(webhook, "inactive_code") == "gone" && webhook.at("inactive_since").is_null();
  });
  EXPECT_EQ(server_->stop().exit_code, 0);
}

TEST_F(Deliveries, CarryWhatProvesThem) {
  start();
  auto client = api();
  const auto webhook = create_webhook(receiver_.url("/ok"), "token");
  const auto token = create_token(client, "Billing");
  ASSERT_TRUE(receiver_.await(1));
  const auto call = receiver_.calls().front();
  const auto body = json::parse(call.body).as_object();
  EXPECT_EQ(text(body, "webhook_id"), webhook);
  EXPECT_EQ(text(body.at("data").as_object(), "event"), "token.created");
  EXPECT_EQ(text(body.at("data").as_object(), "id"), text(token, "id"));
  EXPECT_EQ(text(body, "api_url"), server_->endpoint() + "/public/v1") << "the port that the system picked";
  EXPECT_EQ(call.body.find(text(token, "token").substr(15)), std::string::npos);
  EXPECT_TRUE(call.headers.at("authorization").starts_with("Bearer "));
  EXPECT_EQ(call.headers.at("authentication"), call.headers.at("authorization"));
  EXPECT_TRUE(call.headers.at("webhook-id").starts_with("msg_"));
  EXPECT_TRUE(call.headers.at("webhook-signature").starts_with("v1,"));
  EXPECT_FALSE(call.headers.at("webhook-timestamp").empty());
}

TEST_F(Deliveries, GoNowhereThatTheOperatorDoesNotAllow) {
  start();
  const auto webhook = create_webhook(receiver_.url("/ok"));
  EXPECT_EQ(server_->stop().exit_code, 0);
  start({});
  auto client = api();
  expect_error(client.post("/notifications/webhooks",
                           json::serialize(json::object{{"label", "Refused"},
                                                        {"object_class", "token"},
                                                        {"external_url", receiver_.url("/ok")}})),
               400, "VAL_001");
  const auto tested = client.post("/notifications/webhooks/" + webhook + "/test", "");
  ASSERT_EQ(tested.status, 202) << tested.body;
  const auto delivery = attempted(webhook);
  const auto& attempt = delivery.at("attempts").as_array().at(0).as_object();
  EXPECT_THAT(text(attempt, "error"), ::testing::AnyOf(HasSubstr("address"), HasSubstr("port")));
  EXPECT_EQ(receiver_.count(), 0);
  const auto listed = folder_.run({"jobs", "list", "--account", folder_.account()});
  EXPECT_THAT(listed.out, HasSubstr(text(tested.object(), "id")));
  EXPECT_EQ(folder_.run({"jobs", "cancel", text(tested.object(), "id")}).exit_code, 0);
}

TEST_F(Deliveries, ANewTokenWaitsForTheProvisioningUrl) {
  auto arguments = to_loopback;
  arguments.insert(arguments.end(), {"--provisioning-url", receiver_.url("/503")});
  start(arguments);
  auto client = api();
  const auto token = create_token(client, "Zap", "zapier");
  expect_eventually([&] { return !client.get(path_of(token)).object().at("provisioning").is_null(); });
  const auto shown = client.get(path_of(token)).object();
  EXPECT_EQ(text(shown, "status"), "pending");
  EXPECT_THAT(text(shown.at("provisioning").as_object(), "error"), HasSubstr("503"));
  EXPECT_EQ(server_->stop().exit_code, 0);
  arguments.back() = receiver_.url("/ok/provisioning");
  start(arguments);
  client = api();
  const auto job = text(shown.at("provisioning").as_object().at("job").as_object(), "id");
  EXPECT_EQ(client.post("/jobs/" + job + "/retry", "").status, 200);
  expect_eventually([&] { return text(client.get(path_of(token)).object(), "status") == "active"; });
}

// "WebhookTriggered" of the log → the webhook-id that its delivery has.
std::string message_of(const json::object& event) {
  auto id = text(event, "event_id");
  std::erase(id, '-');
  auto webhook = text(event, "stream").substr(std::string_view("trigger-WH-").size());
  std::erase(webhook, '-');
  webhook.resize(9);  // what is behind it tells triggers apart
  return "msg_" + id + "_" + webhook;
}

// Where the server is at the moment, for clients that go on through its deaths.
class Lives {
 public:
  void begin(std::uint16_t port) {
    const std::scoped_lock lock(mutex_);
    port_ = port;
    ++number_;
    changed_.notify_all();
  }
  void end() {
    const std::scoped_lock lock(mutex_);
    port_ = 0;
    changed_.notify_all();
  }
  struct Life {
    std::uint16_t port;
    int number;
  };
  // One that is not the life of that number, which has failed the caller.
  Life await_another(int number) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return port_ != 0 && number_ != number; });
    return {port_, number_};
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint16_t port_ = 0;  // 0: it is dead
  int number_ = 0;
};

// Triggers that webhook so often, each under a key of its own until it is acknowledged.
void trigger_until_acknowledged(Lives& lives, const std::string& key, const std::string& webhook,
                                std::size_t times) {
  auto life = lives.await_another(0);
  for (std::size_t n = 0; n < times;) {
    RestClient client(life.port);
    client.use_key(key);
    try {
      for (; n < times; ++n) {
        const auto answer = client.post("/notifications/webhooks/" + webhook + "/trigger", "{}",
                                        {{"Idempotency-Key", webhook + "-" + std::to_string(n)}});
        if (answer.status == 503) break;  // the server has too much to do: again
        ASSERT_EQ(answer.status, 200) << answer.body;
      }
    } catch (const std::runtime_error&) {  // its server was killed
      life = lives.await_another(life.number);
    }
  }
}

// What the log says: the webhook-id of each trigger's delivery, and how often it is recorded as a success.
std::map<std::string, int> recorded_successes(const InitialisedFolder& folder) {
  std::map<std::int64_t, std::string> messages;
  std::map<std::string, int> successes;
  for (const auto& event : replay(folder)) {
    if (text(event, "type") == "WebhookTriggered") {
      const auto message = message_of(event);
      messages[event.at("position").as_int64()] = message;
      successes[message] = 0;
    }
    if (text(event, "type") != "WebhookDeliveriesRecorded") continue;
    for (const auto& attempt : event.at("data").at("attempts").as_array()) {
      if (attempt.at("failure").as_string() != "ATTEMPT_SUCCEEDED") continue;
      ++successes[messages.at(attempt.at("job").at("position").as_int64())];
    }
  }
  return successes;
}

TEST_F(Deliveries, SurviveKillingWithoutLossAndAreRecordedOnce) {
  const auto wanted = number_from_environment("DELIVERIES", 2000);
  constexpr std::size_t webhooks_count = 32;
  std::mt19937 random(std::random_device{}());
  start();
  Lives lives;
  std::vector<std::thread> clients;
  for (std::size_t i = 0; i < webhooks_count; ++i) {
    const auto webhook = create_webhook(receiver_.url("/ok/" + std::to_string(i)));
    const auto share = wanted / webhooks_count + (i < wanted % webhooks_count ? 1 : 0);
    clients.emplace_back([&, webhook, share] { trigger_until_acknowledged(lives, key_, webhook, share); });
  }
  int kills = 0;
  lives.begin(server_->port());
  // Some are under way whenever it dies.
  for (auto next = receiver_.count(); next < wanted; next = receiver_.count()) {
    next = std::min(wanted, next + 40 + random() % 400);
    if (!receiver_.await(next)) {
      ADD_FAILURE() << "only " << receiver_.count() << " calls";
      break;
    }
    lives.end();
    server_->kill();
    ++kills;
    start();
    lives.begin(server_->port());
  }
  for (auto& client : clients) client.join();
  auto client = api();
  expect_eventually([&] { return client.get("/jobs").array().empty(); }, std::chrono::seconds(120));
  EXPECT_EQ(server_->stop().exit_code, 0);
  const auto recorded = recorded_successes(folder_);
  EXPECT_EQ(recorded.size(), wanted);
  std::map<std::string, int> received;
  for (const auto& call : receiver_.calls()) ++received[call.headers.at("webhook-id")];
  EXPECT_EQ(received.size(), wanted);
  for (const auto& [message, times] : recorded) {
    EXPECT_EQ(times, 1) << message;
    EXPECT_TRUE(received.contains(message)) << message;
  }
  std::cout << wanted << " deliveries through " << kills << " kills, " << receiver_.count() << " calls\n";
}

}  // namespace
}  // namespace mintmark::testing::deliveries_test
