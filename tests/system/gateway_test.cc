// Real nginx with the example's own configuration in front of an API.
#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/system/fixture.h"
#include "tests/system/listener.h"

namespace mintmark::testing::gateway_test {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

// An API that keeps the heads of the requests it gets.
class RecordingApi {
 public:
  RecordingApi() : thread_([this] { run(); }) {}
  ~RecordingApi() {
    ::shutdown(listener_.socket(), SHUT_RDWR);
    thread_.join();
  }
  std::uint16_t port() const { return listener_.port(); }
  std::vector<std::string> heads() const {
    const std::lock_guard lock(mutex_);
    return heads_;
  }

 private:
  void run() {
    for (;;) {
      const int connection = ::accept4(listener_.socket(), nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) return;
      answer(connection);
      ::close(connection);
    }
  }
  void answer(int connection) {
    std::string head;
    std::array<char, 4096> buffer{};
    pollfd readable{connection, POLLIN, 0};
    while (head.find("\r\n\r\n") == std::string::npos && ::poll(&readable, 1, 10'000) > 0) {
      const auto size = ::recv(connection, buffer.data(), buffer.size(), 0);
      if (size <= 0) return;
      head.append(buffer.data(), static_cast<std::size_t>(size));
    }
    {
      const std::lock_guard lock(mutex_);
      heads_.push_back(head);
    }
    constexpr std::string_view response =
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    ::send(connection, response.data(), response.size(), MSG_NOSIGNAL);
  }

  Listener listener_;
  mutable std::mutex mutex_;
  std::vector<std::string> heads_;
  std::thread thread_;
};

void replace_all(std::string& text, std::string_view what, const std::string& by) {
  std::size_t at = text.find(what);
  ASSERT_NE(at, std::string::npos) << what;
  for (; at != std::string::npos; at = text.find(what, at + by.size())) text.replace(at, what.size(), by);
}

std::string local(std::uint16_t port) {
  return "127.0.0.1:" + std::to_string(port);
}

// nginx with examples/nginx/nginx.conf but for the ports. It takes over sockets that listen already, as it
// does when its program is replaced (its variable NGINX), so no port is ever free for others, and no wait is
// needed.
class Nginx {
 public:
  enum class Asks : std::uint8_t { kAsTheExample, kAsCaddy };

  // `api` is where the API's upstream is; 0: the example's own stand-in. kAsCaddy tells the original request
  // as Caddy and Traefik do: in X-Forwarded-*, and with the client's other fields.
  Nginx(std::uint16_t mintmark, std::uint16_t api, Asks asks = Asks::kAsTheExample) {
    std::ifstream example("examples/nginx/nginx.conf");
    std::string settings{std::istreambuf_iterator<char>(example), {}};
    replace_all(settings, "127.0.0.1:8080", local(mintmark));
    replace_all(settings, "127.0.0.1:8081", local(gateway_.port()));
    if (api != 0) replace_all(settings, "server 127.0.0.1:8082;", "server " + local(api) + ";");
    replace_all(settings, "127.0.0.1:8082", local(stand_in_.port()));
    if (asks == Asks::kAsCaddy) {
      replace_all(settings, "X-Original-Method", "X-Forwarded-Method");
      replace_all(settings, "X-Original-URI", "X-Forwarded-Uri");
      replace_all(settings, "proxy_pass_request_headers off", "proxy_pass_request_headers on");
    }
    std::ofstream(folder_.file("nginx.conf")) << settings;

    const char* path = std::getenv("PATH");
    const auto search =
        std::string("PATH=") + (path ? path : "") + ":/usr/sbin";  // not in everybody's on Debian
    Process::Options options;
    options.command = {"env", search, "nginx", "-p", folder_.path(), "-c", folder_.file("nginx.conf")};
    options.environment["NGINX"] = fmt::format("{};{};", gateway_.socket(), stand_in_.socket());
    options.inherited = {gateway_.socket(), stand_in_.socket()};
    options.death_signal = SIGTERM;  // upon which it ends its workers
    process_ = std::make_unique<Process>(options);
  }

  RestClient client() const { return RestClient(gateway_.port()); }
  std::string log() const { return process_->err(); }

