#include "eventstore/rocksdb_log.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/limits.h"
#include "domain/schema.h"
#include "eventstore/rocksdb_tables.h"
#include "tests/support/event_builders.h"
#include "tests/support/log_folder.h"
#include "tests/support/log_tables.h"

namespace mintmark::testing::rocksdb_log_test {
namespace {

using ::testing::HasSubstr;
using Kind = AppendError::Kind;
namespace fs = std::filesystem;

std::string refusal_of(const Result<void>& result) {
  return result ? "" : result.error().messages.front();
}

TEST(RocksDbLogFolder, ReopeningKeepsEverything) {
  LogFolder folder;
  std::vector<std::string> bytes;
  for (int round = 0; round < 3; ++round) {
    const auto log = folder.open();
    EXPECT_EQ(stored_bytes(*log), bytes);
    LogFolder::append_some(*log, 5);
    bytes = stored_bytes(*log);
  }
  EXPECT_EQ(stored_bytes(*folder.open()), bytes);
}

TEST(RocksDbLogFolder, TakesOneOpenerAtATime) {
  LogFolder folder;
  {
    const auto log = folder.open();
    EXPECT_THAT(folder.refusal(), HasSubstr("another process has it open"));
    EXPECT_THAT(refusal_of(RocksDbLog::create(folder.options(), event_id(2))),
                HasSubstr("another process has it open"));
    const auto report = RocksDbLog::verify_stopped(folder.options(), [](Position, Position) {});
    ASSERT_FALSE(report);
    EXPECT_THAT(report.error().messages.front(), HasSubstr("another process has it open"));
    LogFolder::append_some(*log, 1);
  }
  EXPECT_EQ(folder.refusal(), "");
}

TEST(RocksDbLogFolder, IsNotCreatedTwice) {
  LogFolder folder;
  EXPECT_THAT(refusal_of(RocksDbLog::create(folder.options(), event_id(2))), HasSubstr("exists already"));
  LogFolder::append_some(*folder.open(), 3);
  const auto before = contents_of(folder.path());
  EXPECT_THAT(refusal_of(RocksDbLog::create(folder.options(), event_id(2))), HasSubstr("exists already"));
  EXPECT_EQ(contents_of(folder.path()), before);
  EXPECT_EQ(folder.open()->log_id(), event_id(1));
}

TEST(RocksDbLogFolder, IsNotCreatedOverTheAnchorOfALostLog) {
  LogFolder folder;
  LogFolder::append_some(*folder.open(), 3);
  fs::remove_all(folder.path() / "rocksdb");
  EXPECT_THAT(refusal_of(RocksDbLog::create(folder.options(), event_id(2))), HasSubstr("head anchor"));
  EXPECT_NE(folder.refusal(), "");
}

TEST(RocksDbLogFolder, ACreationThatWasCutShortCanBeDoneAgain) {
  LogFolder folder;
  fs::rename(folder.path() / "rocksdb", folder.path() / "rocksdb.new");
  EXPECT_NE(folder.refusal(), "");
  EXPECT_EQ(refusal_of(RocksDbLog::create(folder.options(), event_id(2))), "");
  EXPECT_EQ(folder.open()->log_id(), event_id(2));
}

TEST(RocksDbLogFolder, IsRefusedWhereThereIsNone) {
  TemporaryFolder empty;
  RocksDbLog::Options options;
  options.path = empty.file("nothing");
  EXPECT_FALSE(RocksDbLog::open(options));
  EXPECT_FALSE(fs::exists(options.path));
  options.path = empty.path().string();
  EXPECT_FALSE(RocksDbLog::open(options));
}

TEST(RocksDbLogFolder, OfANewerFormatIsRefusedUntouchedAndNamesBoth) {
  LogFolder folder;
  LogFolder::append_some(*folder.open(), 3);
  {
    std::unique_ptr<RocksDbTables> tables;
    const auto path = (folder.path() / "rocksdb").string();
    ASSERT_TRUE(
        RocksDbTables::open(*rocksdb::Env::Default(), path, RocksDbTables::Mode::kWrite, tables).ok());
    auto meta = tables->meta();
    ASSERT_TRUE(meta);
    meta->format = "4";
    ASSERT_TRUE(tables->write_meta(*meta).ok());
  }
  const auto before = contents_of(folder.path());
  EXPECT_THAT(folder.refusal(), HasSubstr("its format is 4, and this version knows format 3"));
  EXPECT_FALSE(RocksDbLog::log_id_of_stopped(folder.options()));
  EXPECT_TRUE(contents_of(folder.path()) == before);
}

TEST(RocksDbLogFolder, OfANewerSchemaIsRefusedUntouchedAndNamesBoth) {
  LogFolder folder;
  LogFolder::append_some(*folder.open(), 3);
  LogTables(folder.path()).put("default", "schema", std::to_string(event_schema + 1));
  const auto before = contents_of(folder.path());
  const auto why = fmt::format("its events are of schema {}, and this version knows schema {}",
                               event_schema + 1, event_schema);
  EXPECT_THAT(folder.refusal(), HasSubstr(why));
  EXPECT_THAT(RocksDbLog::verify_stopped(folder.options(), [](Position, Position) {})->problem,
              HasSubstr(why));
  EXPECT_TRUE(contents_of(folder.path()) == before);
}

TEST(RocksDbLogFolder, SaysItsSchemaBeforeItsFirstEvent) {
  LogFolder folder;
  EXPECT_EQ(LogTables(folder.path()).get("default", "schema"), std::to_string(event_schema));
  LogFolder::append_some(*folder.open(), 3);
  // A log of the time before there was a schema.
  LogTables(folder.path()).remove("default", "schema");
  EXPECT_EQ(RocksDbLog::verify_stopped(folder.options(), [](Position, Position) {})->problem, "");
  EXPECT_EQ(folder.open()->head(), 3U);
  EXPECT_EQ(LogTables(folder.path()).get("default", "schema"), std::to_string(event_schema));
  LogTables(folder.path()).put("default", "schema", "no number");
  EXPECT_THAT(folder.refusal(), HasSubstr("meta data is missing or damaged"));
}

TEST(RocksDbLogFolder, WithAnEventOfAnUnknownKindNamesItsPosition) {
  LogFolder folder;
  LogFolder::append_some(*folder.open(), 3);
  {
    LogTables tables(folder.path());
    Recorded recorded;
    ASSERT_TRUE(recorded.ParseFromString(tables.get("events", number_key(2))));
    recorded.clear_event();
    auto& event = *recorded.mutable_event();
    event.GetReflection()->MutableUnknownFields(&event)->AddLengthDelimited(999)->assign("a later kind");
    tables.put("events", number_key(2), recorded.SerializeAsString());
  }
  const auto why = HasSubstr("position 2 is of a kind that this version does not know");
  EXPECT_THAT(RocksDbLog::verify_stopped(folder.options(), [](Position, Position) {})->problem, why);
  const auto log = folder.open();
  EXPECT_THAT([&] { log->read(0, 10); }, ::testing::ThrowsMessage<CorruptLog>(why));
  EXPECT_THAT([&] { log->read_stream("stream-2", 0); }, ::testing::ThrowsMessage<CorruptLog>(why));
}

TEST(RocksDbLogFolder, TellsHowFarItIsKnownToHaveCome) {
  const TemporaryFolder empty;
  RocksDbLog::Options none;
  none.path = empty.file("nothing");
  EXPECT_EQ(RocksDbLog::anchored_position(none), 0U);
  LogFolder folder;
  EXPECT_EQ(RocksDbLog::anchored_position(folder.options()), 0U);
  LogFolder::append_some(*folder.open(), 3);
  const auto before = contents_of(folder.path());
  EXPECT_EQ(RocksDbLog::anchored_position(folder.options()), 3U);
  EXPECT_EQ(contents_of(folder.path()), before);
  fs::remove(folder.anchor());
  fs::create_directory(folder.anchor());
  EXPECT_FALSE(RocksDbLog::anchored_position(folder.options())) << "not known is not none";
}

class VaultOnDisk : public ::testing::Test {
 protected:
  // 72 bytes that nothing makes shorter.
  static std::string wrapped(unsigned seed) {
    std::mt19937 random(seed);
    std::string bytes(72, '\0');
    for (auto& byte : bytes) byte = static_cast<char>(random());
    return bytes;
  }
  static void write(RocksDbLog& log, VaultWrite row) {
    auto request = append_request("stream-" + std::to_string(log.head()), 0, log.head() + 1);
    request.vault_writes.push_back(std::move(row));
    ASSERT_TRUE(append_and_wait(log, std::move(request)));
  }
  bool is_in_a_file(const std::string& bytes) const {
    const auto contents = contents_of(folder.path());
    return std::ranges::any_of(
        contents, [&](const auto& file) { return file.second.find(bytes) != std::string::npos; });
  }

