#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/http/server.h"
#include "tests/support/api_instance.h"
#include "tests/support/raw_client.h"

// Server-sent events over a real socket, from an instance in this process.
namespace mintmark::event_stream_test {
namespace {

namespace json = boost::json;
using http::RequestBuilder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace ::mintmark::testing;

const std::string stream_path = "/public/v1/events/stream";

// What comes of one event in the stream.
struct Message {
  std::string id;
  std::string event;
  std::string data;

  bool operator==(const Message&) const = default;
};

// A client of server-sent events: what EventSource of a browser does, but for connecting anew.
class StreamClient {
 public:
  StreamClient(std::uint16_t port, const std::string& credentials, const std::string& query = "",
               const std::string& fields = "")
      : connection_(port) {
    connection_.send("GET " + stream_path + query + " HTTP/1.1\r\nHost: h\r\n" + credentials + "\r\n" +
                     fields + "\r\n");
    head_ = connection_.read_response(true);
  }

  const RawResponse& head() const { return head_; }
  // The next message; nothing at the end of the stream. The first one has neither event nor data.
  std::optional<Message> next() {
    auto end = received_.find("\n\n");
    while (end == std::string::npos) {
      const auto chunk = connection_.read_chunk();
      if (chunk.empty()) return std::nullopt;
      received_ += chunk;
      end = received_.find("\n\n");
    }
    Message message;
    std::string block = received_.substr(0, end + 1);
    received_.erase(0, end + 2);
    while (!block.empty()) {
      const auto line = block.substr(0, block.find('\n'));
      block.erase(0, line.size() + 1);
      if (line.starts_with("id: ")) message.id = line.substr(4);
      if (line.starts_with("event: ")) message.event = line.substr(7);
      if (line.starts_with("data: ")) message.data = line.substr(6);
    }
    return message;
  }
  // The types of the next messages.
  std::vector<std::string> types(std::size_t count) {
    std::vector<std::string> found;
    while (found.size() < count) {
      const auto message = next();
      if (!message) return found;
      found.emplace_back(json::parse(message->data).at("type").as_string());
    }
    return found;
  }
  void close() { connection_.reset(); }

 private:
  RawClient connection_;
  RawResponse head_;
  std::string received_;
};

class EventStreamTest : public ::testing::Test {
 protected:
  EventStreamTest() {
    user_ = instance_.add_user(account_, "ann@example.com");
    cookie_ = instance_.sign_in("ann@example.com", user_.password);
    options_.threads = 2;
    server_ = std::make_unique<http::Server>(options_, *instance_.api);
    server_->start();
  }

  std::string session() const { return "Cookie: mintmark_session=" + cookie_; }
  static std::string key(const CreatedToken& token) {
    return "Authorization: ApiKey " + token.value.key->text();
  }
  StreamClient open(const std::string& query = "", const std::string& fields = "") {
    return {server_->port(), session(), query, fields};
  }
  http::Response call(std::string_view method, const std::string& target) {
    return instance_.call(RequestBuilder(method, target)
                              .header("Cookie", "mintmark_session=" + cookie_)
                              .header("X-CSRF-Token", csrf_token(*instance_.services, cookie_)));
  }
  std::string newest() {
    return std::to_string(json::parse(call("GET", "/public/v1/events?limit=1").body)
                              .at(0)
                              .at("position")
                              .to_number<Position>());
  }

