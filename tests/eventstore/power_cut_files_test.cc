// The small files that lie beside the log, under a power cut behind every sync.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eventstore/files.h"
#include "eventstore/key_file.h"
#include "eventstore/random.h"
#include "eventstore/tree_head.h"
#include "tests/eventstore/backup_fixture.h"
#include "tests/support/log_folder.h"
#include "tests/support/synced_files.h"
#include "tests/support/temporary_folder.h"

namespace mintmark::testing::power_cut_files_test {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using Contents = SyncedFiles::Contents;

class PowerCutFiles : public ::testing::Test {
 protected:
  const TemporaryFolder folder;
  const std::string path = folder.file("file");
};

TEST_F(PowerCutFiles, AReplacedOneIsOldOrNewAndNewOnceThatIsAnswered) {
  write_file(path, "old");
  const SyncedFiles synced(folder.path());
  ASSERT_TRUE(replace_file(path, "new", 0600));
  EXPECT_THAT(synced.after_each_sync(),
              Each(AnyOf(Contains(Pair("file", "old")), Contains(Pair("file", "new")))));
  EXPECT_THAT(synced.after_all(), Contains(Pair("file", "new")));
}

TEST_F(PowerCutFiles, ANewOneIsThereWholeOrNotAtAll) {
  const SyncedFiles synced(folder.path());
  ASSERT_TRUE(replace_file(path, "new", 0600));
  EXPECT_THAT(synced.after_each_sync(),
              Each(AnyOf(Not(Contains(Key("file"))), Contains(Pair("file", "new")))));
  EXPECT_THAT(synced.after_all(), Contains(Pair("file", "new")));
}

TEST_F(PowerCutFiles, ARenamedOneHasOneOfItsNames) {
  std::filesystem::create_directories(folder.file("from"));
  std::filesystem::create_directories(folder.file("to"));
  write_file(folder.file("from/file"), "bytes");
  const SyncedFiles synced(folder.path());
  ASSERT_TRUE(rename_durably(folder.file("from/file"), folder.file("to/file")));
  EXPECT_THAT(synced.after_each_sync(),
              Each(AnyOf(Contains(Pair("from/file", "bytes")), Contains(Pair("to/file", "bytes")))));
  EXPECT_EQ(synced.after_all(), (Contents{{"from/", ""}, {"to/", ""}, {"to/file", "bytes"}}));
}

TEST_F(PowerCutFiles, FoldersKeepTheirNames) {
  const SyncedFiles synced(folder.path());
  ASSERT_FALSE(make_folders(folder.file("a/b/c")));
  EXPECT_EQ(synced.after_all(), (Contents{{"a/", ""}, {"a/b/", ""}, {"a/b/c/", ""}}));
}

TEST_F(PowerCutFiles, AKeyFileIsThereWholeOrNotAtAllAndChangesAsOne) {
  SystemRandom random;
  std::string first;
  {
    const SyncedFiles synced(folder.path());
    ASSERT_TRUE(create_key_file(path, random));
    first = read_file(path);
    EXPECT_THAT(synced.after_each_sync(),
                Each(AnyOf(Not(Contains(Key("file"))), Contains(Pair("file", first)))));
    EXPECT_EQ(synced.after_all(), (Contents{{"file", first}})) << "and under no other name";
  }
  const SyncedFiles synced(folder.path());
  ASSERT_TRUE(replace_key_file(path, {KeyEncryptionKey{1}, read_key_file(path)->current}));
  const auto second = read_file(path);
  EXPECT_THAT(synced.after_each_sync(),
              Each(AnyOf(Contains(Pair("file", first)), Contains(Pair("file", second)))));
  EXPECT_EQ(synced.after_all(), (Contents{{"file", second}}));
}

TEST_F(PowerCutFiles, ATreeHeadIsKeptOnceItIsAppended) {
  const SyncedFiles synced(folder.path());
  TreeHeadFile file(path);
  ASSERT_TRUE(file.begin());
  EXPECT_EQ(synced.after_all(), (Contents{{"file", ""}})) << "a missing one is one that went away";
  const NoteSigner signer(tree_head_origin(event_id(1)), SigningSeed{1});
  ASSERT_TRUE(file.append(sign_tree_head(signer, {1, {}})));
  EXPECT_EQ(synced.after_all(), (Contents{{"file", read_file(path)}}));
  const auto other = folder.file("other");
  ASSERT_TRUE(TreeHeadFile(other).append(sign_tree_head(signer, {2, {}})));
  EXPECT_THAT(synced.after_all(), Contains(Pair("other", read_file(other))));
}

class PowerCutBackup : public BackupFixture {};

TEST_F(PowerCutBackup, HasNothingUnderAFinalNameThatIsNotWhole) {
  const SyncedFiles synced(work.path());
  std::vector<Contents> written;
  for (std::uint64_t number = 1; number <= 2; ++number) {
    append(number);
    back_up();
    written.push_back(contents_of(work.path()));
    auto kept = synced.after_all();
    std::erase_if(kept,
                  [](const auto& file) { return file.first == "events/" || file.first == "events/lock"; });
    EXPECT_EQ(kept, written.back()) << "all that it was answered for";
  }
  for (const auto& contents : synced.after_each_sync()) {
    for (const auto& [name, bytes] : contents) {
      if (name.starts_with("events/events-") && std::filesystem::path(name).extension().empty()) {
        EXPECT_THAT(written.back(), Contains(Pair(name, bytes)));
      } else if (name == "vault") {
        EXPECT_THAT(bytes, AnyOf(written[0].at(name), written[1].at(name)));
      }
    }
  }
}

}  // namespace
}  // namespace mintmark::testing::power_cut_files_test
