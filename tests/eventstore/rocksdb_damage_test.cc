#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/event_builders.h"
#include "tests/support/log_folder.h"

// The write-ahead log damaged on disk. RocksDB alone would drop acknowledged events silently in most of
// these cases; the log must open with all of them or be refused, with its files as they were.
namespace mintmark::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr Position anchored = 6;
constexpr Position written = 12;

// A log of `written` events in one write-ahead log, and its files as they were at position `anchored`.
class DamagedWal : public ::testing::Test {
 protected:
  DamagedWal() {
    const auto log = original.open();
    LogFolder::append_some(*log, anchored);
    anchored_wal_bytes = fs::file_size(original.wal());
    older_anchor = read_file(original.anchor());
    LogFolder::append_some(*log, written - anchored);
    events = stored_bytes(*log);
    wal_name = original.wal().lexically_relative(original.path());
    wal = read_file(original.wal());
  }

  // Lays the folder out anew with this write-ahead log and anchor.
  void lay_out(const std::string& wal_bytes, const std::string& anchor_bytes) {
    folder.become_copy_of(original);
    write_file(folder.path() / wal_name, wal_bytes);
    write_file(folder.anchor(), anchor_bytes);
  }
  // The events of the folder, which must open.
  std::vector<std::string> recovered() { return stored_bytes(*folder.open()); }
  std::string expect_refused_and_untouched() {
    const auto before = contents_of(folder.path());
    auto refusal = folder.refusal();
    EXPECT_NE(refusal, "");
    EXPECT_TRUE(contents_of(folder.path()) == before) << "a refused log was written to";
    EXPECT_EQ(folder.refusal(), refusal) << "a refused log must stay refused";
    return refusal;
  }
  // Nothing below the anchor lost, nothing invented, and the log goes on.
  void expect_whole_up_to_the_anchor() {
    const auto log = folder.open();
    const auto found = stored_bytes(*log);
    ASSERT_GE(found.size(), anchored);
    ASSERT_LE(found.size(), written);
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_TRUE(found[i] == events[i]) << i + 1;
    LogFolder::append_some(*log, 1);
  }

  LogFolder original;
  LogFolder folder;
  std::vector<std::string> events;
  fs::path wal_name;
  std::string wal;
  std::string older_anchor;
  std::size_t anchored_wal_bytes = 0;
};

TEST_F(DamagedWal, TornBehindTheAnchorOpens) {
  for (auto length = anchored_wal_bytes; length < wal.size(); length += 97) {
    SCOPED_TRACE(length);
    lay_out(wal.substr(0, length), older_anchor);
    expect_whole_up_to_the_anchor();
    EXPECT_EQ(folder.open()->log_id(), event_id(1));
  }
}

TEST_F(DamagedWal, GarbledBehindTheAnchorOpens) {
  for (auto offset = anchored_wal_bytes; offset < wal.size(); offset += 211) {
    SCOPED_TRACE(offset);
    for (const char garbage : {'\0', '\xA5', '\xFF'}) {
      lay_out(wal.substr(0, offset) + std::string(wal.size() - offset, garbage), older_anchor);
      expect_whole_up_to_the_anchor();
    }
  }
}

TEST_F(DamagedWal, WithGarbageAppendedOpensWhole) {
  lay_out(wal + std::string(500, '\x5A'), read_file(original.anchor()));
  EXPECT_TRUE(recovered() == events);
}

TEST_F(DamagedWal, CutOffBeforeTheAnchorIsRefusedWithThePosition) {
  for (std::size_t length = 0; length < anchored_wal_bytes; length += 61) {
    SCOPED_TRACE(length);
    lay_out(wal.substr(0, length), older_anchor);
    EXPECT_THAT(expect_refused_and_untouched(),
                ContainsRegex("it ends at position [0-5], but position 6 was acknowledged"));
  }
}

TEST_F(DamagedWal, CutOffByOneByteIsRefusedWhereAllWasAcknowledged) {
  lay_out(wal.substr(0, wal.size() - 1), read_file(original.anchor()));
  EXPECT_THAT(expect_refused_and_untouched(),
              HasSubstr("it ends at position 11, but position 12 was acknowledged"));
}

TEST_F(DamagedWal, DeletedIsRefusedWithThePosition) {
  lay_out(wal, read_file(original.anchor()));
  fs::remove(folder.path() / wal_name);
  EXPECT_THAT(expect_refused_and_untouched(),
              HasSubstr("it ends at position 0, but position 12 was acknowledged"));
}

TEST_F(DamagedWal, OfAnEarlierMomentIsRefusedWithThePosition) {
  lay_out(wal.substr(0, anchored_wal_bytes), read_file(original.anchor()));
  EXPECT_THAT(expect_refused_and_untouched(),
              HasSubstr("it ends at position 6, but position 12 was acknowledged"));
}

// One flipped bit after the other, each bit of a byte in its turn.
TEST_F(DamagedWal, WithAFlippedBitAnywhereIsNeverSilentlyShortened) {
  constexpr std::size_t stride = 9;
  const auto anchor = read_file(original.anchor());
  lay_out(wal, anchor);
  std::size_t refused = 0;
  for (std::size_t offset = 0; offset < wal.size(); offset += stride) {
    SCOPED_TRACE(offset);
    auto flipped = wal;
    flipped[offset] = static_cast<char>(flipped[offset] ^ (1 << (offset / stride % 8)));
    write_file(folder.path() / wal_name, flipped);
    const auto before = contents_of(folder.path());
    const auto opened = RocksDbLog::open(folder.options());
    if (opened) {
      EXPECT_TRUE(stored_bytes(**opened) == events);
      lay_out(wal, anchor);
    } else {
      ++refused;
      EXPECT_TRUE(contents_of(folder.path()) == before) << "a refused log was written to";
    }
  }
  EXPECT_GT(refused, wal.size() / stride * 9 / 10);
  write_file(folder.path() / wal_name, wal);
  EXPECT_TRUE(recovered() == events) << "the undamaged log must open after all the refusals";
}

}  // namespace
}  // namespace mintmark::testing
