#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eventstore/rocksdb_log.h"
#include "tests/support/event_builders.h"
#include "tests/support/log_folder.h"
#include "tests/support/log_tables.h"
#include "tests/support/long_form.h"
#include "tests/support/table_file.h"

namespace mintmark::testing::verify_test {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class Verify : public ::testing::Test {
 protected:
  Verify() {
    const auto log = folder.open();
    for (std::uint64_t version = 0; version < 10; ++version) {
      EXPECT_TRUE(append_and_wait(*log, append_request("odd", version, 10 * version + 1)));
      EXPECT_TRUE(append_and_wait(*log, append_request("even", version, 10 * version + 2)));
    }
  }
  static std::string stream_key(const std::string& stream, std::uint64_t version) {
    return stream + '\0' + number_key(version);
  }
  VerifyReport verify() {
    const auto report = RocksDbLog::verify_stopped(folder.options(), [](Position, Position) {});
    EXPECT_TRUE(report);
    return report ? *report : VerifyReport{};
  }

  LogFolder folder{1, TemporaryFolder::in_memory()};
};

TEST_F(Verify, FindsNothingInASoundLogAndChangesNothing) {
  MerkleTree tree;
  for (const auto& bytes : stored_bytes(*folder.open())) tree.append(bytes);
  const auto before = contents_of(folder.path());
  Position last_done = 0;
  Position last_total = 0;
  const auto report = RocksDbLog::verify_stopped(folder.options(), [&](Position done, Position total) {
    EXPECT_GT(done, last_done);
    last_done = done;
    last_total = total;
  });
  ASSERT_TRUE(report);
  EXPECT_EQ(report->problem, "");
  EXPECT_EQ(report->head, 20U);
  EXPECT_EQ(report->root, tree.root());
  EXPECT_EQ(last_done, 20U);
  EXPECT_EQ(last_total, 20U);
  EXPECT_TRUE(contents_of(folder.path()) == before);
}

TEST_F(Verify, FindsNothingInASoundLogThatIsInUse) {
  const auto log = folder.open();
  const auto report = log->verify([](Position, Position) {});
  EXPECT_EQ(report.problem, "");
  EXPECT_EQ(report.head, 20U);
}

TEST_F(Verify, FindsASpoiltAnchorOfALogThatIsInUse) {
  const auto log = folder.open();
  const auto problem = [&log] { return log->verify([](Position, Position) {}).problem; };
  const auto older = read_file(folder.anchor());
  EXPECT_TRUE(append_and_wait(*log, append_request("more", 0, 500)));
  EXPECT_EQ(problem(), "");
  const auto newest = read_file(folder.anchor());
  write_file(folder.anchor(), older);
  EXPECT_EQ(problem(), "the head anchor is not the one that was written last");
  write_file(folder.anchor(), std::string(8192, '\0'));
  EXPECT_EQ(problem(), "the head anchor is damaged");
  write_file(folder.anchor(), newest);
  EXPECT_EQ(problem(), "");
  fs::remove(folder.anchor());
  EXPECT_THAT(problem(), HasSubstr("the head anchor cannot be read"));
}

TEST_F(Verify, NamesThePositionOfAMissingEvent) {
  LogTables(folder.path()).remove("events", number_key(7));
  EXPECT_EQ(verify().problem, "position 7 is missing");
  EXPECT_EQ(folder.open()->verify([](Position, Position) {}).problem, "position 7 is missing");
}

TEST_F(Verify, RefusesToTakeAMissingLastEventForAShorterLog) {
  LogTables(folder.path()).remove("events", number_key(20));
  EXPECT_EQ(verify().problem, "its tree ends at position 20, its events end at position 19");
}

TEST_F(Verify, NamesThePositionOfAnEventThatItsStreamHasLost) {
  LogTables(folder.path()).remove("streams", stream_key("odd", 4));
  EXPECT_EQ(verify().problem, "the event at position 7 is not in its stream odd");
}

TEST_F(Verify, NamesThePositionWhereAStreamPointsElsewhere) {
  LogTables(folder.path()).put("streams", stream_key("odd", 4), number_key(9));
  EXPECT_EQ(verify().problem, "the event at position 7 is not in its stream odd");
}

TEST_F(Verify, NamesThePositionThatAStreamsNewestVersionIsBehind) {
  LogTables(folder.path()).put("heads", "odd", number_key(9));
  EXPECT_EQ(verify().problem, "the newest version of stream odd is behind position 19");
  LogTables(folder.path()).remove("heads", "odd");
  EXPECT_EQ(verify().problem, "the newest version of stream odd is behind position 1");
}

TEST_F(Verify, NamesThePositionOfAnEventThatDoesNotDecode) {
  LogTables(folder.path()).put("events", number_key(5), "no protobuf");
  EXPECT_EQ(verify().problem, "the event at position 5 does not decode");
}

TEST_F(Verify, FindsAnEventThatWasRewritten) {
  {
    LogTables tables(folder.path());
    Recorded recorded;
    ASSERT_TRUE(recorded.ParseFromString(tables.get("events", number_key(5))));
    recorded.mutable_actor()->set_id("somebody else");
    tables.put("events", number_key(5), recorded.SerializeAsString());
  }
  EXPECT_EQ(verify().problem, "the event at position 5 is not the one that is in its tree");
}

TEST_F(Verify, FindsTwoEventsThatChangedPlaces) {
  {
    LogTables tables(folder.path());
    const auto third = tables.get("events", number_key(3));
    tables.put("events", number_key(3), tables.get("events", number_key(5)));
    tables.put("events", number_key(5), third);
  }
  EXPECT_EQ(verify().problem, "the event at position 3 does not decode");
}

TEST_F(Verify, FindsADamagedAnchor) {
  write_file(folder.anchor(), std::string(8192, '\0'));
  EXPECT_THAT(verify().problem, HasSubstr("head anchor"));
  fs::remove(folder.anchor());
  EXPECT_THAT(verify().problem, HasSubstr("head anchor"));
}

TEST_F(Verify, FindsTablesThatCannotBeOpened) {
  fs::remove(folder.path() / "rocksdb" / "CURRENT");
  EXPECT_THAT(verify().problem, HasSubstr("its tables cannot be opened"));
}

TEST_F(Verify, FailsWhereThereIsNoLog) {
  RocksDbLog::Options options;
  options.path = folder.path() / "nothing";
  EXPECT_FALSE(RocksDbLog::verify_stopped(options, [](Position, Position) {}));
}

// FLIP_STRIDE=1 flips one in every byte.
TEST_F(Verify, FindsAFlippedBitInEveryTableFile) {
  const auto stride = number_from_environment("FLIP_STRIDE", 97);
  // Opening moves the events from the write-ahead log into table files, one a column family.
  folder.open().reset();
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(folder.path() / "rocksdb")) {
    if (entry.path().extension() != ".sst") continue;
    ++files;
    const auto whole = read_file(entry.path());
    constexpr std::size_t footer_bytes = 53;  // its padding is all that no checksum covers
    for (std::size_t offset = 0; offset < whole.size() - footer_bytes; offset += stride) {
      auto flipped = whole;
      flipped[offset] = static_cast<char>(flipped[offset] ^ (1 << (offset % 8)));
      write_file(entry.path(), flipped);
      EXPECT_NE(verify().problem, "") << entry.path() << " at " << offset;
    }
    write_file(entry.path(), whole);
  }
  EXPECT_GE(files, 4U);
  EXPECT_EQ(verify().problem, "");
}

