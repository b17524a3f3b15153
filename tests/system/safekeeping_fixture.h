#pragma once

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "tests/system/fixture.h"

namespace mintmark::testing {

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << bytes;
  ASSERT_TRUE(file.flush());
}

// The size that the newest tree head in a file is of; 0 where there is none.
inline std::uint64_t newest_tree_head(const std::string& file) {
  std::istringstream lines(read_file(file));
  std::uint64_t newest = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("mintmark/")) continue;
    std::getline(lines, line);
    newest = std::max(newest, std::uint64_t{std::stoull(line)});
  }
  return newest;
}

// A folder, and a place elsewhere for what keeps it safe.
class SafekeepingTest : public ::testing::Test {
 protected:
  // A token's key.
  std::string create(const std::string& name) const {
    return text(folder_.run_json({"token", "create", "--account", folder_.account(), "--name", name}), "key");
  }
  RestClient owner(const ServerProcess& server) const {
    RestClient client(server.port());
    client.log_in(folder_.email(), folder_.password());
    return client;
  }
  static std::string id_of(const std::string& key) { return key.substr(0, key.find(':')); }

  InitialisedFolder folder_;
  TemporaryFolder elsewhere_;
};

}  // namespace mintmark::testing
