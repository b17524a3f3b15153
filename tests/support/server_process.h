#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace mintmark::testing {

using Arguments = std::vector<std::string>;

// Runs the program under test to its end.
Finished run_mintmark(Arguments arguments, std::map<std::string, std::string> environment = {});

// A data folder as `mintmark init` makes it, gone with its object. All of a process are copies of one: the
// same log, the same secrets.
class InitialisedFolder {
 public:
  InitialisedFolder() : InitialisedFolder(std::filesystem::temp_directory_path()) {}
  explicit InitialisedFolder(const std::filesystem::path& parent);

  std::string path() const;
  std::string file(const std::string& name) const { return path() + "/" + name; }
  const std::string& account() const { return account_; }
  const std::string& user() const { return user_; }
  const std::string& email() const { return email_; }
  const std::string& password() const { return password_; }

  // Runs a command on the folder.
  Finished run(Arguments command) const;
  // The same with --json; throws where it fails.
  boost::json::object run_json(Arguments command) const;
  // Another account with an owner; the e-mail address is the account's name at example.com.
  struct Person {
    std::string account;
    std::string user;
    std::string email;
    std::string password;
  };
  Person open_account(const std::string& name) const;
  Person add_user(const std::string& account, const std::string& name, const std::string& role) const;

 private:
  TemporaryFolder folder_;
  std::string account_;
  std::string user_;
  std::string email_;
  std::string password_;
};

// `mintmark serve` on a folder, on a port of the system's choice, without limits to requests and to wrong
// credentials unless `further` sets some. Killed with its object.
class ServerProcess {
 public:
  // Returns once it serves; throws with what it said where it ends instead.
  explicit ServerProcess(const std::string& folder, Arguments further = {});

  std::uint16_t port() const { return port_; }
  std::string endpoint() const;
  // What it has logged so far.
  std::string log() const { return process_->err(); }
  // Waits until it has logged that. Throws where it does not in time, or ends before.
  void await_log(std::string_view text) const;

  // SIGTERM, or another signal that stops it; returns once it has ended.
  Finished stop();
  Finished stop(int signal);
  // SIGKILL; returns once it has ended.
  void kill();

  // The log's last position, by /healthz.
  std::uint64_t position() const;

 private:
  std::unique_ptr<Process> process_;
  std::uint16_t port_ = 0;
};

}  // namespace mintmark::testing
