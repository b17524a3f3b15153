// How the program is told what to do, and when it refuses to.
#include <csignal>
#include <filesystem>
#include <fstream>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/system/fixture.h"

namespace mintmark::testing::configuration_test {
namespace {

using ::testing::HasSubstr;
using Environment = std::map<std::string, std::string>;

class Configuration : public ::testing::Test {
 protected:
  void write_settings(const std::string& toml) const { std::ofstream(folder_.file("mintmark.toml")) << toml; }

  // That the server does not start, and says why.
  void expect_refused(int code, const std::vector<std::string>& messages, const Arguments& flags = {},
                      const Environment& environment = {}) const {
    Arguments command{"serve", "--data", folder_.path()};
    command.insert(command.end(), flags.begin(), flags.end());
    const auto finished = run_mintmark(command, environment);
    EXPECT_EQ(finished.exit_code, code) << finished.err;
    for (const auto& message : messages) EXPECT_THAT(finished.err, HasSubstr(message));
    EXPECT_EQ(finished.out, "");
  }

  // The address that it serves at.
  std::string address_with(const Arguments& flags, const Environment& environment) const {
    Arguments command{MINTMARK_PROGRAM, "serve", "--data", folder_.path()};
    command.insert(command.end(), flags.begin(), flags.end());
    Process server({.command = command, .environment = environment});
    constexpr std::string_view before = "serves http://";
    const auto line = server.await_error_line(before, std::chrono::seconds(60));
    if (!line) return "none: " + server.err();
    server.signal(SIGTERM);
    EXPECT_EQ(server.wait(std::chrono::seconds(40)).exit_code, 0);
    return line->substr(before.size(), line->rfind(':', line->find(" from")) - before.size());
  }