  LogFolder folder{1, TemporaryFolder::in_memory()};
};

TEST_F(VaultOnDisk, IsForgottenAsItWasOnceItIsRewritten) {
  write(*folder.open(), {"a", wrapped(11)});
  write(*folder.open(), {"b", wrapped(12)});
  const auto log = folder.open();
  write(*log, {"a", wrapped(1)});
  write(*log, {"b", ""});
  write(*log, {"c", wrapped(13)});
  EXPECT_TRUE(is_in_a_file(wrapped(11))) << "or this finds nothing anywhere";
  EXPECT_TRUE(is_in_a_file(wrapped(12)));
  ASSERT_TRUE(log->rewrite_vault());
  EXPECT_FALSE(is_in_a_file(wrapped(11)));
  EXPECT_FALSE(is_in_a_file(wrapped(12)));
  EXPECT_TRUE(is_in_a_file(wrapped(1)));
  EXPECT_EQ(log->read_vault("a"), wrapped(1));
  EXPECT_EQ(log->read_vault("b"), std::nullopt);
  EXPECT_EQ(log->read_vault("c"), wrapped(13));
  LogFolder::append_some(*log, 1);
  EXPECT_EQ(log->verify([](Position, Position) {}).problem, "");
}

TEST_F(VaultOnDisk, TellsWhetherItMayHoldDestroyedKeys) {
  write(*folder.open(), {"a", wrapped(11)});
  const auto log = folder.open();
  EXPECT_TRUE(log->may_hold_destroyed_keys()) << "what an earlier process destroyed is not known";
  ASSERT_TRUE(log->rewrite_vault());
  EXPECT_FALSE(log->may_hold_destroyed_keys());
  write(*log, {"b", wrapped(12)});
  EXPECT_FALSE(log->may_hold_destroyed_keys()) << "nothing is gone";
  write(*log, {"a", ""});
  EXPECT_TRUE(log->may_hold_destroyed_keys());
  ASSERT_TRUE(log->rewrite_vault());
  EXPECT_FALSE(log->may_hold_destroyed_keys());
  write(*log, {"b", wrapped(13), wrapped(12)});
  EXPECT_TRUE(log->may_hold_destroyed_keys()) << "wrapped anew";
}

TEST_F(VaultOnDisk, IsNotRewrittenWhereThereIsNoRoomForIt) {
  auto options = folder.options();
  options.free_disk_bytes = [] { return limits::free_disk_bytes_min; };
  const auto log = folder.open(std::move(options));
  const auto rewritten = log->rewrite_vault();
  ASSERT_FALSE(rewritten);
  EXPECT_EQ(rewritten.error().kind, ErrorKind::kUnavailable);
}

class NearlyFullDisk : public ::testing::Test {
 protected:
  RocksDbLog::Options options() {
    RocksDbLog::Options options;
    options.free_disk_bytes = [this] { return free_bytes.load(); };
    return options;
  }
  AppendResult append(std::uint64_t number, bool frees_space) {
    auto request = append_request("stream-" + std::to_string(number), 0, number);
    request.frees_space = frees_space;
    return append_and_wait(*log, std::move(request));
  }
  void expect_full(const AppendResult& result) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, Kind::kDiskFull);
  }

