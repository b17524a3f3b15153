#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <gtest/gtest.h>

#include "tests/support/rest_client.h"
#include "tests/support/server_process.h"

namespace mintmark::testing {

// A suite whose tests share one initialised folder and its server, which has to stop cleanly at the end.
class ServerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite();
  static void TearDownTestSuite();

  static const InitialisedFolder& folder() { return *folder_; }
  static ServerProcess& server() { return *server_; }
  // A client without credentials, one signed in as the first owner, and one with that key.
  static RestClient anyone() { return RestClient(server_->port()); }
  static RestClient owner();
  static RestClient bearer(const std::string& key);

 private:
  static std::unique_ptr<InitialisedFolder> folder_;
  static std::unique_ptr<ServerProcess> server_;
};

// A text member of a JSON object; throws where there is none.
std::string text(const boost::json::object& object, std::string_view name);

// Creates a token; throws where that is refused. The whole token as it was answered.
boost::json::object create_token(RestClient& client, std::string_view name,
                                 std::string_view extension = "custom");

// "/auth/tokens/{id}" of a token, for its answer or its id.
std::string path_of(const boost::json::object& token);
std::string path_of(std::string_view token_id);

// The status that /authorize answers for a key.
int authorize(std::uint16_t port, const std::string& key);

// That the answer is an error of the contract's form, with this status and code, whatever its messages.
void expect_error(const RestResponse& response, int status, std::string_view code);

// Asks until `holds`, each time with another request to a server; fails the test after a while.
void expect_eventually(const std::function<bool()>& holds,
                       std::chrono::seconds deadline = std::chrono::seconds(20));

// `replay --json` of a folder, one object an event, from that position on.
std::vector<boost::json::object> replay(const InitialisedFolder& folder, std::int64_t from = 1);

}  // namespace mintmark::testing
