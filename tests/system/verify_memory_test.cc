#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"
#include "tests/system/fixture.h"

namespace mintmark::testing::verify_memory_test {
namespace {

constexpr std::uint64_t mebibyte = 1024UL * 1024;

TEST(VerifyMemory, DoesNotGrowWithTheLog) {
  const TemporaryFolder folder;
  const auto data = folder.file("data");
  ASSERT_EQ(run_mintmark({"init", "--data", data, "--email", "owner@example.com", "--json"}).exit_code, 0);
  std::vector<std::uint64_t> needed;
  for (const auto* events : {"1024", "16384"}) {
    const auto appended = run_process({.command = {APPEND_MANY, data + "/log", events}});
    ASSERT_EQ(appended.exit_code, 0) << appended.err;
    const auto verified = run_mintmark({"verify", "--data", data});
    ASSERT_EQ(verified.exit_code, 0) << verified.err;
    needed.push_back(verified.resident_bytes_max);
  }
  EXPECT_LT(needed[1], needed[0] + 24 * mebibyte) << "though there are 32 MiB more of events";
}

// Two weeks of one a minute, say: of the same position, which costs as much to read.
TEST(VerifyMemory, DoesNotGrowWithTheTreeHeads) {
  const TemporaryFolder folder;
  const auto data = folder.file("data");
  ASSERT_EQ(run_mintmark({"init", "--data", data, "--email", "owner@example.com", "--json"}).exit_code, 0);
  ASSERT_EQ(run_mintmark({"tree-head", "sign", "--data", data}).exit_code, 0);
  const auto one = read_file(data + "/tree-heads");
  std::vector<std::uint64_t> needed;
  for (const std::size_t count : {1UL, 20'000UL}) {
    std::string heads;
    for (std::size_t i = 0; i < count; ++i) heads += one;
    write_file(data + "/tree-heads", heads);
    const auto verified = run_mintmark({"verify", "--data", data});
    ASSERT_EQ(verified.exit_code, 0) << verified.err;
    EXPECT_NE(verified.out.find("held to " + std::to_string(count) + " tree heads"), std::string::npos);
    needed.push_back(verified.resident_bytes_max);
  }
  EXPECT_LT(needed[1], needed[0] + 2 * mebibyte) << "though there are 6 MiB of tree heads";
}

}  // namespace
}  // namespace mintmark::testing::verify_memory_test
