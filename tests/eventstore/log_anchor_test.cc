// What a log's head anchor keeps it from, and what becomes of a damaged one.
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eventstore/head_anchor.h"
#include "eventstore/rocksdb_log.h"
#include "tests/support/event_builders.h"
#include "tests/support/log_folder.h"

namespace mintmark::testing::log_anchor_test {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

TEST(RocksDbLogAnchor, MissingIsRefused) {
  LogFolder folder;
  LogFolder::append_some(*folder.open(), 3);
  fs::remove(folder.anchor());
  EXPECT_THAT(folder.refusal(), HasSubstr("head anchor cannot be read"));
}

TEST(RocksDbLogAnchor, ZeroedEmptyOrRandomIsRefusedWithTheNumberOfEvents) {
  LogFolder folder;
  LogFolder::append_some(*folder.open(), 3);
  for (const auto& bytes : {std::string(8192, '\0'), std::string(), std::string(8192, '\xA5')}) {
    write_file(folder.anchor(), bytes);
    EXPECT_THAT(folder.refusal(), HasSubstr("its head anchor is missing or damaged, and there are 3 events"));
  }
}

TEST(RocksDbLogAnchor, WithOneDamagedSlotOpensFromTheOther) {
  LogFolder original;
  LogFolder::append_some(*original.open(), 4);
  LogFolder folder;
  for (const std::size_t slot : {0U, 1U}) {
    folder.become_copy_of(original);
    auto bytes = read_file(folder.anchor());
    bytes[slot * 4096 + 50] ^= 1;
    write_file(folder.anchor(), bytes);
    const auto log = folder.open();
    EXPECT_EQ(log->head(), 4U);
    LogFolder::append_some(*log, 2);
  }
}

TEST(RocksDbLogAnchor, OfAnotherLogIsRefused) {
  LogFolder folder(1);
  LogFolder other(2);
  LogFolder::append_some(*folder.open(), 3);
  LogFolder::append_some(*other.open(), 3);
  fs::copy_file(other.anchor(), folder.anchor(), fs::copy_options::overwrite_existing);
  EXPECT_THAT(folder.refusal(), HasSubstr("that of another log"));
}

TEST(RocksDbLogAnchor, OfAnotherHistoryOfTheSameLogIsRefused) {
  LogFolder folder;
  LogFolder other;
  LogFolder::append_some(*folder.open(), 3);
  ASSERT_TRUE(append_and_wait(*other.open(), append_request("elsewhere", 0, 1, 3)));
  fs::copy_file(other.anchor(), folder.anchor(), fs::copy_options::overwrite_existing);
  EXPECT_THAT(folder.refusal(), HasSubstr("root at position 3 is not the anchored one"));
}

TEST(RocksDbLogAnchor, OlderThanTheLogIsBroughtUpToItsHead) {
  LogFolder folder;
  {
    const auto log = folder.open();
    LogFolder::append_some(*log, 3);
    fs::copy_file(folder.anchor(), folder.path() / "older");
    LogFolder::append_some(*log, 3);
  }
  fs::rename(folder.path() / "older", folder.anchor());
  EXPECT_EQ(folder.open()->head(), 6U);
  std::unique_ptr<HeadAnchor> anchor;
  ASSERT_TRUE(HeadAnchor::open(*rocksdb::Env::Default(), folder.anchor().string(), anchor).ok());
  ASSERT_TRUE(anchor->newest());
  EXPECT_EQ(anchor->newest()->tree.size(), 6U) << "from here on the six are promised";
}

// A log that ends between the heads of both slots must not pass for whole.
TEST(RocksDbLogAnchor, WithAFlippedBitStillStandsForTheNewestEvent) {
  LogFolder folder;
  LogFolder shortened;
  LogFolder::append_some(*folder.open(), 3);
  {
    const auto log = folder.open();
    shortened.become_copy_of(folder);
    LogFolder::append_some(*log, 1);
  }
  const auto whole = read_file(folder.anchor());
  for (const std::size_t slot : {0U, 1U}) {
    auto anchor = whole;
    anchor[slot * 4096 + 60] = static_cast<char>(anchor[slot * 4096 + 60] ^ 4);
    write_file(shortened.anchor(), anchor);
    EXPECT_THAT(shortened.refusal(), HasSubstr("it ends at position 3, but position 4 was acknowledged"));
  }
}

TEST(RocksDbLogAnchor, WithAFlippedBitInEitherSlotIsToldAndMended) {
  LogFolder folder;
  LogFolder::append_some(*folder.open(), 3);
  const auto verified = [&folder] {
    return RocksDbLog::verify_stopped(folder.options(), [](Position, Position) {});
  };
  for (const std::size_t slot : {0U, 1U}) {
    auto anchor = read_file(folder.anchor());
    anchor[slot * 4096 + 60] = static_cast<char>(anchor[slot * 4096 + 60] ^ 4);
    write_file(folder.anchor(), anchor);
    EXPECT_THAT(verified()->problem, HasSubstr(fmt::format("a bit of slot {} of the head anchor", slot)));
    const auto log = folder.open();
    EXPECT_THAT(log->anchor_damage(), HasSubstr(fmt::format("a bit of slot {} of the head anchor", slot)));
    EXPECT_EQ(log->anchor_note(), "");
    EXPECT_EQ(log->verify([](Position, Position) {}).problem, "");
  }
  EXPECT_EQ(verified()->problem, "");
  EXPECT_EQ(folder.open()->anchor_damage(), "");
}

// As a crash in mid-write leaves it.
TEST(RocksDbLogAnchor, WithASlotThatIsNotWholeIsNotedAndMended) {
  LogFolder folder;
  LogFolder::append_some(*folder.open(), 3);
  const auto verified = [&folder] {
    return RocksDbLog::verify_stopped(folder.options(), [](Position, Position) {});
  };
  for (const std::size_t slot : {0U, 1U}) {
    auto anchor = read_file(folder.anchor());
    anchor.replace(slot * 4096 + 60, 20, 20, 'x');
    write_file(folder.anchor(), anchor);
    EXPECT_EQ(verified()->problem, "");
    EXPECT_THAT(verified()->note, HasSubstr(fmt::format("slot {} of the head anchor is not whole", slot)));
    const auto log = folder.open();
    EXPECT_THAT(log->anchor_note(), HasSubstr(fmt::format("slot {} of the head anchor is not whole", slot)));
    EXPECT_EQ(log->anchor_damage(), "");
  }
  EXPECT_EQ(verified()->note, "");
}

}  // namespace
}  // namespace mintmark::testing::log_anchor_test
