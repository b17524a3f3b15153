#include "eventstore/reserve_env.h"

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include "eventstore/rocksdb_logger.h"
#include "eventstore/verify.h"
#include "tests/support/event_builders.h"
#include "tests/support/log_folder.h"
#include "tests/support/small_disk.h"

namespace mintmark::testing::reserve_env_test {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kibibyte = 1024;
constexpr std::uint64_t reserve_bytes = 4 * kibibyte * kibibyte;

std::unique_ptr<rocksdb::DB> open_database(const fs::path& path, rocksdb::Env& env) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.env = &env;
  options.info_log = rocksdb_logger();
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::Open(options, path, &db);
  EXPECT_TRUE(status.ok()) << status.ToString();
  return std::unique_ptr<rocksdb::DB>(db);
}

rocksdb::Status put(rocksdb::DB& db, const std::string& value) {
  rocksdb::WriteOptions options;
  options.sync = true;
  return db.Put(options, "key", value);
}

// A log whose disk somebody else fills between its look at what is free, which always finds enough, and its
// write.
class LogOnADiskThatFills : public ::testing::Test {
 protected:
  LogOnADiskThatFills() {
    options_.path = disk_.path() / "log";
    options_.env = &env_in_memory();
    options_.free_disk_bytes = [] { return std::numeric_limits<std::uint64_t>::max(); };
    EXPECT_TRUE(RocksDbLog::create(options_, event_id(1)));
    open();
  }
  void open() {
    log_.reset();
    auto opened = RocksDbLog::open(options_);
    ASSERT_TRUE(opened) << opened.error().messages.front();
    log_ = std::move(*opened);
  }
  AppendResult append(std::size_t bytes) {
    const auto number = log_->head() + 1;
    StreamAppend append{"stream-" + std::to_string(number), 0, {}};
    append.events.push_back({event_id(number), account_opened(std::string(bytes, 'n'))});
    return append_and_wait(*log_, append_request(std::move(append)));
  }
  std::uint64_t reserved() const { return fs::file_size(disk_.path() / "log/reserve"); }

  SmallDisk disk_{32 * kibibyte * kibibyte};
  RocksDbLog::Options options_;
  std::unique_ptr<RocksDbLog> log_;
};

TEST_F(LogOnADiskThatFills, WritesOnInItsReserve) {
  ASSERT_TRUE(log_->keep_reserve(reserve_bytes));
  // From what does not let a page be written to what lets half the write be.
  for (const auto free : {0U, 4U, 8U, 16U, 24U, 32U}) {
    SCOPED_TRACE(free);
    EXPECT_EQ(reserved(), reserve_bytes);
    disk_.leave_free(free * kibibyte);
    EXPECT_TRUE(append(60 * kibibyte));
    EXPECT_EQ(reserved(), 0U);
    disk_.leave_free(64 * kibibyte);
    EXPECT_TRUE(append(1)) << "it goes on in the same file";
    disk_.empty();
    EXPECT_TRUE(append(kibibyte)) << "takes the reserve again";
  }
  const auto head = log_->head();
  open();
  EXPECT_EQ(log_->head(), head);
  EXPECT_EQ(log_->verify([](Position, Position) {}).problem, "");
}

TEST_F(LogOnADiskThatFills, LetsADatabaseBesideItWriteOnInItsReserve) {
  ASSERT_TRUE(log_->keep_reserve(reserve_bytes));
  const auto views = open_database(disk_.path() / "views", log_->env());
  disk_.leave_free(0);
  EXPECT_TRUE(put(*views, std::string(60 * kibibyte, 'v')).ok());
  EXPECT_EQ(reserved(), 0U);
  EXPECT_TRUE(put(*views, "1").ok()) << "it goes on in the same file";
}

TEST_F(LogOnADiskThatFills, WithoutAReserveFailsForGoodAndKeepsWhatWasAcknowledged) {
  ASSERT_TRUE(append(60 * kibibyte));
  disk_.leave_free(16 * kibibyte);
  const auto failed = append(60 * kibibyte);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, AppendError::Kind::kUnknown);
  disk_.empty();
  EXPECT_FALSE(append(1));
  open();
  EXPECT_EQ(log_->head(), 1U);
  EXPECT_TRUE(append(1));
}

}  // namespace
}  // namespace mintmark::testing::reserve_env_test
