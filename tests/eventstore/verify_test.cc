#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include "eventstore/bytes.h"
#include "eventstore/rocksdb_log.h"
#include "tests/support/event_builders.h"
#include "tests/support/log_folder.h"

namespace mintmark::testing {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

const std::vector<std::string> family_names = {"default", "events",      "streams", "heads",
                                               "appends", "idempotency", "vault"};

// RocksDB itself, past the log.
class Tables {
 public:
  explicit Tables(const fs::path& path) {
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const auto& name : family_names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
    rocksdb::DB* db = nullptr;
    const auto status = rocksdb::DB::Open(rocksdb::DBOptions(), path.string(), families, &families_, &db);
    if (!status.ok()) throw std::runtime_error(status.ToString());
    db_.reset(db);
  }
  ~Tables() {
    for (auto* family : families_) db_->DestroyColumnFamilyHandle(family);
  }
  Tables(const Tables&) = delete;
  Tables& operator=(const Tables&) = delete;

  rocksdb::ColumnFamilyHandle* family(const std::string& name) {
    for (std::size_t i = 0; i < family_names.size(); ++i)
      if (family_names[i] == name) return families_[i];
    throw std::runtime_error("no family " + name);
  }
  void remove(const std::string& family_name, const std::string& key) {
    std::string value;
    ASSERT_TRUE(db_->Get({}, family(family_name), key, &value).ok()) << "there is no such row";
    ASSERT_TRUE(db_->Delete({}, family(family_name), key).ok());
  }
  std::string get(const std::string& family_name, const std::string& key) {
    std::string value;
    EXPECT_TRUE(db_->Get({}, family(family_name), key, &value).ok());
    return value;
  }
  void put(const std::string& family_name, const std::string& key, const std::string& value) {
    ASSERT_TRUE(db_->Put({}, family(family_name), key, value).ok());
  }

