// The platform's own JavaScript SDK, unmodified, against the running server: tests/system/sdk/.
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "tests/system/fixture.h"

namespace mintmark::testing {
namespace {

const std::filesystem::path source = "tests/system/sdk";
const std::filesystem::path build = MINTMARK_SDK_BUILD_FOLDER;

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Installs the locked packages into a copy of the folder, unless this lock file's are there.
void install() {
  const auto lock = content_of(source / "package-lock.json");
  const auto installed = build / "installed-lock.json";
  std::filesystem::create_directories(build);
  const auto overwrite = std::filesystem::copy_options::overwrite_existing;
  for (const auto* name : {".npmrc", "package.json", "package-lock.json", "sdk.test.mjs"}) {
    std::filesystem::copy_file(source / name, build / name, overwrite);
  }
  if (content_of(installed) == lock) return;
  const auto finished = run_process(
      {.command = {"npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"}, .folder = build.string()},
      std::chrono::seconds(180));
  ASSERT_EQ(finished.exit_code, 0) << finished.out << finished.err;
  std::ofstream(installed, std::ios::binary) << lock;
}

TEST(Sdk, DoesItsWorkUnmodified) {
  ASSERT_NO_FATAL_FAILURE(install());
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
}  // namespace mintmark::testing
