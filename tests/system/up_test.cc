// tools/up: what somebody sees who starts Mintmark for the first time, and the second.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>

#include "tests/system/fixture.h"

namespace mintmark::testing::up_test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

constexpr std::chrono::seconds start_time_max{120};
constexpr std::chrono::seconds stop_time_max{60};

class Up : public ::testing::Test {
 protected:
  // tools/up with the program under test, which needs no installing and building.
  Process::Options up(const Arguments& further = {},
                      std::map<std::string, std::string> environment = {}) const {
    Process::Options options{.command = {"tools/up", "--program", MINTMARK_PROGRAM, "--data", data_},
                             .environment = std::move(environment)};
    options.command.insert(options.command.end(), further.begin(), further.end());
    return options;
  }
  // What it has printed once it serves: up to `last`, which its last line has in it.
  static std::string printed_by(const Process& process, std::string_view last) {
    if (!process.await_output_line(last, start_time_max))
      throw std::runtime_error("up ended: " + process.err());
    return process.out();
  }
  static void expect_clean_end(Process& process) {
    process.signal(SIGINT);
    const auto finished = process.wait(stop_time_max);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr("stopping"));
  }
  // What stands behind a title in its line.
  static std::string behind(const std::string& text, const std::string& title) {
    const auto at = text.find("  " + title + " ");
    if (at == std::string::npos) throw std::runtime_error("no " + title + " in: " + text);
    const auto begin = text.find_first_not_of(' ', at + title.size() + 2);
    return text.substr(begin, text.find('\n', begin) - begin);
  }
  static std::uint16_t port_of(const std::string& url) {
    return static_cast<std::uint16_t>(std::stoul(url.substr(url.rfind(':') + 1)));
  }
  Finished mintmark(Arguments command) const {
    command.insert(command.end(), {"--data", data_});
    return run_mintmark(std::move(command));
  }

  const TemporaryFolder parent_;
  const std::string data_ = parent_.file("da ta");
  const Arguments anywhere_{"--listen", "127.0.0.1:0"};
};

std::vector<boost::json::object> objects_of(const std::string& lines) {
  std::vector<boost::json::object> objects;
  std::istringstream stream(lines);
  for (std::string line; std::getline(stream, line);) objects.push_back(boost::json::parse(line).as_object());
  return objects;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t times = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++times;
  return times;
}

TEST_F(Up, TheFirstStartPrintsAllThatItTakesAndTheSecondStartsWhatIsThere) {
  std::string password;
  std::string key;
  {
    Process first(up(anywhere_));
    const auto printed = printed_by(first, "curl -H");
    const auto url = behind(printed, "Console and REST");
    EXPECT_THAT(first.err(), HasSubstr("serves " + url + " from " + data_ + " ("));
    password = behind(printed, "Password");
    EXPECT_EQ(count(printed, password), 1U);
    RestClient people(port_of(url));
    people.log_in(behind(printed, "E-mail"), password);

    const auto curl = printed.substr(printed.find("curl -H"));
    const auto called = run_process({.command = {"bash", "-c", curl}});
    EXPECT_EQ(called.exit_code, 0) << called.err;
    const auto tokens = boost::json::parse(called.out).as_array();
    ASSERT_EQ(tokens.size(), 1U);
    EXPECT_EQ(text(tokens[0].as_object(), "name"), "First token");
    constexpr std::string_view before = "ApiKey ";
    const auto at = curl.find(before) + before.size();
    key = curl.substr(at, curl.find('"', at) - at);
    expect_clean_end(first);
  }
  Process second(up(anywhere_));
  const auto printed = printed_by(second, "Password lost?");
  EXPECT_THAT(printed, Not(HasSubstr("E-mail ")));
  EXPECT_THAT(printed, Not(HasSubstr(password)));
  EXPECT_THAT(printed, Not(HasSubstr(key)));
  EXPECT_THAT(second.err(), Not(HasSubstr(key)));
  EXPECT_EQ(behind(printed, "Data"), data_);
  EXPECT_EQ(authorize(port_of(behind(printed, "Console and REST")), key), 204);
  expect_clean_end(second);
}

TEST_F(Up, AFirstStartOnATakenPortLosesNothing) {
  const InitialisedFolder others;
  ServerProcess taken(others.path());
  const Arguments named{"--email", "ann@example.com", "--account-name", "Ann & Co"};
  auto on_taken = named;
  on_taken.insert(on_taken.end(), {"--listen", "127.0.0.1:" + std::to_string(taken.port())});
  const auto first = run_process(up(on_taken));
  EXPECT_EQ(first.exit_code, 1);
  EXPECT_THAT(first.err, HasSubstr("in use"));
  constexpr std::string_view before = "ApiKey ";
  const auto at = first.out.find(before);
  ASSERT_NE(at, std::string::npos) << first.out;
  const auto key = first.out.substr(at + before.size(), first.out.find('"', at) - at - before.size());

  Process second(up(anywhere_));
  const auto port = port_of(behind(printed_by(second, "Password lost?"), "Console and REST"));
  EXPECT_EQ(authorize(port, key), 204);
  RestClient people(port);
  people.log_in("ann@example.com", behind(first.out, "Password"));
  EXPECT_EQ(text(people.get("/accounts").array().at(0).as_object(), "name"), "Ann & Co");
  expect_clean_end(second);
}

