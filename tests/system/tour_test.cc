// The README's five minutes: its commands, run as they stand there, print what it shows.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <regex>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/system/fixture.h"
#include "tests/system/listener.h"

namespace mintmark::testing::tour_test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// A command of the tour, and what it prints there.
struct Step {
  std::string command;
  std::vector<std::string> shown;
};

std::string contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<Step> read_tour() {
  std::vector<Step> steps;
  bool inside = false;
  bool goes_on = false;
  for (auto line : lines_of(contents("README.md"))) {
    if (line.starts_with("## ")) inside = line == "## Five minutes";
    if (!inside || !line.starts_with("    ")) continue;
    line.erase(0, 4);
    if (line.starts_with("$ ")) {
      steps.push_back({line.substr(2), {}});
    } else if (goes_on) {
      steps.back().command += '\n' + line;
    } else if (!steps.empty()) {
      steps.back().shown.push_back(line);
    }
    goes_on = line.ends_with('\\');
  }
  return steps;
}

void replace_each(std::string& text, const std::string& what, const std::string& by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
}

// What a shown line says of every run: ids, dates, names of operators and hashes stand for their kind, and …
// for whatever was left out.
std::regex pattern_of(const std::string& line) {
  auto pattern = std::regex_replace(line, std::regex(R"([.^$|()\[\]{}*+?\\])"), R"(\$&)");
  const auto generalise = [&pattern](const char* what, const char* by) {
    pattern = std::regex_replace(pattern, std::regex(what), by);
  };
  generalise(R"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8})", "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}");
  generalise(R"(\\\.[0-9]{3}Z )", R"(\.[0-9]{3}Z )");
  generalise(" from /[^ ]+ ", " from /[^ ]+ ");
  generalise("(SU|VA)-[0-9]{3}[0-9-]+", "$1-[0-9-]+");
  generalise("[0-9a-f]{64}", "[0-9a-f]{64}");
  generalise("[0-9A-Za-z]{4}…", "[^ ]+");  // the beginning of a secret
  generalise("…", ".*");
  generalise("root", "[^ ]+");
  generalise("  +", "  +");
  return std::regex(pattern);
}

void expect_shown(const Step& step, const std::string& printed) {
  const auto lines = lines_of(printed);
  ASSERT_EQ(lines.size(), step.shown.size()) << step.command << "\nprints\n" << printed;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_TRUE(std::regex_match(lines[i], pattern_of(step.shown[i])))
        << step.command << "\nprints  " << lines[i] << "\nand not " << step.shown[i];
  }
}

class Tour : public ::testing::Test {
 protected:
  Tour() {
    fs::create_directories(folder_.file("build/release"));
    fs::create_symlink(MINTMARK_PROGRAM, folder_.file("build/release/mintmark"));
  }

  // Starts the server, and learns from what it prints what it is called in here.
  void start(const Step& step) {
    server_.emplace(Process::Options{.command = {step.command, "--program", MINTMARK_PROGRAM, "--data",
                                                 folder_.file("data"), "--listen", "127.0.0.1:0"}});
    if (!server_->await_output_line("curl -H", std::chrono::seconds(120)))
      throw std::runtime_error("up ended: " + server_->err());
    const auto printed = server_->out();
    std::smatch found;
    const std::regex told(
        R"re((VA-[0-9-]+):\s+curl -H "Authorization: ApiKey (([A-Z0-9-]+):\w+)" http://([0-9.:]+)/)re");
    if (!std::regex_search(printed, found, told)) throw std::runtime_error("up says: " + printed);
    account_ = found[1];
    key_ = found[2];
    replacements_ = {{"127.0.0.1:8080", found[4]},
                     {"127.0.0.1:8081", fmt::format("127.0.0.1:{}", gateway_.port())},
                     {"127.0.0.1:8082", fmt::format("127.0.0.1:{}", api_.port())}};
    const auto lines = lines_of(printed + server_->err());
    for (auto shown : step.shown) {
      if (shown.empty()) continue;
      adapt(shown);
      EXPECT_TRUE(std::ranges::any_of(lines, [pattern = pattern_of(shown)](const std::string& line) {
        return std::regex_match(line, pattern);
      })) << shown;
    }
    // The gateway's configuration, which the tour takes from the project's folder.
    auto settings = contents("examples/nginx/nginx.conf");
    adapt(settings);
    fs::create_directories(folder_.file("examples/nginx"));
    std::ofstream(folder_.file("examples/nginx/nginx.conf")) << settings;
  }

  // Ports and ids as they are here.
  void adapt(std::string& text) const {
    for (const auto& [what, by] : replacements_) replace_each(text, what, by);
  }

  // Keeps a line that the commands behind it build on.
  void define(const Step& step) {
    std::smatch shown;
    if (std::regex_match(step.command, shown, std::regex("KEY=(SU-[0-9-]+):.*"))) {
      definitions_ += "KEY=" + key_ + "\n";
      replacements_[shown[1]] = key_.substr(0, key_.find(':'));
    } else if (step.command.starts_with("ACCOUNT=")) {
      definitions_ += "ACCOUNT=" + account_ + "\n";
    } else {
      definitions_ += step.command + "\n";
    }
  }

  // nginx takes over sockets that listen already (its variable NGINX), so no wait is needed.
  void start_nginx(std::string command) {
    command.erase(command.rfind(" &"));
    replace_each(command, "/tmp", folder_.path().string());
    nginx_.emplace(
        Process::Options{.command = {"bash", "-c", "exec " + command},
                         .environment = {{"NGINX", fmt::format("{};{};", gateway_.socket(), api_.socket())}},
                         .folder = folder_.path().string(),
                         .inherited = {gateway_.socket(), api_.socket()},
                         .death_signal = SIGTERM});
  }

  Finished run(std::string command) const {
    adapt(command);
    return run_process({.command = {"bash", "-c", "shopt -s expand_aliases\n" + definitions_ + command},
                        .folder = folder_.path().string()});
  }

  // As the prose says before the last commands.
  void stop() {
    nginx_.reset();
    server_->signal(SIGINT);
    EXPECT_EQ(server_->wait(std::chrono::seconds(60)).exit_code, 0);
  }

  TemporaryFolder folder_;
  const Listener gateway_;
  const Listener api_;
  std::optional<Process> server_;
  std::optional<Process> nginx_;
  std::string account_;
  std::string key_;
  std::map<std::string, std::string> replacements_;
  std::string definitions_ = "sudo() { :; }\n";  // what it installs is there
};

TEST_F(Tour, IsAsTheReadmeShowsIt) {
  const auto steps = read_tour();
  ASSERT_GE(steps.size(), 14U);
  ASSERT_EQ(steps.front().command, "./tools/up");
  for (const auto& step : steps) {
    SCOPED_TRACE(step.command);
    if (&step == &steps.front()) {
      start(step);
    } else if (std::regex_match(step.command, std::regex("(alias .*|[A-Z]+=.*)"))) {
      define(step);
    } else if (step.command.find("nginx -e") != std::string::npos) {
      start_nginx(step.command);
    } else {
      if (step.command.starts_with("mintmark rebuild")) stop();
      auto finished = run(step.command);
      // The worker agrees to a Zapier token a moment after its creation.
      if (finished.out.find("  pending ") != std::string::npos) {
        expect_eventually([&] {
          finished = run(step.command);
          return finished.out.find("  pending ") == std::string::npos;
        });
      }
      EXPECT_EQ(finished.exit_code, 0) << finished.err;
      expect_shown(step, finished.out);
    }
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace mintmark::testing::tour_test