// In its tables of streams, appends, idempotency keys and the vault too, which no event leads to.
TEST_F(Verify, FindsAFlippedBitInEveryTableFileBesideTheUseOfTheLogAndAtAPaceToo) {
  folder.open().reset();
  const auto log = folder.open();
  const auto problem = [&log] {
    VerifyOptions options;
    options.events_per_second = 1'000'000;
    return log->verify([](Position, Position) {}, options).problem;
  };
  EXPECT_EQ(problem(), "");
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(folder.path() / "rocksdb")) {
    if (entry.path().extension() != ".sst") continue;
    ++files;
    const auto whole = read_file(entry.path());
    auto flipped = whole;
    flipped[10] = static_cast<char>(flipped[10] ^ 1);
    write_file(entry.path(), flipped);
    EXPECT_NE(problem(), "") << entry.path();
    flipped = whole;
    flipped.at(end_of_properties(whole) - 1) ^= '\x80';
    write_file(entry.path(), flipped);
    EXPECT_THAT(problem(), HasSubstr("its properties are in a form"));
    write_file(entry.path(), whole);
  }
  EXPECT_GE(files, 7U);
  EXPECT_EQ(problem(), "");
}

TEST_F(Verify, FindsATableThatHasLostTheNewestWrites) {
  const std::string write_number(1, '\0');
  for (const auto* family : {"streams", "heads", "appends", "idempotency", "vault"}) {
    SCOPED_TRACE(family);
    LogTables(folder.path()).remove(family, write_number);
    EXPECT_EQ(verify().problem, "some of its tables have lost the newest writes that others have");
    EXPECT_THAT(folder.refusal(), HasSubstr("have lost the newest writes"));
    LogTables tables(folder.path());
    tables.put(family, write_number, tables.get("default", write_number));
  }
  EXPECT_EQ(verify().problem, "");
}