  ApiInstance instance_;
  const AccountId account_ = instance_.open_account("Acme");
  AddedUser user_{UserId::from_value(0), "", 0};
  std::string cookie_;
  http::ServerOptions options_{.port = 0};
  std::unique_ptr<http::Server> server_;
};

TEST_F(EventStreamTest, WhatHappensComesAsTheListShowsIt) {
  auto client = open();
  EXPECT_EQ(client.head().status, 200);
  EXPECT_EQ(client.head().header("Content-Type"), "text/event-stream");
  EXPECT_EQ(client.head().header("Cache-Control"), "no-store");
  EXPECT_EQ(client.next(), (Message{newest(), "", ""})) << "where it begins";
  instance_.create_token(account_);
  const auto message = client.next().value();
  EXPECT_EQ(message.id, newest());
  EXPECT_EQ(message.event, "change");
  EXPECT_EQ(json::parse(message.data), json::parse(call("GET", "/public/v1/events?limit=1").body).at(0));
}

TEST_F(EventStreamTest, TheFirstLineTellsWhenToConnectAnew) {
  RawClient client(server_->port());
  client.send("GET " + stream_path + " HTTP/1.1\r\nHost: h\r\n" + session() + "\r\n\r\n");
  EXPECT_EQ(client.read_response(true).status, 200);
  EXPECT_THAT(client.read_chunk(), ::testing::StartsWith("retry: 2000\n"));
}

// Scripts in browsers hear of events alone; one with an id would move where they go on.
TEST_F(EventStreamTest, AQuietOneTellsThatItIsThere) {
  EXPECT_EQ(instance_.services->event_stream_heartbeat, limits::event_stream_heartbeat);
  instance_.services->event_stream_heartbeat = std::chrono::milliseconds(1);
  auto client = open();
  EXPECT_EQ(client.next(), (Message{newest(), "", ""}));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.next(), (Message{"", "heartbeat", "{}"}));
  instance_.create_token(account_);
  auto message = client.next();
  while (message && message->event == "heartbeat") message = client.next();
  EXPECT_EQ(message.value().event, "change");
  EXPECT_EQ(message.value().id, newest());
  EXPECT_EQ(client.next(), (Message{"", "heartbeat", "{}"})) << "it goes on";
}

TEST_F(EventStreamTest, OtherAccountsEventsDoNotCome) {
  auto client = open();
  client.next();
  const auto stranger = instance_.open_account("Strangers");
  instance_.create_token(stranger);
  instance_.create_token(account_, CUSTOM, "Ours");
  EXPECT_EQ(json::parse(client.next()->data).at("object").at("name").as_string(), "Ours");
}

TEST_F(EventStreamTest, AClientGoesOnBehindTheLastThatItHasSeen) {
  const auto seen = newest();
  instance_.create_token(account_);
  instance_.create_token(account_, ZAPIER);
  {
    auto client = open("?after=" + seen);
    EXPECT_EQ(client.next(), (Message{seen, "", ""}));
    EXPECT_THAT(client.types(2), ElementsAre("TokenCreated", "TokenCreated"));
  }
  const auto position = newest();
  auto everything = open("?after=0");
  everything.next();
  EXPECT_THAT(everything.types(6), ElementsAre("AccountOpened", "UserAdded", "PasswordSet", "SessionOpened",
                                               "TokenCreated", "TokenCreated"));
  // The header that a browser sends by itself wins over what the page first asked for.
  auto again = open("?after=0", "Last-Event-ID: " + position + "\r\n");
  EXPECT_EQ(again.next(), (Message{position, "", ""}));
  instance_.open_account("Strangers");
  auto ahead = open("?after=18446744073709551615");
  EXPECT_EQ(ahead.next(), (Message{position, "", ""})) << "there is nothing behind it yet";
  instance_.create_token(account_);
  EXPECT_THAT(again.types(1), ElementsAre("TokenCreated"));
  EXPECT_THAT(ahead.types(1), ElementsAre("TokenCreated"));
}

TEST_F(EventStreamTest, ALongHistoryComesWholeAndInOrder) {
  for (int i = 0; i < 300; ++i) instance_.create_token(account_, CUSTOM, fmt::format("Token {}", i));
  auto history = open("?after=0");
  history.next();
  history.types(4);
  for (int i = 0; i < 300; ++i) {
    ASSERT_EQ(json::parse(history.next()->data).at("object").at("name").as_string(),
              fmt::format("Token {}", i));
  }
}

TEST_F(EventStreamTest, APositionThatIsNoneIsRefused) {
  for (const std::string query : {"?after=first", "?after=-1", "?after=", "?after=1&after=2"}) {
    RawClient client(server_->port());
    const auto response =
        client.exchange("GET " + stream_path + query + " HTTP/1.1\r\nHost: h\r\n" + session() + "\r\n\r\n");
    EXPECT_EQ(response.status, 400) << query;
    EXPECT_THAT(response.body, HasSubstr("after: "));
  }
  RawClient client(server_->port());
  const auto response = client.exchange(
      "GET " + stream_path + " HTTP/1.1\r\nHost: h\r\nLast-Event-ID: x\r\n" + session() + "\r\n\r\n");
  EXPECT_THAT(response.body, HasSubstr("Last-Event-ID: "));
}

TEST_F(EventStreamTest, NobodyUnknownGetsOne) {
  RawClient client(server_->port());
  EXPECT_EQ(client.exchange("GET " + stream_path + " HTTP/1.1\r\nHost: h\r\n\r\n").status, 401);
}

TEST_F(EventStreamTest, EndsWithItsSession) {
  auto client = open();
  client.next();
  ASSERT_EQ(call("POST", "/public/v1/auth/logout").status, 204);
  EXPECT_EQ(client.next(), std::nullopt) << "nothing more, not even of its end";
}

TEST_F(EventStreamTest, EndsWhenItsUserIsStopped) {
  auto client = open();
  client.next();
  Event event;
  event.mutable_user_deactivated();
  History(instance_.memory).add(stream_of(user_.id), event);
  EXPECT_EQ(client.next(), std::nullopt);
}

TEST_F(EventStreamTest, EndsWithTheTimeOfItsSession) {
  auto client = open();
  client.next();
  instance_.clock.advance(limits::session_time_max);
  instance_.create_token(account_);
  EXPECT_EQ(client.next(), std::nullopt);
}

TEST_F(EventStreamTest, EndsWithItsToken) {
  const auto token = instance_.create_token(account_);
  const auto other = instance_.create_token(account_);
  StreamClient client(server_->port(), key(token));
  StreamClient stays(server_->port(), key(other));
  client.next();
  stays.next();
  ASSERT_EQ(call("DELETE", "/public/v1/auth/tokens/" + token.row.token_id()).status, 204);
  EXPECT_EQ(client.next(), std::nullopt);
  EXPECT_THAT(stays.types(1), ElementsAre("TokenDeleted"));
}

TEST_F(EventStreamTest, EndsWhenItsTokenMayNoMore) {
  const auto token = instance_.create_token(account_);
  StreamClient client(server_->port(), key(token));
  client.next();
  Event event;
  event.mutable_permissions_granted()->add_modules(3);
  History(instance_.memory).add(stream_of(*TokenId::parse(token.row.token_id())), event);
  EXPECT_EQ(client.next(), std::nullopt);
}

TEST_F(EventStreamTest, EndsWhenTheServerStops) {
  auto client = open();
  auto other = open();
  client.next();
  other.next();
  auto stopped = std::async(std::launch::async, [&] { server_->stop(std::chrono::seconds(30)); });
  EXPECT_EQ(client.next(), std::nullopt);
  EXPECT_EQ(other.next(), std::nullopt);
  EXPECT_EQ(stopped.wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

TEST_F(EventStreamTest, IsLetGoWhereItsClientCloses) {
  std::vector<StreamSlots::Slot> held;
  for (std::size_t i = 1; i < limits::event_streams_per_account_max; ++i) {
    held.push_back(instance_.services->stream_slots.enter(account_).value());
  }
  auto client = std::make_unique<StreamClient>(server_->port(), session());
  client->next();
  RawClient refused(server_->port());
  const auto request = "GET " + stream_path + " HTTP/1.1\r\nHost: h\r\n" + session() + "\r\n\r\n";
  const auto response = refused.exchange(request);
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(response.header("Retry-After"), "10");
  client.reset();
  // Its place is free once the server has seen that, without anything having happened.
  int status = 429;
  while (status == 429) {
    RawClient again(server_->port());
    again.send(request);
    status = again.read_response(true).status;
  }
  EXPECT_EQ(status, 200);
}

TEST_F(EventStreamTest, HeadTellsThatThereIsOne) {
  RawClient client(server_->port());
  client.send("HEAD " + stream_path + " HTTP/1.1\r\nHost: h\r\n" + session() + "\r\n\r\n");
  const auto response = client.read_response(true);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.header("Content-Type"), "text/event-stream");
}

TEST_F(EventStreamTest, ManyHearOfOneEventAndNobodyOfOthers) {
  std::vector<std::unique_ptr<StreamClient>> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(std::make_unique<StreamClient>(server_->port(), session()));
    clients.back()->next();
  }
  instance_.create_token(account_);
  const auto first = clients.front()->next();
  for (std::size_t i = 1; i < clients.size(); ++i) EXPECT_EQ(clients[i]->next(), first);
}

}  // namespace
}  // namespace mintmark::event_stream_test