  InitialisedFolder folder_;
};

TEST_F(Configuration, ABadSettingInTheFileIsNamed) {
  write_settings("lissen = \"127.0.0.1:0\"\n");
  expect_refused(2, {"mintmark.toml", "lissen"});
  write_settings("listen = \"here\"\n");
  expect_refused(2, {"mintmark.toml", "listen"});
  write_settings("listen = \"127.0.0.1:65536\"\n");
  expect_refused(2, {"mintmark.toml", "listen"});
  write_settings("listen = 8080\n");
  expect_refused(2, {"mintmark.toml", "listen"});
  write_settings("listen = [\"127.0.0.1:0\"]\n");
  expect_refused(2, {"mintmark.toml", "listen", "wrong kind"});
  write_settings("threads = -1\n");
  expect_refused(2, {"mintmark.toml", "threads"});
  write_settings("threads = 61\n");
  expect_refused(2, {"mintmark.toml", "threads"});
  write_settings("secure_cookies = \"yes\"\n");
  expect_refused(2, {"mintmark.toml", "secure_cookies"});
  write_settings("log_level = \"loud\"\n");
  expect_refused(2, {"mintmark.toml", "log_level"});
  write_settings("trusted_proxies = \"10.0.0.1\"\n");
  expect_refused(2, {"mintmark.toml", "trusted_proxies"});
  write_settings("key_file = \"\"\n");
  expect_refused(2, {"mintmark.toml", "key_file"});
  write_settings("[server]\nlisten = \"127.0.0.1:0\"\n");
  expect_refused(2, {"mintmark.toml", "server"});
  write_settings("listen = \n");
  expect_refused(2, {"mintmark.toml", "line 1"});
  expect_refused(2, {"elsewhere.toml"}, {"--config", folder_.file("elsewhere.toml")});
}

TEST_F(Configuration, ABadSettingInTheEnvironmentIsNamed) {
  expect_refused(2, {"MINTMARK_LISSEN", "lissen"}, {}, {{"MINTMARK_LISSEN", "127.0.0.1:0"}});
  expect_refused(2, {"MINTMARK_LISTEN", "listen"}, {}, {{"MINTMARK_LISTEN", "127.0.0.1"}});
  expect_refused(2, {"MINTMARK_THREADS", "threads"}, {}, {{"MINTMARK_THREADS", "many"}});
  expect_refused(2, {"MINTMARK_THREADS", "threads"}, {}, {{"MINTMARK_THREADS", ""}});
  expect_refused(2, {"MINTMARK_LOG_LEVEL", "log_level"}, {}, {{"MINTMARK_LOG_LEVEL", "Info"}});
}

TEST_F(Configuration, ABadFlagIsNamed) {
  expect_refused(2, {"--lissen"}, {"--lissen", "127.0.0.1:0"});
  expect_refused(2, {"listen"}, {"--listen", "127.0.0.1:port"});
  expect_refused(2, {"listen"}, {"--listen", "nowhere.invalid:80"});
  expect_refused(2, {"listen"}, {"--listen", "300.1.1.1:80"});
  expect_refused(2, {"threads"}, {"--threads", "1.5"});
  expect_refused(2, {"log_level"}, {"--log-level", "trace"});
  expect_refused(2, {"--threads"}, {"--threads"});
  expect_refused(2, {"extra"}, {"extra"});
}

TEST_F(Configuration, FlagsWinOverTheEnvironmentAndThatOverTheFile) {
  write_settings("listen = \"127.0.0.2:0\"\nthreads = 1\n");
  EXPECT_EQ(address_with({}, {}), "127.0.0.2");
  EXPECT_EQ(address_with({}, {{"MINTMARK_LISTEN", "127.0.0.3:0"}}), "127.0.0.3");
  EXPECT_EQ(address_with({"--listen", "127.0.0.4:0"}, {{"MINTMARK_LISTEN", "127.0.0.3:0"}}), "127.0.0.4");
  EXPECT_EQ(address_with({"--listen", "[::1]:0"}, {}), "[::1]");
  std::filesystem::rename(folder_.file("mintmark.toml"), folder_.file("other.toml"));
  EXPECT_EQ(address_with({"--config", folder_.file("other.toml")}, {}), "127.0.0.2");
}

TEST_F(Configuration, OneFolderHasOneServer) {
  ServerProcess first(folder_.path());
  expect_refused(1, {"another process has it open"}, {"--listen", "127.0.0.1:0"});
  EXPECT_EQ(RestClient(first.port()).get("//healthz").status, 200);
  EXPECT_EQ(folder_.run({"account", "list"}).exit_code, 0) << "the socket is still the first one's";
  EXPECT_EQ(first.stop().exit_code, 0);
}

TEST_F(Configuration, APortHasOneServer) {
  const InitialisedFolder other;
  ServerProcess first(other.path());
  const auto address = "127.0.0.1:" + std::to_string(first.port());
  expect_refused(1, {address, "in use"}, {"--listen", address});
  ServerProcess second(folder_.path());
  EXPECT_NE(second.port(), first.port());
}

TEST_F(Configuration, AFolderWithoutAnInstanceIsNotServed) {
  const TemporaryFolder empty;
  for (const auto& data : {empty.path().string(), empty.file("missing")}) {
    const auto finished = run_mintmark({"serve", "--data", data, "--listen", "127.0.0.1:0"});
    EXPECT_EQ(finished.exit_code, 1);
    EXPECT_THAT(finished.err, HasSubstr(data + " holds no instance"));
    EXPECT_THAT(finished.err, HasSubstr("mintmark init"));
    EXPECT_THAT(run_mintmark({"rebuild", "--all", "--data", data}).err,
                HasSubstr(data + " holds no instance"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(empty.path()));
  const auto nowhere = run_mintmark({"serve", "--data", "", "--listen", "127.0.0.1:0"});
  EXPECT_EQ(nowhere.exit_code, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("--data must name a folder"));
}

TEST_F(Configuration, TheKeyFileIsItsOwnersAlone) {
  using std::filesystem::perms;
  const auto key = folder_.file("keys/key-encryption-key");
  EXPECT_EQ(std::filesystem::status(key).permissions(), perms::owner_read | perms::owner_write);
  for (const auto others : {perms::group_read, perms::others_read, perms::group_write}) {
    std::filesystem::permissions(key, perms::owner_read | perms::owner_write | others);
    expect_refused(1, {key, "others than its owner", "chmod 600"});
  }
}

TEST_F(Configuration, WithoutItsKeyFileNothingOpens) {
  const auto key = folder_.file("keys/key-encryption-key");
  std::filesystem::rename(key, key + ".away");
  expect_refused(1, {key, "No such file"});
  EXPECT_FALSE(std::filesystem::exists(key)) << "another must not be made in its place";
  expect_refused(1, {folder_.file("nowhere"), "No such file", "key_file"},
                 {"--key-file", folder_.file("nowhere")});
  const auto written = [&](const std::string& content) {
    std::ofstream(key) << content;
    std::filesystem::permissions(key,
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  };
  for (const std::string& content :
       {std::string(), std::string(63, '0') + "\n", std::string(64, 'x') + "\n"}) {
    written(content);
    expect_refused(1, {key, "64 hex characters"});
  }
  written(std::string(64, '0') + "\n");
  expect_refused(1, {"key"});
  const auto verified = folder_.run({"account", "list"});
  EXPECT_EQ(verified.exit_code, 1) << "another key opens nothing";
  std::filesystem::rename(key + ".away", key);
  EXPECT_EQ(folder_.run({"account", "list"}).exit_code, 0);
}

TEST_F(Configuration, TheKeyFileMayLieElsewhere) {
  const TemporaryFolder parent;
  const auto key = parent.file("secrets/key");
  const Arguments where{"--data", parent.file("data"), "--key-file", key};
  Arguments command{"init", "--email", "a@example.com"};
  command.insert(command.end(), where.begin(), where.end());
  EXPECT_EQ(run_mintmark(command).exit_code, 0);
  EXPECT_TRUE(std::filesystem::exists(key));
  EXPECT_FALSE(std::filesystem::exists(parent.file("data/keys")));
  ServerProcess server(parent.file("data"), {"--key-file", key});
  EXPECT_EQ(RestClient(server.port()).get("//healthz").status, 200);
}

TEST_F(Configuration, AFolderForTheKeyIsMadePrivateAndAnothersIsLeftAlone) {
  using std::filesystem::perms;
  const TemporaryFolder parent;
  const auto init = [&](const std::string& data, const std::string& key) {
    return run_process(
        {.command = {MINTMARK_PROGRAM, "init", "--data", data, "--email", "a@example.com", "--key-file", key},
         .folder = parent.path().string()});
  };
  const auto rights = [&](const std::string& name) {
    return std::filesystem::status(parent.file(name)).permissions();
  };
  EXPECT_EQ(init("first", parent.file("made/key")).exit_code, 0);
  EXPECT_EQ(rights("made"), perms::owner_all);

  const auto shared = perms::owner_all | perms::group_read | perms::group_exec | perms::others_exec;
  std::filesystem::create_directory(parent.file("shared"));
  std::filesystem::permissions(parent.file("shared"), shared);
  EXPECT_EQ(init("second", parent.file("shared/key")).exit_code, 0);
  EXPECT_EQ(rights("shared"), shared);
  EXPECT_EQ(rights("shared/key"), perms::owner_read | perms::owner_write);

  const auto here = init("third", "key");
  EXPECT_EQ(here.exit_code, 0) << here.err;
  EXPECT_EQ(rights("key"), perms::owner_read | perms::owner_write);
}

TEST_F(Configuration, AFolderWithTooLongAPathForItsSocketIsRefusedAtOnce) {
  const TemporaryFolder parent;
  const auto longest = 107 - std::string_view("/admin.sock").size();
  const auto data = parent.file(std::string(longest - parent.path().string().size() - 1, 'x'));
  const auto init = [](const std::string& folder) {
    return run_mintmark({"init", "--data", folder, "--email", "a@example.com"});
  };
  const auto refused = init(data + "x");
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr(data + "x/admin.sock is longer than the 107 bytes"));
  EXPECT_FALSE(std::filesystem::exists(data + "x"));
  EXPECT_EQ(init(data).exit_code, 0);
  EXPECT_EQ(ServerProcess(data).stop().exit_code, 0);
  std::filesystem::rename(data, data + "x");
  const auto not_served = run_mintmark({"serve", "--data", data + "x", "--listen", "127.0.0.1:0"});
  EXPECT_EQ(not_served.exit_code, 2);
  EXPECT_THAT(not_served.err, HasSubstr("is longer than the 107 bytes"));
}

TEST_F(Configuration, AFolderThatIsNotToBeReadIsNoMissingInstance) {
  const TemporaryFolder parent;
  const auto loop = parent.file("loop");
  std::filesystem::create_directory_symlink(loop, loop);
  for (const Arguments& command : {Arguments{"serve"}, Arguments{"account", "list"}, Arguments{"verify"},
                                   Arguments{"init", "--email", "a@example.com"}}) {
    auto on_it = command;
    on_it.insert(on_it.end(), {"--data", loop});
    const auto finished = run_mintmark(on_it);
    EXPECT_EQ(finished.exit_code, 1) << command[0];
    EXPECT_THAT(finished.err, HasSubstr(loop + " cannot be read: "));
  }
}

// Only root can be in this case.
TEST_F(Configuration, RootLeavesAnothersFolderAsItWas) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  namespace fs = std::filesystem;
  const auto* nobody = ::getpwnam("nobody");
  ASSERT_NE(nobody, nullptr);
  const TemporaryFolder parent;
  const auto empty = parent.file("empty");
  fs::create_directory(empty);
  ASSERT_EQ(::chown(empty.c_str(), nobody->pw_uid, nobody->pw_gid), 0);
  ASSERT_EQ(::chown(folder_.path().c_str(), nobody->pw_uid, nobody->pw_gid), 0);
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path()))
    ASSERT_EQ(::chown(entry.path().c_str(), nobody->pw_uid, nobody->pw_gid), 0);

