// The account's events as the real server tells them: list, history, export, stream.
#include <future>
#include <memory>
#include <optional>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>

#include "tests/support/raw_client.h"
#include "tests/system/fixture.h"

namespace mintmark::testing::events_test {
namespace {

namespace json = boost::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// One message of a stream.
struct Message {
  std::string id;
  std::string data;
};

class EventSource {
 public:
  EventSource(std::uint16_t port, const RestClient& client, const std::string& query = "",
              const Headers& headers = {})
      : connection_(port) {
    connection_.send(client.text_of("GET", "/events/stream" + query, "", headers));
    status_ = connection_.read_response(true).status;
  }

  int status() const { return status_; }
  // Nothing where the stream has ended.
  std::optional<Message> next() {
    while (received_.find("\n\n") == std::string::npos) {
      const auto chunk = connection_.read_chunk();
      if (chunk.empty()) return std::nullopt;
      received_ += chunk;
    }
    const auto block = received_.substr(0, received_.find("\n\n") + 1);
    received_.erase(0, block.size() + 1);
    return Message{field(block, "id: "), field(block, "data: ")};
  }
  std::string next_type() {
    const auto message = next();
    return message ? std::string(json::parse(message->data).at("type").as_string()) : "the end";
  }

 private:
  static std::string field(const std::string& block, const std::string& name) {
    const auto begin = block.find(name);
    if (begin == std::string::npos) return "";
    return block.substr(begin + name.size(), block.find('\n', begin) - begin - name.size());
  }

  RawClient connection_;
  int status_ = 0;
  std::string received_;
};

std::vector<std::string> types(const RestResponse& response) {
  EXPECT_EQ(response.status, 200) << response.body;
  std::vector<std::string> found;
  for (const auto& event : response.array()) found.emplace_back(event.at("type").as_string());
  return found;
}

class Events : public ServerTest {};

TEST_F(Events, AreListedFilteredAndExported) {
  auto client = owner();
  const auto token = create_token(client, "Listed");
  const auto id = text(token, "id");
  ASSERT_EQ(client.post(path_of(token) + "/reveal", "").status, 200);
  ASSERT_EQ(client.remove(path_of(token)).status, 204);
  const auto history = client.get("/events?object.id=" + id);
  EXPECT_THAT(types(history), ElementsAre("TokenDeleted", "TokenRevealed", "TokenCreated"));
  EXPECT_EQ(history.header("Content-Range"), "items 0-2/3");
  EXPECT_THAT(types(client.get("/events?limit=1")), ElementsAre("TokenDeleted"));
  EXPECT_THAT(types(client.get("/events?object.id=" + id + "&type=TokenRevealed")),
              ElementsAre("TokenRevealed"));
  const auto user = history.array().at(0).at("actor").as_object();
  EXPECT_EQ(text(user, "email"), folder().email());
  const auto lines = client.get("/events/export?format=jsonl&object.id=" + id);
  EXPECT_EQ(lines.header("Transfer-Encoding"), "chunked");
  EXPECT_EQ(lines.body, json::serialize(history.array().at(2)) + "\n" +
                            json::serialize(history.array().at(1)) + "\n" +
                            json::serialize(history.array().at(0)) + "\n");
  const auto table = client.get("/events/export?format=csv&object.id=" + id);
  EXPECT_EQ(std::ranges::count(table.body, '\n'), 4);
  EXPECT_THAT(table.header("Content-Disposition").value_or(""), HasSubstr("attachment"));
  // No value that was made, shown or destroyed is in any of it.
  const auto secret = text(token, "token").substr(id.size() + 1);
  for (const auto& body : {history.body, lines.body, table.body}) {
    EXPECT_EQ(body.find(secret), std::string::npos);
  }
}

TEST_F(Events, ComeAsTheyHappenAndGoOnWhereTheyWereLeft) {
  auto client = owner();
  std::string seen;
  {
    EventSource source(server().port(), client);
    ASSERT_EQ(source.status(), 200);
    seen = source.next()->id;
    create_token(client, "First");
    const auto message = source.next().value();
    EXPECT_EQ(json::parse(message.data).at("object").at("name").as_string(), "First");
    EXPECT_EQ(json::parse(message.data), client.get("/events?limit=1").array().at(0));
    seen = message.id;
  }
  create_token(client, "While nobody listened");
  EventSource source(server().port(), client, "", {{"Last-Event-ID", seen}});
  EXPECT_EQ(source.next()->id, seen);
  EXPECT_EQ(json::parse(source.next()->data).at("object").at("name").as_string(), "While nobody listened");
  create_token(client, "Afterwards");
  EXPECT_EQ(json::parse(source.next()->data).at("object").at("name").as_string(), "Afterwards");
}

TEST_F(Events, StopComingWhenTheSessionOrTheTokenEnds) {
  auto client = owner();
  auto leaving = owner();
  const auto token = create_token(client, "Listening");
  auto program = bearer(text(token, "token"));
  EventSource of_session(server().port(), leaving);
  EventSource of_token(server().port(), program);
  EventSource stays(server().port(), client);
  for (auto* source : {&of_session, &of_token, &stays}) source->next();
  ASSERT_EQ(leaving.post("/auth/logout", "").status, 204);
  EXPECT_FALSE(of_session.next());
  ASSERT_EQ(client.remove(path_of(token)).status, 204);
  EXPECT_EQ(of_token.next_type(), "SessionClosed");
  EXPECT_FALSE(of_token.next());
  EXPECT_EQ(stays.next_type(), "SessionClosed");
  EXPECT_EQ(stays.next_type(), "TokenDeleted");
}

TEST_F(Events, EndAtOnceWithTheServerAlsoForWhoNeverReads) {
  const InitialisedFolder other;
  ServerProcess stopping(other.path());
  RestClient client(stopping.port());
  client.log_in(other.email(), other.password());
  std::vector<std::unique_ptr<RawClient>> deaf;
  for (int i = 0; i < 50; ++i) {
    deaf.push_back(
        std::make_unique<RawClient>(stopping.port(), RawClient::Options{.receive_buffer_bytes = 4096}));
    deaf.back()->send(client.text_of("GET", "/events/stream?after=0", "", {}));
  }
  EventSource source(stopping.port(), client);
  source.next();
  for (int i = 0; i < 20; ++i) create_token(client, "Token");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(source.next_type(), "TokenCreated");
  auto stopped = std::async(std::launch::async, [&] { return stopping.stop(); });
  EXPECT_FALSE(source.next());
  EXPECT_EQ(stopped.get().exit_code, 0);
}

}  // namespace
}  // namespace mintmark::testing::events_test