  LogFolder folder;
  std::atomic<std::uint64_t> free_bytes = limits::free_disk_bytes_min;
  std::unique_ptr<RocksDbLog> log = folder.open(options());
};

TEST_F(NearlyFullDisk, TakesWhatFreesSpaceAlone) {
  EXPECT_TRUE(append(1, false));
  free_bytes = limits::free_disk_bytes_min - 1;
  expect_full(append(2, false));
  EXPECT_TRUE(append(3, true));
  free_bytes = limits::deletion_disk_bytes_min;
  EXPECT_TRUE(append(4, true));
  expect_full(append(5, false));
}

TEST_F(NearlyFullDisk, ThatIsFullerTakesNothing) {
  free_bytes = limits::deletion_disk_bytes_min - 1;
  expect_full(append(1, false));
  expect_full(append(2, true));
  EXPECT_EQ(log->head(), 0U);
}

TEST_F(NearlyFullDisk, GivesItsReserveUpForWhatFreesSpaceAndTakesItAgain) {
  constexpr std::uint64_t bytes = 1024 * 1024;
  const auto path = folder.path() / "reserve";
  const auto reserved = [&path] { return fs::exists(path) ? fs::file_size(path) : 0; };
  std::atomic<std::uint64_t> space = limits::free_disk_bytes_min + bytes - 1;  // the reserve's included
  log.reset();
  auto with_reserve = options();
  with_reserve.free_disk_bytes = [&] { return space - reserved(); };
  log = folder.open(with_reserve);
  EXPECT_FALSE(log->keep_reserve(bytes)) << "new work goes before";
  ++space;
  EXPECT_TRUE(log->keep_reserve(bytes));
  EXPECT_EQ(reserved(), bytes);

  space = limits::deletion_disk_bytes_min + bytes - 1;
  expect_full(append(1, false));
  EXPECT_EQ(reserved(), bytes) << "others do not get it";
  EXPECT_TRUE(append(2, true));
  EXPECT_EQ(reserved(), 0U);
  space = limits::deletion_disk_bytes_min - 1;
  expect_full(append(3, true));
  space = limits::free_disk_bytes_min + bytes;
  EXPECT_TRUE(append(4, false));
  EXPECT_EQ(reserved(), bytes);
}

