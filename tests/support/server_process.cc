#include "tests/support/server_process.h"

#include <csignal>
#include <stdexcept>
#include <utility>

#include <boost/json/parse.hpp>

#include "tests/support/rest_client.h"

namespace mintmark::testing {
namespace {

constexpr std::chrono::seconds start_time_max{60};  // sanitizers on a busy machine are slow
constexpr std::chrono::seconds stop_time_max{40};

std::string member(const boost::json::object& object, std::string_view name) {
  return std::string(object.at(name).as_string());
}

std::string data_folder_in(const TemporaryFolder& folder) {
  return folder.file("data");
}

Finished run_on(const std::string& data_folder, Arguments command) {
  command.insert(command.end(), {"--data", data_folder});
  return run_mintmark(std::move(command));
}

boost::json::object run_json_on(const std::string& data_folder, Arguments command) {
  command.emplace_back("--json");
  const auto finished = run_on(data_folder, command);
  if (finished.exit_code != 0) {
    throw std::runtime_error(command.front() + " failed: " + finished.out + finished.err);
  }
  return boost::json::parse(finished.out).as_object();
}

// What `mintmark init` makes and answers. Hashing a password takes it long, so this process runs it once.
struct FirstFolder {
  TemporaryFolder folder;
  boost::json::object made = run_json_on(
      data_folder_in(folder), {"init", "--account-name", "First company", "--email", "owner@example.com"});
};

}  // namespace

Finished run_mintmark(Arguments arguments, std::map<std::string, std::string> environment) {
  arguments.insert(arguments.begin(), MINTMARK_PROGRAM);
  return run_process({.command = std::move(arguments), .environment = std::move(environment)});
}

InitialisedFolder::InitialisedFolder(const std::filesystem::path& parent) : folder_(parent) {
  static const FirstFolder first;
  std::filesystem::copy(data_folder_in(first.folder), path(), std::filesystem::copy_options::recursive);
  account_ = member(first.made, "account");
  user_ = member(first.made, "user");
  email_ = member(first.made, "email");
  password_ = member(first.made, "password");
}

std::string InitialisedFolder::path() const {
  return data_folder_in(folder_);
}

Finished InitialisedFolder::run(Arguments command) const {
  return run_on(path(), std::move(command));
}

boost::json::object InitialisedFolder::run_json(Arguments command) const {
  return run_json_on(path(), std::move(command));
}

InitialisedFolder::Person InitialisedFolder::open_account(const std::string& name) const {
  const auto opened = run_json({"account", "open", "--name", name});
  return add_user(member(opened, "account"), name, "owner");
}

InitialisedFolder::Person InitialisedFolder::add_user(const std::string& account, const std::string& name,
                                                      const std::string& role) const {
  const auto email = name + "@example.com";
  const auto added = run_json({"user", "add", "--account", account, "--email", email, "--role", role});
  return {account, member(added, "user"), member(added, "email"), member(added, "password")};
}

ServerProcess::ServerProcess(const std::string& folder, Arguments further) {
  Arguments command{MINTMARK_PROGRAM, "serve", "--data", folder, "--listen", "127.0.0.1:0"};
  command.insert(command.end(), further.begin(), further.end());
  // Tests ask, and try wrong keys, as fast as they can; one that is about the limits gives them as flags.
  process_ = std::make_unique<Process>(
      Process::Options{.command = std::move(command),
                       .environment = {{"MINTMARK_REQUEST_RATE", "0"}, {"MINTMARK_SLOW_GUESSING", "false"}}});
  constexpr std::string_view address = "serves http://127.0.0.1:";
  const auto line = process_->await_error_line(address, start_time_max);
  if (!line) throw std::runtime_error("the server ended: " + process_->err());
  port_ = static_cast<std::uint16_t>(std::stoul(line->substr(address.size())));
}

void ServerProcess::await_log(std::string_view text) const {
  if (!process_->await_error_line(text, start_time_max))
    throw std::runtime_error("the server ended: " + process_->err());
}

std::string ServerProcess::endpoint() const {
  return "http://127.0.0.1:" + std::to_string(port_);
}

Finished ServerProcess::stop() {
  return stop(SIGTERM);
}

Finished ServerProcess::stop(int signal) {
  process_->signal(signal);
  return process_->wait(stop_time_max);
}

void ServerProcess::kill() {
  stop(SIGKILL);
}

std::uint64_t ServerProcess::position() const {
  return RestClient(port_).get("//healthz").object().at("position").to_number<std::uint64_t>();
}

}  // namespace mintmark::testing
