#include "tests/system/fixture.h"

#include <sstream>
#include <stdexcept>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace mintmark::testing {

namespace json = boost::json;

std::unique_ptr<InitialisedFolder> ServerTest::folder_;
std::unique_ptr<ServerProcess> ServerTest::server_;

void ServerTest::SetUpTestSuite() {
  folder_ = std::make_unique<InitialisedFolder>();
  server_ = std::make_unique<ServerProcess>(folder_->path());
}

void ServerTest::TearDownTestSuite() {
  if (server_) {
    const auto finished = server_->stop();
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
  }
  server_.reset();
  folder_.reset();
}

RestClient ServerTest::owner() {
  RestClient client(server_->port());
  client.log_in(folder_->email(), folder_->password());
  return client;
}

RestClient ServerTest::bearer(const std::string& key) {
  RestClient client(server_->port());
  client.use_key(key);
  return client;
}

std::string text(const json::object& object, std::string_view name) {
  return std::string(object.at(name).as_string());
}

json::object create_token(RestClient& client, std::string_view name, std::string_view extension) {
  const json::object body{{"name", name}, {"extension", {{"name", extension}}}};
  const auto answer = client.post("/auth/tokens", json::serialize(body));
  if (answer.status != 201) throw std::runtime_error("no token was created: " + answer.head + answer.body);
  return answer.object();
}

std::string path_of(const json::object& token) {
  return path_of(text(token, "id"));
}

std::string path_of(std::string_view token_id) {
  return std::string("/auth/tokens/").append(token_id);
}

int authorize(std::uint16_t port, const std::string& key) {
  RestClient client(port);
  client.use_key(key);
  return client.get("//authorize").status;
}

void expect_error(const RestResponse& response, int status, std::string_view code) {
  EXPECT_EQ(response.status, status) << response.body;
  EXPECT_EQ(response.header("Content-Type"), "application/json");
  boost::system::error_code invalid;
  const auto body = json::parse(response.body, invalid);
  ASSERT_TRUE(!invalid && body.is_object()) << response.body;
  const auto& object = body.as_object();
  EXPECT_EQ(object.size(), 2U) << response.body;
  ASSERT_TRUE(object.contains("error_code") && object.contains("errors")) << response.body;
  EXPECT_EQ(object.at("error_code"), json::value(code));
  ASSERT_TRUE(object.at("errors").is_array());
  EXPECT_FALSE(object.at("errors").as_array().empty());
  for (const auto& message : object.at("errors").as_array()) {
    ASSERT_TRUE(message.is_string());
    EXPECT_FALSE(message.as_string().empty());
  }
}

void expect_eventually(const std::function<bool()>& holds, std::chrono::seconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (!holds()) {
    ASSERT_LT(std::chrono::steady_clock::now(), end) << "it did not come true in time";
  }
}

std::vector<json::object> replay(const InitialisedFolder& folder, std::int64_t from) {
  const auto finished = folder.run({"replay", "--json", "--from", std::to_string(from)});
  if (finished.exit_code != 0) throw std::runtime_error("replay failed: " + finished.err);
  std::vector<json::object> events;
  std::istringstream lines(finished.out);
  for (std::string line; std::getline(lines, line);) events.push_back(json::parse(line).as_object());
  return events;
}

}  // namespace mintmark::testing
