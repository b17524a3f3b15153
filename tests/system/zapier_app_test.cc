// The app that a team pushes to Zapier, worker/zapier-app/, through Zapier's own core against the running
// server.
#include <filesystem>

#include <gtest/gtest.h>

#include "tests/system/fixture.h"
#include "tests/system/node_packages.h"

namespace mintmark::testing::zapier_app_test {
namespace {

const std::filesystem::path app = "worker/zapier-app";
const std::filesystem::path test_file = "tests/system/zapier/zapier.test.mjs";
const std::filesystem::path build = MINTMARK_ZAPIER_BUILD_FOLDER;

TEST(ZapierApp, DoesWhatItsUsersDo) {
  install_packages(app, build);
  std::filesystem::copy_file(test_file, build / test_file.filename(),
                             std::filesystem::copy_options::overwrite_existing);
  const InitialisedFolder folder;
  const auto partner = folder.run_json({"partner", "create", "--name", "Zapier"});
  const auto owners =
      folder.run_json({"token", "create", "--account", folder.account(), "--name", "Owner's"});
  const auto zapiers = folder.run_json(
      {"token", "create", "--account", folder.account(), "--name", "Zaps", "--type", "zapier"});
  ServerProcess server(folder.path(), {"--webhook-networks", "127.0.0.0/8", "--webhook-ports", "0"});
  const auto finished = run_process({.command = {"node", "--test", "zapier.test.mjs"},
                                     .environment = {{"MINTMARK_URL", server.endpoint() + "/public/v1"},
                                                     {"MINTMARK_PARTNER_KEY", text(partner, "key")},
                                                     {"OWNER_KEY", text(owners, "key")},
                                                     {"HANDLE", text(zapiers, "handle")},
                                                     {"TOKEN", text(zapiers, "id")}},
                                     .folder = build.string()},
                                    std::chrono::seconds(120));
  EXPECT_EQ(finished.exit_code, 0) << finished.out << finished.err;
  EXPECT_NE(finished.out.find("# pass 4"), std::string::npos) << finished.out;
  EXPECT_EQ(server.stop().exit_code, 0);
}

}  // namespace
}  // namespace mintmark::testing::zapier_app_test
