#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eventstore/rocksdb_log.h"
#include "tests/support/event_builders.h"
#include "tests/support/log_folder.h"
#include "tests/support/small_disk.h"

namespace mintmark::testing::folder_lock_test {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

TEST(FolderLock, ThatCannotBeOpenedIsNotSaidToBeHeld) {
  LogFolder folder;
  LogFolder::append_some(*folder.open(), 1);
  fs::remove(folder.path() / "lock");
  fs::create_directory(folder.path() / "lock");
  EXPECT_THAT(folder.refusal(), HasSubstr("its lock cannot be opened: Is a directory"));
}

TEST(FolderLock, OnADiskThatIsOnlyReadVerifiesAndDoesNotOpen) {
  const SmallDisk disk(64UL * 1024 * 1024);
  const LogFolder made;
  auto options = made.options();
  LogFolder::append_some(*RocksDbLog::open(options).value(), 3);
  options.path = disk.path() / "log";
  fs::copy(made.path(), options.path, fs::copy_options::recursive);
  disk.make_read_only();
  const auto report = RocksDbLog::verify_stopped(options, [](Position, Position) {});
  ASSERT_TRUE(report) << report.error().messages.front();
  EXPECT_EQ(report->problem, "");
  EXPECT_EQ(report->head, 3U);
  EXPECT_EQ(RocksDbLog::log_id_of_stopped(options), event_id(1));
  EXPECT_EQ(RocksDbLog::anchored_position(options), 3U);
  const auto opened = RocksDbLog::open(options);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().messages.front(), HasSubstr("Read-only file system"));
}

}  // namespace
}  // namespace mintmark::testing::folder_lock_test