  const auto refused = [](Arguments command, const std::string& data) {
    command.insert(command.end(), {"--data", data});
    const auto finished = run_mintmark(command);
    EXPECT_EQ(finished.exit_code, 1) << command[0];
    EXPECT_THAT(finished.err, HasSubstr(data + " is the user nobody's")) << command[0];
    EXPECT_THAT(finished.err, HasSubstr("`sudo -u nobody mintmark …`")) << command[0];
  };
  for (const Arguments& command :
       {Arguments{"serve", "--listen", "127.0.0.1:0"}, Arguments{"token", "list", "--account", "VA-000-001"},
        Arguments{"keys", "rotate"}, Arguments{"replay"}, Arguments{"rebuild", "--all"},
        Arguments{"init", "--email", "a@example.com"},
        Arguments{"restore", "--events", empty, "--vault", empty}}) {
    refused(command, folder_.path());
  }
  EXPECT_EQ(folder_.run({"verify"}).exit_code, 0) << "which only reads";
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
    struct stat info{};
    ASSERT_EQ(::lstat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, nobody->pw_uid) << entry.path();
  }
  refused({"init", "--email", "a@example.com"}, empty);
  refused({"restore", "--events", empty, "--vault", empty}, empty);
  EXPECT_TRUE(fs::is_empty(empty));
}