// A log as the last version of that format left it.
struct Golden {
  const char* format;
  const char* root;
  Position events;
};

class GoldenLog : public ::testing::TestWithParam<Golden> {};

TEST_P(GoldenLog, OpensAndGoesOn) {
  const auto [format, golden_root, events] = GetParam();
  const TemporaryFolder folder(TemporaryFolder::in_memory());
  const auto path = folder.path() / "log";
  fs::copy(fs::path(GOLDEN_FOLDER) / "logs" / (std::string("format-") + format), path,
           fs::copy_options::recursive);
  RocksDbLog::Options options;
  options.path = path.string();
  const auto no_progress = [](Position, Position) {};
  auto report = RocksDbLog::verify_stopped(options, no_progress);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->problem, "");
  EXPECT_EQ(hex(report->root), golden_root);
  EXPECT_EQ(report->head, events);
  const TreeHead golden{report->head, report->root};
  for (int opening = 0; opening < 2; ++opening) {
    const auto log = RocksDbLog::open(options);
    ASSERT_TRUE(log) << log.error().messages.front();
    EXPECT_EQ((*log)->read(0, 1).front().recorded.event().pepper_added().number(), 1U);
    EXPECT_TRUE((*log)->read_vault("pepper-1"));
    const auto number = 100 + static_cast<std::uint64_t>(opening);
    EXPECT_TRUE(append_and_wait(**log, append_request("new-" + std::to_string(number), 0, number)));
    EXPECT_TRUE((*log)->begins_with(golden));
  }
  EXPECT_EQ(LogTables(path).get("default", "format"), "3");
  report = RocksDbLog::verify_stopped(options, no_progress);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->problem, "");
}

INSTANTIATE_TEST_SUITE_P(
    Formats, GoldenLog,
    ::testing::Values(Golden{"1", "a7ac3bcc0df3c865f8ff7565440d7d5004b8464c639e7add878e25b6658ae39b", 5},
                      Golden{"2", "96a101b4fbbb4da79b9798396ebac0cafe39d2cdf27994def981a3016e760ebf", 14},
                      Golden{"3", "ee1e6d859b40bc3382ff8cf51e942aed2c34acdc5d7ff88944881e7f4879cb28", 16}),
    [](const auto& info) { return std::string("Format") + info.param.format; });

}  // namespace
}  // namespace mintmark::testing::verify_test
