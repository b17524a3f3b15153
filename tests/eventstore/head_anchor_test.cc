#include "eventstore/head_anchor.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/event_builders.h"
#include "tests/support/faulty_env.h"
#include "tests/support/log_folder.h"

namespace mintmark::testing::head_anchor_test {
namespace {

constexpr std::size_t slot_bytes = 4096;

MerkleTree tree_of_size(std::size_t size) {
  MerkleTree tree;
  while (tree.size() < size) tree.append("leaf " + std::to_string(tree.size()));
  return tree;
}

class HeadAnchorFile : public ::testing::Test {
 protected:
  HeadAnchorFile() {
    EXPECT_TRUE(HeadAnchor::create(*rocksdb::Env::Default(), path).ok());
    anchor = open();
  }
  std::unique_ptr<HeadAnchor> open(rocksdb::Env& env = *rocksdb::Env::Default()) {
    std::unique_ptr<HeadAnchor> opened;
    const auto status = HeadAnchor::open(env, path, opened);
    EXPECT_TRUE(status.ok()) << status.ToString();
    return opened;
  }
  void write(std::size_t tree_size) {
    ASSERT_TRUE(anchor->write({event_id(1), tree_of_size(tree_size)}).ok());
  }
  // The size of the newest tree after opening anew; -1 where there is no valid slot.
  long newest_size() {
    const auto opened = open();
    return opened->newest() ? static_cast<long>(opened->newest()->tree.size()) : -1;
  }
  void spoil(std::size_t offset) {
    auto bytes = read_file(path);
    bytes[offset] = static_cast<char>(bytes[offset] ^ 0x10);
    write_file(path, bytes);
  }

  TemporaryFolder folder;
  const std::string path = folder.file("anchor");
  std::unique_ptr<HeadAnchor> anchor;
};

TEST_F(HeadAnchorFile, IsEmptyAtFirstAndMadeOnce) {
  EXPECT_FALSE(anchor->newest());
  EXPECT_EQ(newest_size(), -1);
  EXPECT_EQ(read_file(path).size(), 2 * slot_bytes);
  EXPECT_FALSE(HeadAnchor::create(*rocksdb::Env::Default(), path).ok());
}

TEST_F(HeadAnchorFile, ThatIsMissingDoesNotOpenAndIsNotMade) {
  std::unique_ptr<HeadAnchor> opened;
  EXPECT_FALSE(HeadAnchor::open(*rocksdb::Env::Default(), folder.file("other"), opened).ok());
  EXPECT_FALSE(std::filesystem::exists(folder.file("other")));
}

TEST_F(HeadAnchorFile, KeepsTheNewestHeadOfEachWrite) {
  for (std::size_t size = 1; size < 20; ++size) {
    write(size);
    EXPECT_EQ(anchor->newest()->tree, tree_of_size(size));
    const auto opened = open();
    ASSERT_TRUE(opened->newest());
    EXPECT_EQ(opened->newest()->tree, tree_of_size(size));
    EXPECT_EQ(opened->newest()->log_id, event_id(1));
  }
}

TEST_F(HeadAnchorFile, WritesItsSlotsInTurn) {
  write(1);
  auto before = read_file(path);
  for (std::size_t size = 2; size < 8; ++size) {
    write(size);
    const auto after = read_file(path);
    ASSERT_EQ(after.size(), 2 * slot_bytes);
    const bool first_changed = after.substr(0, slot_bytes) != before.substr(0, slot_bytes);
    const bool second_changed = after.substr(slot_bytes) != before.substr(slot_bytes);
    EXPECT_NE(first_changed, second_changed) << size;
    EXPECT_EQ(first_changed, size % 2 == 0) << size;
    before = after;
  }
}

TEST_F(HeadAnchorFile, GoesOnInTurnAfterReopening) {
  write(1);
  anchor = open();
  const auto before = read_file(path);
  write(2);
  EXPECT_EQ(read_file(path).substr(slot_bytes), before.substr(slot_bytes));
  EXPECT_EQ(newest_size(), 2);
}

TEST_F(HeadAnchorFile, FallsBackToTheOtherSlotWhereverTheNewerOneIsSpoilt) {
  write(5);
  write(6);
  const auto whole = read_file(path);
  // Sequence 2 is in slot 0: 40 bytes before the tree, 8 + 2 * 32 of tree, 32 of checksum.
  for (std::size_t offset = 0; offset < 40 + 72 + 32; ++offset) {
    write_file(path, whole);
    spoil(offset);
    EXPECT_EQ(newest_size(), 5) << offset;
  }
  write_file(path, whole);
  spoil(slot_bytes + 50);
  EXPECT_EQ(newest_size(), 6);
  spoil(50);
  EXPECT_EQ(newest_size(), -1);
}

TEST_F(HeadAnchorFile, ReplacesTheSpoiltSlotNext) {
  write(5);
  write(6);
  spoil(50);
  anchor = open();
  write(7);
  EXPECT_EQ(newest_size(), 7);
  spoil(50);
  EXPECT_EQ(newest_size(), 5);
}

TEST_F(HeadAnchorFile, SurvivesATornWriteAtEveryLength) {
  write(5);
  const auto before = read_file(path);
  write(6);
  const auto after = read_file(path);
  for (std::size_t length = 0; length < slot_bytes; length += 7) {
    write_file(path, after.substr(0, length) + before.substr(length));
    const auto size = newest_size();
    EXPECT_EQ(size, length < 40 + 72 + 32 ? 5 : 6) << length;
  }
}

TEST_F(HeadAnchorFile, CutShortHasNoHead) {
  write(5);
  write(6);
  const auto whole = read_file(path);
  write_file(path, whole.substr(0, slot_bytes - 1));
  EXPECT_EQ(newest_size(), -1);
  write_file(path, whole.substr(0, slot_bytes));
  EXPECT_EQ(newest_size(), 6);
}

TEST_F(HeadAnchorFile, HoldsATreeOfManyHashes) {
  const MerkleTree largest(~Position{0}, std::vector<TreeHash>(64, TreeHash{7}));
  ASSERT_TRUE(anchor->write({event_id(1), largest}).ok());
  EXPECT_EQ(open()->newest()->tree, largest);
}

TEST_F(HeadAnchorFile, KeepsItsHeadWhereAWriteFails) {
  FaultyEnv disk;
  anchor = open(disk.env());
  write(1);
  disk.faults().fail(FileOperation::kAppend, "/anchor");
  EXPECT_FALSE(anchor->write({event_id(1), tree_of_size(2)}).ok());
  EXPECT_EQ(anchor->newest()->tree.size(), 1U);
  disk.faults().heal();
  write(3);
  EXPECT_EQ(newest_size(), 3);
}

}  // namespace
}  // namespace mintmark::testing::head_anchor_test
