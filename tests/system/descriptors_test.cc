// A server without file descriptors to spare.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/support/process.h"
#include "tests/system/fixture.h"

namespace mintmark::testing::descriptors_test {
namespace {

namespace fs = std::filesystem;

pid_t only_child() {
  std::ifstream children("/proc/thread-self/children");
  pid_t child = 0;
  children >> child;
  return child;
}

rlim_t open_files_of(pid_t process) {
  const fs::directory_iterator files("/proc/" + std::to_string(process) + "/fd");
  return static_cast<rlim_t>(std::distance(fs::begin(files), fs::end(files)));
}

class Descriptors : public ::testing::Test {
 protected:
  RestClient owner(std::uint16_t port) const {
    RestClient client(port);
    client.log_in(folder_.email(), folder_.password());
    return client;
  }

  const InitialisedFolder folder_;
};

// A connection to a socket of the file system, closed with its object.
class UnixConnection {
 public:
  explicit UnixConnection(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << path;
  }
  ~UnixConnection() { ::close(fd_); }
  UnixConnection(const UnixConnection&) = delete;
  UnixConnection& operator=(const UnixConnection&) = delete;

 private:
  int fd_;
};

constexpr std::string_view health = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";

// More clients than there are descriptors: those beyond the server's own bound are turned away, and the log
// always has one to open its next file with.
TEST_F(Descriptors, ClientsCannotTakeThoseThatTheLogNeeds) {
  // The limit that the program cannot raise; it stays with the shell that becomes the program.
  Process server({.command = {"sh", "-c", "ulimit -n 400 && exec \"$@\"", "sh", MINTMARK_PROGRAM, "serve",
                              "--data", folder_.path(), "--listen", "127.0.0.1:0"}});
  constexpr std::string_view address = "serves http://127.0.0.1:";
  const auto line = server.await_error_line(address, std::chrono::seconds(30));
  ASSERT_TRUE(line) << server.err();
  const auto port = static_cast<std::uint16_t>(std::stoul(line->substr(address.size())));
  auto client = owner(port);
  std::vector<std::unique_ptr<RawClient>> crowd;
  for (int i = 0; i < 450; ++i) crowd.push_back(std::make_unique<RawClient>(port));
  const auto token = create_token(client, "Through the crowd");
  EXPECT_EQ(client.remove(path_of(token)).status, 204);
  // All have been accepted or turned away by the time the last one knows.
  EXPECT_EQ(crowd.back()->read_to_eof(), "") << "turned away";
  EXPECT_TRUE(server.await_error_line("turned away since", std::chrono::seconds(30)));
  EXPECT_LT(open_files_of(server.pid()), 400U);
  EXPECT_EQ(crowd.front()->exchange(health).status, 200) << "who came first is served";
  crowd.clear();
  expect_eventually([&] {
    try {
      return RawClient(port).exchange(health).status == 200;
    } catch (const std::runtime_error&) {
      return false;  // turned away: the server has not seen all of them leave
    }
  });
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(std::chrono::seconds(30)).exit_code, 0);
  EXPECT_EQ(folder_.run({"verify"}).exit_code, 0);
}

// As when something else in the machine has taken the last one: who is connected is served, who comes waits.
TEST_F(Descriptors, WithoutAnyTheServerGoesOnAndAcceptsAgainWhenThereAreSome) {
  ServerProcess server(folder_.path());
  auto client = owner(server.port());
  create_token(client, "Before");
  const auto process = only_child();
  ASSERT_GT(process, 0);
  rlimit before{};
  ASSERT_EQ(::prlimit(process, RLIMIT_NOFILE, nullptr, &before), 0);
  const rlimit none{3, before.rlim_max};  // what is open stays so
  ASSERT_EQ(::prlimit(process, RLIMIT_NOFILE, &none, nullptr), 0);

  RawClient waiting(server.port());
  waiting.send(health);
  const UnixConnection operators(folder_.file("admin.sock"));
  for (int i = 0; i < 20; ++i) {
    const auto token = create_token(client, "Meanwhile");
    EXPECT_EQ(client.remove(path_of(token)).status, 204);
  }
  ASSERT_EQ(::prlimit(process, RLIMIT_NOFILE, &before, nullptr), 0);
  EXPECT_EQ(waiting.read_response().status, 200);
  EXPECT_EQ(owner(server.port()).get("/auth/tokens").array().size(), 1U);
  EXPECT_EQ(folder_.run({"backup", "--events", folder_.file("copy"), "--vault", folder_.file("vault-copy")})
                .exit_code,
            0)
      << "and operators' commands too";
  EXPECT_EQ(server.stop().exit_code, 0);
  EXPECT_EQ(folder_.run({"verify"}).exit_code, 0);
}

}  // namespace
}  // namespace mintmark::testing::descriptors_test
