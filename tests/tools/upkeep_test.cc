#include "tools/upkeep.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "tests/support/event_builders.h"
#include "tests/support/log_folder.h"

namespace mintmark::testing::upkeep_test {
namespace {

using namespace std::chrono_literals;

class UpkeepTest : public ::testing::Test {
 protected:
  void write(VaultWrite row) {
    auto request = append_request("stream-" + std::to_string(log_->head()), 0, log_->head() + 1);
    request.vault_writes.push_back(std::move(row));
    ASSERT_TRUE(append_and_wait(*log_, std::move(request)));
  }
  bool is_on_disk(const std::string& bytes) const {
    const auto contents = contents_of(folder_.path() / "rocksdb");
    return std::ranges::any_of(
        contents, [&](const auto& file) { return file.second.find(bytes) != std::string::npos; });
  }

  LogFolder folder_{1, TemporaryFolder::in_memory()};
  std::unique_ptr<RocksDbLog> log_ = folder_.open();
  TreeHeadJournal tree_heads_{*log_, SigningSeed{}, (folder_.path() / "tree-heads").string()};
  std::atomic<bool> damage_found_ = false;
};

TEST_F(UpkeepTest, TakesDestroyedKeysFromTheDisk) {
  const std::string kept(72, 'k');
  const std::string destroyed(72, 'd');
  write({"kept", kept});
  write({"destroyed", destroyed});
  write({"destroyed", ""});
  EXPECT_TRUE(is_on_disk(destroyed)) << "or this finds nothing anywhere";
  {
    const Upkeep upkeep(*log_, tree_heads_, damage_found_, {.vault_rest = 1ms});
    while (log_->may_hold_destroyed_keys()) std::this_thread::yield();
  }
  EXPECT_FALSE(is_on_disk(destroyed));
  EXPECT_EQ(log_->read_vault("kept"), kept);
}

TEST_F(UpkeepTest, TellsOfTreeHeadsThatNobodySigned) {
  write_file(folder_.path() / "tree-heads", "a line of nobody's\n\n");
  const Upkeep upkeep(*log_, tree_heads_, damage_found_, {.verified_events_per_second = 1'000'000});
  while (!damage_found_) std::this_thread::yield();
}

}  // namespace
}  // namespace mintmark::testing::upkeep_test
