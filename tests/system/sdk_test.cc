// The platform's own JavaScript SDK, unmodified, against the running server: tests/system/sdk/.
#include <filesystem>

#include <gtest/gtest.h>

#include "tests/system/fixture.h"
#include "tests/system/node_packages.h"

namespace mintmark::testing::sdk_test {
namespace {

const std::filesystem::path source = "tests/system/sdk";
const std::filesystem::path build = MINTMARK_SDK_BUILD_FOLDER;

TEST(Sdk, DoesItsWorkUnmodified) {
  install_packages(source, build);
  const InitialisedFolder folder;
  const auto created = folder.run_json({"token", "create", "--account", folder.account(), "--name", "SDK"});
  ServerProcess server(folder.path());
  const auto finished = run_process({.command = {"node", "--test", "sdk.test.mjs"},
                                     .environment = {{"ENDPOINT", server.endpoint() + "/public/v1"},
                                                     {"KEY", "ApiKey " + text(created, "key")},
                                                     {"ACCOUNT", folder.account()}},
                                     .folder = build.string()},
                                    std::chrono::seconds(120));
  EXPECT_EQ(finished.exit_code, 0) << finished.out << finished.err;
  EXPECT_NE(finished.out.find("# pass "), std::string::npos) << finished.out;
  EXPECT_EQ(finished.out.find("# pass 0"), std::string::npos) << "no test ran";
  EXPECT_EQ(server.stop().exit_code, 0);
}

}  // namespace
}  // namespace mintmark::testing::sdk_test