TEST_F(Up, TheSettingsSayWhereItServesUnlessAFlagDoes) {
  fs::create_directory(data_);
  std::ofstream(data_ + "/mintmark.toml") << "listen = \"127.0.0.1:0\"\n";
  {
    Process first(up());
    const auto url = behind(printed_by(first, "curl -H"), "Console and REST");
    EXPECT_THAT(first.err(), HasSubstr("serves " + url + " from "));
    EXPECT_NE(port_of(url), 8080);
    expect_clean_end(first);
  }
  const auto address_with = [&](const Arguments& further,
                                const std::map<std::string, std::string>& environment) {
    Process process(up(further, environment));
    auto url = behind(printed_by(process, "Password lost?"), "Console and REST");
    expect_clean_end(process);
    return url;
  };
  EXPECT_THAT(address_with({}, {{"MINTMARK_LISTEN", "127.0.0.2:0"}}),
              MatchesRegex("http://127\\.0\\.0\\.2:[0-9]+"));
  EXPECT_THAT(address_with({"--listen", "127.0.0.3:0"}, {{"MINTMARK_LISTEN", "127.0.0.2:0"}}),
              MatchesRegex("http://127\\.0\\.0\\.3:[0-9]+"));
  std::ofstream(data_ + "/mintmark.toml", std::ios::app) << "public_url = \"https://tokens.example.com\"\n";
  EXPECT_EQ(address_with({}, {}), "https://tokens.example.com");
}

TEST_F(Up, AFirstStartThatWasCutShortGoesOn) {
  // Cut short within the making of the log, and then behind the account, whose user is refused.
  fs::create_directories(data_ + "/log.unfinished/rocksdb");
  std::ofstream(data_ + "/log.unfinished/rocksdb/CURRENT") << "half";
  EXPECT_EQ(mintmark({"init", "--account-name", "Mine", "--email", "nobody"}).exit_code, 2);
  EXPECT_THAT(mintmark({"account", "list"}).out, HasSubstr("Mine"));
  Process process(up(anywhere_));
  const auto printed = printed_by(process, "curl -H");
  RestClient people(port_of(behind(printed, "Console and REST")));
  people.log_in(behind(printed, "E-mail"), behind(printed, "Password"));
  EXPECT_EQ(people.get("/accounts").array().size(), 1U) << "the account of the first attempt";
  expect_clean_end(process);
}

TEST_F(Up, ForScriptsPrintsAJsonObjectALine) {
  auto flags = anywhere_;
  flags.emplace_back("--json");
  std::string key;
  {
    Process first(up(flags));
    const auto lines = objects_of(printed_by(first, R"({"url":)"));
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_EQ(text(lines[0], "email"), "admin@example.com");
    key = text(lines[1], "key");
    const auto port = port_of(text(lines[2], "url"));
    EXPECT_EQ(authorize(port, key), 204);
    RestClient people(port);
    people.log_in(text(lines[0], "email"), text(lines[0], "password"));
    expect_clean_end(first);
  }
  Process second(up(flags));
  const auto lines = objects_of(printed_by(second, R"({"url":)"));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(authorize(port_of(text(lines[0], "url")), key), 204);
  expect_clean_end(second);
}

TEST(UpBuildOnly, BuildsTheProgramAndStops) {
  if (fs::weakly_canonical(MINTMARK_PROGRAM) != fs::weakly_canonical("build/release/mintmark"))
    GTEST_SKIP() << "the program under test is another build's, and building this one takes minutes";
  const TemporaryFolder parent;
  const auto data = parent.file("data");
  const auto built = run_process({.command = {"tools/up", "--build-only", "--data", data}}, start_time_max);
  EXPECT_EQ(built.exit_code, 0) << built.err;
  EXPECT_THAT(built.out, HasSubstr("Packages: all "));
  EXPECT_FALSE(fs::exists(data));
}

TEST_F(Up, WhatMakesNoSenseIsRefusedBeforeAnythingIsMade) {
  const auto refused = [&](const Arguments& further, const std::string& message) {
    const auto finished = run_process(up(further));
    EXPECT_NE(finished.exit_code, 0);
    EXPECT_THAT(finished.err, HasSubstr(message));
    EXPECT_FALSE(fs::exists(data_));
  };
  refused({"--listen", "here"}, "--listen takes ADDRESS:PORT");
  refused({"--listen", "127.0.0.1:99999"}, "listen must be ADDRESS:PORT");
  refused({"--listen"}, "--listen needs a value");
  refused({"--email", ""}, "--email needs a value");
  refused({"--program", parent_.file("nothing")}, "there is no program");
  refused({"--program", parent_.path().string()}, "there is no program");
  refused({"--build-only"}, "--program builds nothing");
  refused({"--dater"}, "unknown argument");
}

TEST_F(Up, ADamagedFolderIsNotTakenForANewOne) {
  EXPECT_EQ(mintmark({"init", "--email", "a@example.com"}).exit_code, 0);
  fs::remove(data_ + "/log/anchor");
  const auto finished = run_process(up(anywhere_));
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.err, HasSubstr("head anchor"));
  EXPECT_THAT(finished.out, Not(HasSubstr("Password")));
}

}  // namespace
}  // namespace mintmark::testing::up_test