TEST_F(Configuration, ItSaysForScriptsWhereItIsReached) {
  Process server({.command = {MINTMARK_PROGRAM, "serve", "--data", folder_.path(), "--listen", "127.0.0.1:0",
                              "--json"}});
  const auto line = server.await_output_line("{", std::chrono::seconds(60));
  ASSERT_TRUE(line) << server.err();
  const auto url = text(boost::json::parse(*line).as_object(), "url");
  const auto served = server.await_error_line("serves ", std::chrono::seconds(60));
  EXPECT_THAT(served.value_or(""), HasSubstr("serves " + url + " from "));
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(std::chrono::seconds(40)).exit_code, 0);
}

TEST_F(Configuration, ATrustedProxyAloneTellsWhoAsks) {
  const auto seen_with = [this](const Arguments& flags) {
    ServerProcess server(folder_.path(), flags);
    RestClient client(server.port());
    client.credentials()["X-Forwarded-For"] = "198.51.100.1, 192.0.2.7";
    const boost::json::object body{{"email", folder_.email()}, {"password", folder_.password()}};
    const auto answer = client.post("/auth/login", boost::json::serialize(body));
    EXPECT_EQ(answer.status, 200) << answer.body;
    const auto cookie = answer.header("Set-Cookie").value_or("");
    client.credentials()["Cookie"] = cookie.substr(0, cookie.find(';'));
    return text(client.get("/auth/sessions?current=true").array().at(0).as_object(), "client_ip");
  };
  EXPECT_EQ(seen_with({}), "127.0.0.1");
  EXPECT_EQ(seen_with({"--trusted-proxies", "10.0.0.0/8, ::1/128"}), "127.0.0.1");
  EXPECT_EQ(seen_with({"--trusted-proxies", "127.0.0.0/8"}), "192.0.2.7");
}

