#include "eventstore/head_anchor.h"

#include <memory>
#include <string>
#include <vector>

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
  void spoil(std::size_t offset, unsigned bits = 0x10) {
    auto bytes = read_file(path);
    bytes[offset] = static_cast<char>(static_cast<unsigned char>(bytes[offset]) ^ bits);
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

// 40 bytes before the tree, 8 + 2 * 32 of tree, 32 of checksum; zeros behind.
TEST_F(HeadAnchorFile, TellsOfAFlippedBitInEitherSlotAndKnowsItsHeadAllTheSame) {
  write(5);
  write(6);
  const auto whole = read_file(path);
  for (const std::size_t slot : {0U, 1U}) {
    for (std::size_t offset = 0; offset < slot_bytes; offset += offset < 40 + 72 + 32 ? 5 : 997) {
      write_file(path, whole);
      spoil(slot * slot_bytes + offset, 1U << (offset % 8));
      const auto opened = open();
      EXPECT_EQ(opened->newest()->tree, tree_of_size(6)) << slot << " at " << offset;
      EXPECT_EQ(opened->damage(), "a bit of slot " + std::to_string(slot) +
                                      " of the head anchor, which stands for position " +
                                      std::to_string(6 - slot) + ", is flipped");
      EXPECT_EQ(opened->note(), "");
    }
  }
}

TEST_F(HeadAnchorFile, FallsBackToTheOtherSlotWhereMoreOfTheNewerOneIsSpoilt) {
  write(5);
  write(6);
  const auto whole = read_file(path);
  for (std::size_t offset = 0; offset < 40 + 72 + 32; offset += 13) {
    write_file(path, whole);
    spoil(offset, 0x11);
    const auto opened = open();
    EXPECT_EQ(opened->newest()->tree, tree_of_size(5)) << offset;
    EXPECT_EQ(opened->damage(), "") << "a torn write may have left it";
    EXPECT_NE(opened->note().find("slot 0 of the head anchor is not whole"), std::string::npos);
  }
  write_file(path, whole);
  spoil(slot_bytes + 50, 0x11);
  EXPECT_EQ(newest_size(), 6);
  EXPECT_NE(open()->note().find("slot 1 of the head anchor is not whole"), std::string::npos);
  spoil(50, 0x11);
  EXPECT_EQ(newest_size(), -1);
}

TEST_F(HeadAnchorFile, TellsOfASlotThatHasLostWhatItHeld) {
  EXPECT_EQ(open()->damage(), "") << "nothing was written yet";
  write(5);
  EXPECT_EQ(open()->damage(), "") << "nor into slot 0";
  write(6);
  write(7);
  const auto whole = read_file(path);
  const std::string lost(slot_bytes, '\0');
  write_file(path, lost + whole.substr(slot_bytes));
  EXPECT_EQ(open()->damage(), "slot 0 of the head anchor has lost what it held");
  write_file(path, whole.substr(0, slot_bytes) + lost);
  EXPECT_EQ(open()->damage(), "slot 1 of the head anchor has lost what it held");
  write_file(path, whole.substr(0, slot_bytes + 1));
  EXPECT_EQ(open()->damage(), "slot 1 of the head anchor is cut off");
}

TEST_F(HeadAnchorFile, FindsAProblemInEitherSlotWhileItIsInUse) {
  write(5);
  write(6);
  EXPECT_EQ(anchor->problem(), "");
  const auto whole = read_file(path);
  spoil(50);
  EXPECT_EQ(anchor->problem(), "a bit of slot 0 of the head anchor, which stands for position 6, is flipped");
  write_file(path, whole);
  spoil(slot_bytes + 50, 0x11);
  EXPECT_EQ(anchor->problem(), "a slot of the head anchor is not what was written there last");
  write(7);
  EXPECT_EQ(anchor->problem(), "") << "it was written anew";
}

TEST_F(HeadAnchorFile, ReplacesTheSpoiltSlotNext) {
  write(5);
  write(6);
  spoil(50, 0x11);
  anchor = open();
  write(7);
  EXPECT_EQ(newest_size(), 7);
  EXPECT_EQ(open()->note(), "");
  spoil(50, 0x11);
  EXPECT_EQ(newest_size(), 5);
}

// Over a longer head, over a shorter one and over none.
TEST_F(HeadAnchorFile, SurvivesATornWriteAtEveryLengthAndDoesNotTakeItForDamage) {
  const std::vector<std::vector<std::size_t>> sizes{{5, 6}, {3, 5, 6, 8}, {3, 4, 5, 7}};
  for (const auto& written : sizes) {
    write_file(path, std::string(2 * slot_bytes, '\0'));
    anchor = open();
    std::string before;
    for (const auto size : written) {
      before = read_file(path);
      write(size);
    }
    const auto after = read_file(path);
    const auto used = 40 + anchor->newest()->tree.encode().size() + 32;
    for (std::size_t length = 0; length < 200; length += 13) {
      write_file(path, after.substr(0, length) + before.substr(length));
      const auto opened = open();
      EXPECT_EQ(opened->newest()->tree.size(), written[written.size() - (length < used ? 2 : 1)]) << length;
      EXPECT_EQ(opened->damage(), "") << length;
    }
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
