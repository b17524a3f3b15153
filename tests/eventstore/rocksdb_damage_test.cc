#include <algorithm>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/event_builders.h"
#include "tests/support/log_folder.h"
#include "tests/support/long_form.h"
#include "tests/support/table_file.h"

// The write-ahead log damaged on disk. RocksDB alone would drop acknowledged events silently in most of
// these cases; the log must open with all of them or be refused, with its files as they were.
namespace mintmark::testing::rocksdb_damage_test {
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

  LogFolder original{1, TemporaryFolder::in_memory()};
  LogFolder folder{1, TemporaryFolder::in_memory()};
  std::vector<std::string> events;
  fs::path wal_name;
  std::string wal;
  std::string older_anchor;
  std::size_t anchored_wal_bytes = 0;
};

TEST_F(DamagedWal, TornBehindTheAnchorOpens) {
  for (auto length = anchored_wal_bytes; length < wal.size(); length += 211) {
    SCOPED_TRACE(length);
    lay_out(wal.substr(0, length), older_anchor);
    expect_whole_up_to_the_anchor();
    EXPECT_EQ(folder.open()->log_id(), event_id(1));
  }
}

TEST_F(DamagedWal, GarbledBehindTheAnchorOpens) {
  for (auto offset = anchored_wal_bytes; offset < wal.size(); offset += 613) {
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
  for (std::size_t length = 0; length < anchored_wal_bytes; length += 149) {
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

// One flipped bit after the other, each bit of a byte in its turn; FLIP_STRIDE=1 in every byte.
TEST_F(DamagedWal, WithAFlippedBitAnywhereIsNeverSilentlyShortened) {
  const auto stride = number_from_environment("FLIP_STRIDE", 97);
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
      EXPECT_THAT(opened.error().messages.front(), ContainsRegex("position [0-9]+"));
      EXPECT_TRUE(contents_of(folder.path()) == before) << "a refused log was written to";
    }
  }
  EXPECT_GT(refused, wal.size() / stride * 9 / 10);
  write_file(folder.path() / wal_name, wal);
  EXPECT_TRUE(recovered() == events) << "the undamaged log must open after all the refusals";
}

// Where the records of a write-ahead log end (RocksDB's log_format.h: blocks of 32 KiB; a record is 4 bytes
// of checksum, 2 of length, 1 of type, and its bytes; no header in the last 6 bytes of a block).
constexpr std::size_t record_header_bytes = 7;

std::vector<std::size_t> record_ends(const std::string& wal) {
  constexpr std::size_t block_bytes = 32UL * 1024;
  std::vector<std::size_t> ends;
  for (std::size_t at = 0; at + record_header_bytes <= wal.size();) {
    if (const auto left = block_bytes - at % block_bytes; left < record_header_bytes) {
      at += left;
      continue;
    }
    const auto low = static_cast<std::uint8_t>(wal[at + 4]);
    const auto high = static_cast<std::uint8_t>(wal[at + 5]);
    at += record_header_bytes + low + 256U * high;
    ends.push_back(at);
  }
  return ends;
}

TEST_F(DamagedWal, CutOffAtARecordsEndIsRefusedWithThePosition) {
  const auto ends = record_ends(wal);
  ASSERT_GE(ends.size(), written);
  ASSERT_EQ(ends.back(), wal.size()) << "the records are not understood";
  for (const auto end : ends) {
    if (end == wal.size()) continue;
    SCOPED_TRACE(end);
    lay_out(wal.substr(0, end), read_file(original.anchor()));
    EXPECT_THAT(expect_refused_and_untouched(),
                ContainsRegex("it ends at position [0-9]+, but position 12 was acknowledged"));
  }
}

// The checksum, the length, the type and the bytes of each record in turn.
TEST_F(DamagedWal, WithAFlippedBitInAnyRecordIsRefusedWithThePosition) {
  const auto ends = record_ends(wal);
  ASSERT_GE(ends.size(), written);
  ASSERT_EQ(ends.back(), wal.size()) << "the records are not understood";
  const auto anchor = read_file(original.anchor());
  lay_out(wal, anchor);
  const auto untouched = contents_of(folder.path());
  std::size_t begin = 0;
  for (std::size_t record = 0; record < ends.size(); begin = ends[record++]) {
    const auto body = begin + record_header_bytes;
    for (const auto offset :
         {begin, begin + 4, begin + 6, body, (body + ends[record]) / 2, ends[record] - 1}) {
      SCOPED_TRACE(fmt::format("record {}, byte {}", record, offset - begin));
      auto flipped = wal;
      flipped[offset] = static_cast<char>(flipped[offset] ^ (1 << (record % 8)));
      write_file(folder.path() / wal_name, flipped);
      EXPECT_THAT(folder.refusal(), ContainsRegex("it ends at position ([0-9]|1[01]), but position 12 was "
                                                  "acknowledged"));
      write_file(folder.path() / wal_name, wal);
      EXPECT_TRUE(contents_of(folder.path()) == untouched) << "a refused log was written to";
    }
  }
  EXPECT_TRUE(recovered() == events) << "the undamaged log must open after all the refusals";
}

// Every file of a log in its turn: tables, MANIFEST, CURRENT, OPTIONS, IDENTITY, write-ahead log and anchor.
class DamagedFiles : public ::testing::Test {
 protected:
  DamagedFiles() {
    for (int opening = 0; opening < 2; ++opening) {
      const auto log = original.open();
      const auto number = log->head() + 1;
      auto request = append_request("sealed-" + std::to_string(number), 0, number);
      request.vault_writes.push_back({"sealed-" + std::to_string(number), std::string(72, 'w')});
      EXPECT_TRUE(append_and_wait(*log, std::move(request)));
      LogFolder::append_some(*log, 3);
      events = stored_bytes(*log);
      vault = log->read_vault_after("", 100);
    }
  }

  // That the log is refused, says that it is damaged when it is read, or has everything.
  void expect_no_lie() {
    const auto opened = RocksDbLog::open(folder.options());
    if (!opened) return;
    try {
      EXPECT_TRUE(stored_bytes(**opened) == events);
    } catch (const std::exception& error) {
      EXPECT_NE(std::string(error.what()), "");
    }
    try {
      EXPECT_TRUE((*opened)->read_vault_after("", 100) == vault);
    } catch (const std::exception& error) {
      EXPECT_NE(std::string(error.what()), "");
    }
  }

  LogFolder original{1, TemporaryFolder::in_memory()};
  LogFolder folder{1, TemporaryFolder::in_memory()};
  std::vector<std::string> events;
  std::vector<VaultRow> vault;
};

// RocksDB looks at the form before any checksum, and blocks that are read in another one than they were
// written in may end the process in an assertion.
TEST_F(DamagedFiles, ATableInAnotherFormIsRefused) {
  std::size_t tables = 0;
  for (const auto& [name, bytes] : contents_of(original.path())) {
    const fs::path path(name);
    if (path.extension() != ".sst") continue;
    ++tables;
    constexpr std::size_t from_end = 12;
    auto changed = bytes;
    ASSERT_EQ(changed[changed.size() - from_end], 5);
    for (const char form : {'\1', '\4'}) {
      folder.become_copy_of(original);
      changed[changed.size() - from_end] = form;
      write_file(folder.path() / path, changed);
      EXPECT_THAT(folder.refusal(), HasSubstr("its footer names a form"));
    }
    changed = bytes;
    changed.at(end_of_properties(bytes) - 1) ^= '\x80';
    folder.become_copy_of(original);
    write_file(folder.path() / path, changed);
    EXPECT_THAT(folder.refusal(), HasSubstr("its properties are in a form"));
  }
  EXPECT_GT(tables, 0U);
}

// RocksDB takes a MANIFEST that ends early for one that a crash cut short, and deletes the tables that were
// listed behind that. Wherever it is cut, at the end of an entry too, some tables are missing.
TEST_F(DamagedFiles, AShortenedManifestIsNeverTakenForTheWhole) {
  std::size_t manifests = 0;
  for (const auto& [name, bytes] : contents_of(original.path())) {
    if (name.find("MANIFEST") == std::string::npos) continue;
    ++manifests;
    const auto stride = number_from_environment("FLIP_STRIDE", 7);
    for (std::size_t size = 0; size < bytes.size(); size += stride) {
      SCOPED_TRACE(size);
      folder.become_copy_of(original);
      write_file(folder.path() / name, bytes.substr(0, size));
      expect_no_lie();
    }
  }
  EXPECT_EQ(manifests, 1U);
}

// Some bits of each; FLIP_STRIDE=1 flips one in every byte.
TEST_F(DamagedFiles, NeverMakeAShorterOrAnotherLog) {
  constexpr std::size_t flips_per_file = 4;
  const auto stride = number_from_environment("FLIP_STRIDE", 0);
  std::set<std::string> kinds;
  for (const auto& [name, bytes] : contents_of(original.path())) {
    if (bytes.empty()) continue;
    const fs::path path(name);
    const auto stem = path.filename().string();
    kinds.insert(path.has_extension() ? path.extension().string() : stem.substr(0, stem.find('-')));
    const auto step = stride > 0 ? stride : std::max(bytes.size() / flips_per_file, 1UL);
    for (std::size_t offset = 0, flip = 0; offset < bytes.size(); offset += step, ++flip) {
      SCOPED_TRACE(name + " at " + std::to_string(offset));
      folder.become_copy_of(original);
      auto flipped = bytes;
      flipped[offset] = static_cast<char>(flipped[offset] ^ (1 << (flip % 8)));
      write_file(folder.path() / path, flipped);
      expect_no_lie();
    }
    SCOPED_TRACE(name + " cut off, then gone");
    folder.become_copy_of(original);
    write_file(folder.path() / path, bytes.substr(0, bytes.size() / 2));
    expect_no_lie();
    folder.become_copy_of(original);
    fs::remove(folder.path() / path);
    expect_no_lie();
  }
  for (const auto* kind : {".sst", ".log", "MANIFEST", "CURRENT", "OPTIONS", "anchor"})
    EXPECT_TRUE(kinds.contains(kind)) << kind;
  folder.become_copy_of(original);
  EXPECT_TRUE(stored_bytes(*folder.open()) == events);
}

}  // namespace
}  // namespace mintmark::testing::rocksdb_damage_test
