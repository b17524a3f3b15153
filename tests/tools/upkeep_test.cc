#include "tools/upkeep.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/event_builders.h"
#include "tests/support/fake_clock.h"
#include "tests/support/log_folder.h"

namespace mintmark::testing::upkeep_test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

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
  const std::string heads_path_ = (folder_.path() / "tree-heads").string();
  TreeHeadJournal tree_heads_{*log_, SigningSeed{}, heads_path_};
  const std::string snapshot_ = (folder_.path() / "index").string();
  const Peppers peppers_{std::vector<PepperKey>(1)};
  AuthorizationIndex index_{peppers_};
  FakeClock clock_;
  std::atomic<bool> damage_found_ = false;
  std::atomic<std::int64_t> signed_position_ = -1;
  std::atomic<std::int64_t> verified_at_s_ = 0;
  const Upkeep::Subjects subjects_{*log_,  tree_heads_,   index_,           snapshot_,
                                   clock_, damage_found_, signed_position_, verified_at_s_};
};

TEST_F(UpkeepTest, TakesDestroyedKeysFromTheDisk) {
  const std::string kept(72, 'k');
  const std::string destroyed(72, 'd');
  write({"kept", kept});
  write({"destroyed", destroyed});
  write({"destroyed", ""});
  EXPECT_TRUE(is_on_disk(destroyed)) << "or this finds nothing anywhere";
  {
    const Upkeep upkeep(subjects_, {.vault_rest = 1ms});
    while (log_->may_hold_destroyed_keys()) std::this_thread::yield();
  }
  EXPECT_FALSE(is_on_disk(destroyed));
  EXPECT_EQ(log_->read_vault("kept"), kept);
}

TEST_F(UpkeepTest, TellsOfTreeHeadsThatNobodySigned) {
  write_file(folder_.path() / "tree-heads", "a line of nobody's\n\n");
  const Upkeep upkeep(subjects_, {.verified_events_per_second = 1'000'000});
  while (!damage_found_) std::this_thread::yield();
  EXPECT_EQ(signed_position_, -1) << "none are to be signed";
}

TEST_F(UpkeepTest, TellsWhereItSignsAndThatItCannot) {
  for (std::uint64_t i = 0; i < 3; ++i) write({"subject", "key"});
  fs::create_directory(heads_path_);
  {
    const Upkeep upkeep(subjects_, {.tree_head_interval = 1h});
    EXPECT_EQ(signed_position_, 0);
  }
  EXPECT_EQ(signed_position_, 0) << "a folder is where the file should be";
  fs::remove(heads_path_);
  const Upkeep upkeep(subjects_, {.tree_head_interval = 1h});
  while (signed_position_ != 3) std::this_thread::yield();
}

// Whoever can reach the file can take heads from it: that is told, and what is signed next is there again.
TEST_F(UpkeepTest, TellsOfTreeHeadsThatVanishWhileItRuns) {
  for (std::uint64_t i = 0; i < 3; ++i) write({"subject", "key"});
  std::size_t length = 0;
  const std::vector<std::function<void()>> losses{
      [&] { fs::remove(heads_path_); },
      [&] { fs::resize_file(heads_path_, 0); },
      [&] { fs::resize_file(heads_path_, length - 2); },
      [&] { write_file(heads_path_, "a line of nobody's\n\n" + std::string(length, '\n')); },
  };
  for (const auto& lose : losses) {
    damage_found_ = false;
    {
      const Upkeep upkeep(subjects_, {.tree_head_interval = 1h});
      while (signed_position_ != 3) std::this_thread::yield();
      length = fs::file_size(heads_path_);
      EXPECT_FALSE(damage_found_);
      lose();
    }
    EXPECT_TRUE(damage_found_);
    TreeHead newest;
    tree_heads_.read_own([&](const TreeHead& head) {
      newest = head;
      return true;
    });
    EXPECT_EQ(newest, log_->tree().head()) << "signed anew, of the same log";
    EXPECT_EQ(tree_heads_.take_loss(), "") << "told once";
  }
}

// Signing on demand between two looks must not hide it.
TEST_F(UpkeepTest, TellsOfTreeHeadsThatVanishedBeforeOneWasSignedOnDemand) {
  write({"subject", "key"});
  const Upkeep upkeep(subjects_, {.tree_head_interval = 1h});
  while (signed_position_ != 1) std::this_thread::yield();
  EXPECT_TRUE(tree_heads_.publish());
  EXPECT_EQ(tree_heads_.take_loss(), "");
  fs::remove(heads_path_);
  EXPECT_TRUE(tree_heads_.publish());
  EXPECT_NE(tree_heads_.take_loss(), "");
}

TEST_F(UpkeepTest, TellsWhenTheLogWasLastVerified) {
  write({"subject", "key"});
  const auto now_s = std::chrono::floor<std::chrono::seconds>(clock_.now()).time_since_epoch().count();
  const Upkeep upkeep(subjects_, {.verified_events_per_second = 1'000'000});
  while (verified_at_s_ == 0) std::this_thread::yield();
  EXPECT_EQ(verified_at_s_, now_s);
}

TEST_F(UpkeepTest, SavesTheIndexSoThatAStartAfterAKillHasLittleToRead) {
  const auto read_on = [this] { index_.apply(log_->read(index_.checkpoint(), 100)); };
  // Where such a start would go on from.
  const auto saved = [this] {
    AuthorizationIndex loaded(peppers_);
    return loaded.load(snapshot_, log_->log_id()) ? loaded.checkpoint() : 0;
  };
  for (std::uint64_t i = 0; i < 3; ++i) write({"subject", "key"});
  read_on();
  {
    const Upkeep upkeep(subjects_, {.index_look = 1ms, .index_rest = 0ms});
    while (index_.saved() != 3) std::this_thread::yield();
    EXPECT_EQ(saved(), 3U);
    write({"subject", "key"});
    read_on();
    while (index_.saved() != 4) std::this_thread::yield();
    EXPECT_EQ(saved(), 4U);
  }
  for (std::uint64_t i = 0; i < 5; ++i) write({"subject", "key"});
  read_on();
  const Upkeep upkeep(subjects_, {.index_look = 1ms, .index_events_max = 5});
  while (index_.saved() != 9) std::this_thread::yield();
  EXPECT_EQ(saved(), 9U) << "so many events are not kept waiting for the hour";
}

}  // namespace
}  // namespace mintmark::testing::upkeep_test