TEST_F(NearlyFullDisk, WithoutAReserveIsToldOfAndGoesOn) {
  fs::create_directory(folder.path() / "reserve");
  constexpr std::uint64_t bytes = 1024 * 1024;
  free_bytes += bytes;
  const auto kept = log->keep_reserve(bytes);
  ASSERT_FALSE(kept);
  EXPECT_THAT(kept.error().messages.front(), HasSubstr("deletions on a full disk: Is a directory"));
  EXPECT_TRUE(append(1, false));
  free_bytes = 0;
  expect_full(append(2, true));
}

TEST_F(NearlyFullDisk, RecoversByItself) {
  free_bytes = 0;
  expect_full(append(1, false));
  free_bytes = limits::free_disk_bytes_min;
  EXPECT_EQ(append(1, false), (Committed{1, 1, false}));
}

TEST_F(NearlyFullDisk, StillAnswersWhatWasStoredBefore) {
  ASSERT_TRUE(append(1, false));
  free_bytes = 0;
  EXPECT_EQ(append(1, false), (Committed{1, 1, true}));
}

TEST_F(NearlyFullDisk, ThatCannotBeAskedEndsTheLogInsteadOfTheProcess) {
  log.reset();
  std::vector<std::string> failures;
  auto broken = options();
  broken.free_disk_bytes = []() -> std::uint64_t { throw std::runtime_error("no such disk"); };
  broken.on_failure = [&failures](const std::string& reason) { failures.push_back(reason); };
  log = folder.open(broken);
  const auto result = append(1, false);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Kind::kUnknown);
  log.reset();
  EXPECT_EQ(failures, std::vector<std::string>{"no such disk"});
}

}  // namespace
}  // namespace mintmark::testing::rocksdb_log_test
