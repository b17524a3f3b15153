// Every operation of the published contract and of the program's own document against the running server,
// validated: tests/system/contract/.
#include <filesystem>

#include <gtest/gtest.h>

#include "tests/system/fixture.h"
#include "tests/system/node_packages.h"

namespace mintmark::testing::contract_test {
namespace {

struct Owner {
  std::string account;
  std::string user;
  std::string key;
};

// Whoever acts as a provider's owner may do everything that an owner may, and open accounts.
Owner open_provider(const InitialisedFolder& folder) {
  const auto opened = folder.run_json({"account", "open", "--name", "Provider", "--type", "provider"});
  const auto account = text(opened, "account");
  const auto owner =
      folder.run_json({"user", "add", "--account", account, "--email", "provider@example.com"});
  const auto token = folder.run_json({"token", "create", "--account", account, "--name", "Contract"});
  return {account, text(owner, "user"), text(token, "key")};
}

void run_against_server(const std::string& tests) {
  const std::filesystem::path build = MINTMARK_CONTRACT_BUILD_FOLDER;
  install_packages("tests/system/contract", build);
  const InitialisedFolder folder;
  const auto owner = open_provider(folder);
  ServerProcess server(folder.path(),
                       {"--webhook-networks", "127.0.0.0/8", "--webhook-ports", "0", "--request-rate", "0"});
  const auto facts = std::filesystem::absolute("tests/golden/contract/facts.json");
  const auto finished = run_process({.command = {"node", "--test", tests},
                                     .environment = {{"ENDPOINT", server.endpoint() + "/public/v1"},
                                                     {"FACTS", facts.string()},
                                                     {"KEY", "ApiKey " + owner.key},
                                                     {"ACCOUNT", owner.account},
                                                     {"USER", owner.user}},
                                     .folder = build.string()},
                                    std::chrono::seconds(120));
  EXPECT_EQ(finished.exit_code, 0) << finished.out << finished.err;
  EXPECT_NE(finished.out.find("# pass "), std::string::npos) << finished.out;
  EXPECT_EQ(finished.out.find("# pass 0"), std::string::npos) << "no test ran";
  EXPECT_EQ(server.stop().exit_code, 0);
}

TEST(Contract, EveryOperationAnswersAsItSays) {
  run_against_server("contract.test.mjs");
}

TEST(Contract, EveryAnswerIsAsTheDocumentSays) {
  run_against_server("document.test.mjs");
}

}  // namespace
}  // namespace mintmark::testing::contract_test