 private:
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  std::unique_ptr<rocksdb::DB> db_;
};

std::string number_key(std::uint64_t number) {
  std::string key;
  put_big_endian(key, number);
  return key;
}

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

TEST_F(Verify, NamesThePositionOfAMissingEvent) {
  Tables(folder.path() / "rocksdb").remove("events", number_key(7));
  EXPECT_EQ(verify().problem, "position 7 is missing");
  EXPECT_EQ(folder.open()->verify([](Position, Position) {}).problem, "position 7 is missing");
}

TEST_F(Verify, RefusesToTakeAMissingLastEventForAShorterLog) {
  Tables(folder.path() / "rocksdb").remove("events", number_key(20));
  EXPECT_EQ(verify().problem, "its tree ends at position 20, its events end at position 19");
}

TEST_F(Verify, NamesThePositionOfAnEventThatItsStreamHasLost) {
  Tables(folder.path() / "rocksdb").remove("streams", stream_key("odd", 4));
  EXPECT_EQ(verify().problem, "the event at position 7 is not in its stream odd");
}

TEST_F(Verify, NamesThePositionWhereAStreamPointsElsewhere) {
  Tables(folder.path() / "rocksdb").put("streams", stream_key("odd", 4), number_key(9));
  EXPECT_EQ(verify().problem, "the event at position 7 is not in its stream odd");
}

TEST_F(Verify, NamesThePositionThatAStreamsNewestVersionIsBehind) {
  Tables(folder.path() / "rocksdb").put("heads", "odd", number_key(9));
  EXPECT_EQ(verify().problem, "the newest version of stream odd is behind position 19");
  Tables(folder.path() / "rocksdb").remove("heads", "odd");
  EXPECT_EQ(verify().problem, "the newest version of stream odd is behind position 1");
}

TEST_F(Verify, NamesThePositionOfAnEventThatDoesNotDecode) {
  Tables(folder.path() / "rocksdb").put("events", number_key(5), "no protobuf");
  EXPECT_EQ(verify().problem, "the event at position 5 does not decode");
}

TEST_F(Verify, FindsAnEventThatWasRewritten) {
  {
    Tables tables(folder.path() / "rocksdb");
    Recorded recorded;
    ASSERT_TRUE(recorded.ParseFromString(tables.get("events", number_key(5))));
    recorded.mutable_actor()->set_id("somebody else");
    tables.put("events", number_key(5), recorded.SerializeAsString());
  }
  EXPECT_EQ(verify().problem, "the stored events up to position 20 do not give the log's root");
}

TEST_F(Verify, FindsTwoEventsThatChangedPlaces) {
  {
    Tables tables(folder.path() / "rocksdb");
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

TEST_F(Verify, FailsWhereThereIsNoLog) {
  RocksDbLog::Options options;
  options.path = folder.path() / "nothing";
  EXPECT_FALSE(RocksDbLog::verify_stopped(options, [](Position, Position) {}));
}

TEST_F(Verify, FindsAFlippedBitInEveryTableFile) {
  // Opening moves the events from the write-ahead log into table files, one a column family.
  folder.open().reset();
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(folder.path() / "rocksdb")) {
    if (entry.path().extension() != ".sst") continue;
    ++files;
    const auto whole = read_file(entry.path());
    constexpr std::size_t footer_bytes = 53;  // its padding is all that no checksum covers
    for (std::size_t offset = 0; offset < whole.size() - footer_bytes; offset += 37) {
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

TEST_F(Verify, FindsATableThatHasLostTheNewestWrites) {
  const std::string write_number(1, '\0');
  for (const auto& family : family_names) {
    if (family == "events") continue;  // the tree and the anchor tell
    SCOPED_TRACE(family);
    Tables tables(folder.path() / "rocksdb");
    const auto newest = tables.get(family, write_number);
    tables.put(family, write_number, number_key(get_big_endian(newest) - 1));
  }
  for (const auto& family : family_names) {
    if (family == "events" || family == "default") continue;
    Tables(folder.path() / "rocksdb").remove(family, write_number);
    EXPECT_EQ(verify().problem, "some of its tables have lost the newest writes that others have");
    EXPECT_THAT(folder.refusal(), HasSubstr("have lost the newest writes"));
    Tables tables(folder.path() / "rocksdb");
    tables.put(family, write_number, tables.get("default", write_number));
  }
  EXPECT_EQ(verify().problem, "");
}

// A log as the last version of that format left it: an instance that was made and nothing more.
TEST(GoldenLog, OfFormat1OpensAndGoesOn) {
  const TemporaryFolder folder;
  fs::copy(fs::path(GOLDEN_FOLDER) / "logs/format-1", folder.path() / "log", fs::copy_options::recursive);
  RocksDbLog::Options options;
  options.path = (folder.path() / "log").string();
  constexpr std::string_view golden_root = "a7ac3bcc0df3c865f8ff7565440d7d5004b8464c639e7add878e25b6658ae39b";
  const auto no_progress = [](Position, Position) {};
  auto report = RocksDbLog::verify_stopped(options, no_progress);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->problem, "");
  EXPECT_EQ(hex(report->root), golden_root);
  for (int opening = 0; opening < 2; ++opening) {
    const auto log = RocksDbLog::open(options);
    ASSERT_TRUE(log) << log.error().messages.front();
    EXPECT_EQ((*log)->read(0, 1).front().recorded.event().pepper_added().number(), 1U);
    EXPECT_TRUE((*log)->read_vault("pepper-1"));
    const auto number = 100 + static_cast<std::uint64_t>(opening);
    EXPECT_TRUE(append_and_wait(**log, append_request("new-" + std::to_string(number), 0, number)));
  }
  EXPECT_EQ(Tables(folder.path() / "log/rocksdb").get("default", "format"), "2");
  report = RocksDbLog::verify_stopped(options, no_progress);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->problem, "");
}

}  // namespace
}  // namespace mintmark::testing