TEST_F(Configuration, MetricsAreOnAPortOfTheirOwn) {
  ServerProcess server(folder_.path(), {"--metrics-listen", "127.0.0.1:0"});
  const auto log = server.log();
  constexpr std::string_view before = "metrics are at http://127.0.0.1:";
  const auto at = log.find(before);
  ASSERT_NE(at, std::string::npos) << log;
  RawClient scraper(static_cast<std::uint16_t>(std::stoul(log.substr(at + before.size()))));
  EXPECT_EQ(authorize(server.port(), "SU-000-000-000:0000000000000000000000000000000000000000"), 401);
  const auto page = scraper.exchange("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("\nmintmark_checks_total{verdict=\"unauthorized\"} 1\n"));
  EXPECT_THAT(page.body, HasSubstr("\nmintmark_disk_free_bytes "));
  EXPECT_EQ(scraper.exchange("GET /authorize HTTP/1.1\r\nHost: x\r\n\r\n").status, 404);
  EXPECT_EQ(RestClient(server.port()).get("//metrics").status, 404);
  EXPECT_EQ(server.stop().exit_code, 0);
}

// The key file is a pipe that nobody writes to, so that it starts for ever.
TEST_F(Configuration, SignalsEndAServerThatIsStillStarting) {
  const auto pipe = folder_.file("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  for (const int signal : {SIGINT, SIGTERM}) {
    Process server({.command = {MINTMARK_PROGRAM, "serve", "--data", folder_.path(), "--listen",
                                "127.0.0.1:0", "--key-file", pipe}});
    int writer = -1;
    expect_eventually([&] {  // it succeeds once the server reads
      writer = ::open(pipe.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
      return writer >= 0;
    });
    server.signal(signal);
    EXPECT_EQ(server.wait(std::chrono::seconds(40)).exit_code, 128 + signal);
    ::close(writer);
  }
}

TEST_F(Configuration, SignalsStopTheServerCleanly) {
  for (const int signal : {SIGINT, SIGTERM}) {
    ServerProcess server(folder_.path());
    RawClient idle(server.port());
    EXPECT_EQ(idle.exchange("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").status, 200);
    const auto finished = server.stop(signal);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr("stopping"));
    EXPECT_EQ(idle.read_to_eof(), "");
    EXPECT_TRUE(std::filesystem::exists(folder_.file("authorization-index")));
  }
}

TEST_F(Configuration, AServerWhoseLogNobodyReadsAnyMoreGoesOn) {
  // The pipe's only reader ends with the first line, the server has more to say when it stops.
  const auto finished = run_process({.command = {"bash", "-c", R"(
    mkfifo "$2" || exit
    "$0" serve --data "$1" --listen 127.0.0.1:0 2> "$2" &
    head -n 1 "$2" && kill -TERM $! && wait $!)",
                                                 MINTMARK_PROGRAM, folder_.path(), folder_.file("pipe")}});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr(" serves http://"));
  EXPECT_TRUE(std::filesystem::exists(folder_.file("authorization-index"))) << "it has stopped in order";
}

}  // namespace
}  // namespace mintmark::testing::configuration_test
