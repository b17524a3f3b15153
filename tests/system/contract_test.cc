// Every operation of the published contract against the running server, validated: tests/system/contract/.
#include <filesystem>

#include <gtest/gtest.h>

#include "tests/system/fixture.h"
#include "tests/system/node_packages.h"

namespace mintmark::testing::contract_test {
namespace {

TEST(Contract, EveryOperationAnswersAsItSays) {
  const std::filesystem::path build = MINTMARK_CONTRACT_BUILD_FOLDER;
  install_packages("tests/system/contract", build);
  const InitialisedFolder folder;
  // Whoever acts as a provider's owner may do everything that an owner may, and open accounts.
  const auto opened = folder.run_json({"account", "open", "--name", "Provider", "--type", "provider"});
  const auto account = text(opened, "account");
  const auto owner =
      folder.run_json({"user", "add", "--account", account, "--email", "provider@example.com"});
  const auto token = folder.run_json({"token", "create", "--account", account, "--name", "Contract"});
  ServerProcess server(folder.path(), {"--webhook-networks", "127.0.0.0/8", "--webhook-ports", "0"});
  const auto facts = std::filesystem::absolute("tests/golden/contract/facts.json");
  const auto finished = run_process({.command = {"node", "--test", "contract.test.mjs"},
                                     .environment = {{"ENDPOINT", server.endpoint() + "/public/v1"},
                                                     {"FACTS", facts.string()},
                                                     {"KEY", "ApiKey " + text(token, "key")},
                                                     {"ACCOUNT", account},
                                                     {"USER", text(owner, "user")}},
                                     .folder = build.string()},
                                    std::chrono::seconds(120));
  EXPECT_EQ(finished.exit_code, 0) << finished.out << finished.err;
  EXPECT_NE(finished.out.find("# pass "), std::string::npos) << finished.out;
  EXPECT_EQ(finished.out.find("# pass 0"), std::string::npos) << "no test ran";
  EXPECT_EQ(server.stop().exit_code, 0);
}

}  // namespace
}  // namespace mintmark::testing::contract_test