 private:
  TemporaryFolder folder_;
  Listener gateway_;
  Listener stand_in_;
  std::unique_ptr<Process> process_;
};

class Gateway : public ServerTest {
 protected:
  static RestResponse call(RestClient& client, const std::string& key, const Headers& further = {}) {
    auto headers = further;
    headers["Authorization"] = "ApiKey " + key;
    return client.send("GET", "//agreements/", "", headers);
  }
};

TEST_F(Gateway, LetsAFreshKeyInAndNoOther) {
  auto people = owner();
  const auto token = create_token(people, "Partner Ä");
  const auto key = text(token, "token");
  const Nginx nginx(server().port(), 0);
  auto client = nginx.client();
  const auto answer = call(client, key);
  EXPECT_EQ(answer.status, 200) << answer.body << nginx.log();
  EXPECT_THAT(answer.body, HasSubstr(R"([{"id":"AGP-884-016-129")"));
  EXPECT_EQ(answer.header("X-Arrived-Account"), folder().account());
  EXPECT_EQ(answer.header("X-Arrived-Token"), text(token, "id"));
  EXPECT_EQ(answer.header("X-Arrived-Name"), "Partner %C3%84");
  EXPECT_EQ(answer.header("X-Arrived-Type"), "custom");
  EXPECT_FALSE(answer.header("X-Arrived-Authorization"));

  auto edited = key;
  edited.back() = edited.back() == '0' ? '1' : '0';
  const auto refused = call(client, edited);
  expect_error(refused, 401, "AUTH_001");
  EXPECT_EQ(refused.header("WWW-Authenticate"), "ApiKey realm=\"mintmark\"");
  EXPECT_THAT(refused.body, Not(HasSubstr("AGP-")));
  EXPECT_EQ(client.get("//agreements/").status, 401);
  EXPECT_EQ(client.send("GET", "//_mintmark", "", {{"Authorization", "ApiKey " + key}}).status, 404)
      << "internal";
  EXPECT_EQ(call(client, key).status, 200);
}

TEST_F(Gateway, TellsAKnownKeyThatMayNotSo) {
  auto people = owner();
  const auto token = create_token(people, "Idle");
  ASSERT_EQ(people.post(path_of(token) + "/deactivate", "").status, 200);
  const Nginx nginx(server().port(), 0);
  auto client = nginx.client();
  const auto refused = call(client, text(token, "token"));
  expect_error(refused, 403, "AUTH_003");
  EXPECT_FALSE(refused.header("WWW-Authenticate"));
}

TEST_F(Gateway, RefusesADeletedKeyOnTheVeryNextRequest) {
  auto people = owner();
  const Nginx nginx(server().port(), 0);
  auto client = nginx.client();
  for (int i = 0; i < 20; ++i) {
    const auto token = create_token(people, "Short-lived");
    const auto key = text(token, "token");
    ASSERT_EQ(call(client, key).status, 200);
    ASSERT_EQ(people.remove(path_of(token)).status, 204);
    ASSERT_EQ(call(client, key).status, 401);
  }
}

TEST_F(Gateway, TellsTheApiWhoCallsByMintmarksWordAlone) {
  auto people = owner();
  const auto token = create_token(people, "Honest");
  const auto key = text(token, "token");
  const RecordingApi api;
  const Nginx nginx(server().port(), api.port());
  auto client = nginx.client();
  const Headers forged{{"X-Mintmark-Account", "forged"}, {"x-mintmark-account", "forged"},
                       {"X-MINTMARK-TOKEN", "forged"},   {"X-Mintmark-Name", "forged"},
                       {"X-Mintmark-Type", "forged"},    {"X_Mintmark_Account", "forged"},
                       {"x_mintmark-token", "forged"},   {"X-Custom", "kept"}};
  EXPECT_EQ(call(client, key, forged).status, 200) << nginx.log();
  ASSERT_EQ(api.heads().size(), 1U);
  const auto head = api.heads().front();
  EXPECT_THAT(head, Not(HasSubstr("forged")));
  EXPECT_THAT(head, Not(HasSubstr(key.substr(key.find(':')))));
  EXPECT_THAT(head, Not(HasSubstr("Authorization")));
  EXPECT_THAT(head, HasSubstr("X-Mintmark-Account: " + folder().account() + "\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Mintmark-Token: " + text(token, "id") + "\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Mintmark-Name: Honest\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Mintmark-Type: custom\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Custom: kept\r\n"));

  EXPECT_EQ(client.send("GET", "//agreements/", "", forged).status, 401);
  EXPECT_EQ(api.heads().size(), 1U) << "nothing of a refused request reaches the API";
}

TEST_F(Gateway, IsNotToldByItsClientWhatThatAsksFor) {
  auto people = owner();
  const auto token = create_token(people, "Restricted");
  const auto granted = people.post(path_of(token) + "/permissions", R"({"object":{"id":"MD-0001"}})");
  ASSERT_EQ(granted.status, 201) << granted.body;
  const RecordingApi api;
  for (const auto asks : {Nginx::Asks::kAsTheExample, Nginx::Asks::kAsCaddy}) {
    const Nginx nginx(server().port(), api.port(), asks);
    auto client = nginx.client();
    const auto status = [&](const std::string& path, Headers headers) {
      headers["Authorization"] = "ApiKey " + text(token, "token");
      return client.send("GET", "/" + path, "", headers).status;
    };
    EXPECT_EQ(status("/agreements/", {}), 200) << nginx.log();
    EXPECT_EQ(status("/agreements/", {{"X-Forwarded-Host", "example.com"}}), 200);
    EXPECT_EQ(status("/products/", {}), 403);
    for (const auto* field : {"X-Original-URI", "X-Forwarded-Uri", "x-original-uri", "X-FORWARDED-URI"}) {
      EXPECT_EQ(status("/products/", {{field, "/agreements/"}}), 403) << field;
    }
    EXPECT_EQ(status("/products/", {{"X-Original-Method", "GET"}, {"X-Original-URI", "/agreements/"}}), 403);
    EXPECT_EQ(status("/products/", {{"X-Forwarded-Method", "GET"}, {"X-Forwarded-Uri", "/agreements/"}}),
              403);
  }
  for (const auto& head : api.heads()) EXPECT_THAT(head, StartsWith("GET /agreements/ "));
  EXPECT_EQ(api.heads().size(), 4U);
}

TEST_F(Gateway, LetsNobodyInWithoutMintmark) {
  const InitialisedFolder own;
  const auto key = text(own.run_json({"token", "create", "--account", own.account(), "--name", "x"}), "key");
  ServerProcess mintmark(own.path());
  const Nginx nginx(mintmark.port(), 0);
  auto client = nginx.client();
  EXPECT_EQ(call(client, key).status, 200);
  mintmark.kill();
  const auto answer = call(client, key);
  expect_error(answer, 503, "SRV_001");
  EXPECT_EQ(answer.header("Retry-After"), "1");
}

}  // namespace
}  // namespace mintmark::testing::gateway_test
