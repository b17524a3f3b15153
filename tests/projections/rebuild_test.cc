#include "projections/rebuild.h"

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eventstore/memory_log.h"
#include "projections/authorization_index.h"
#include "projections/token_list.h"
#include "tests/support/faulty_env.h"
#include "tests/support/log_folder.h"
#include "tests/support/random_history.h"
#include "tests/support/small_disk.h"
#include "tests/support/view_folder.h"

namespace mintmark::rebuild_test {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace ::mintmark::testing;

const MakeRowProjection make_token_list = [](View view) { return std::make_unique<TokenList>(view); };

std::vector<std::pair<std::string, std::string>> rows_of(View view) {
  std::vector<std::pair<std::string, std::string>> all;
  const auto rows = view.rows();
  for (rows->SeekToFirst(); rows->Valid(); rows->Next())
    all.emplace_back(rows->key().ToString(), rows->value().ToString());
  return all;
}

class RebuildTest : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  RebuildTest() { history_.add(400); }

  void feed_live() {
    TokenList live(views_.store().live(TokenList::projection_name));
    feed(log_, live);
  }
  RebuildReport rebuild() {
    return rebuild_rows(log_, views_.store(), TokenList::projection_name, make_token_list,
                        [this](Position done, Position total) {
                          EXPECT_LE(done, total);
                          progress_.push_back(done);
                        });
  }
  std::vector<std::pair<std::string, std::string>> live_rows() {
    return rows_of(views_.store().live(TokenList::projection_name));
  }
  void write_live(const std::string& key, const std::string& value) {
    auto view = views_.store().live(TokenList::projection_name);
    rocksdb::WriteBatch batch;
    ASSERT_TRUE(batch.Put(view.family(), key, value).ok());
    view.write(batch);
  }

  ViewFolder views_;
  MemoryLog log_{event_id(1)};
  RandomHistory history_{log_, GetParam()};
  std::vector<Position> progress_;
};

TEST_P(RebuildTest, ARebuiltProjectionEqualsTheLiveOneRowForRow) {
  feed_live();
  const auto before = live_rows();
  const auto report = rebuild();
  EXPECT_TRUE(report.had_old);
  EXPECT_EQ(report.difference, "");
  EXPECT_EQ(report.projection, "token_list");
  EXPECT_EQ(report.events, 400);
  EXPECT_EQ(report.parked_streams, 0);
  EXPECT_EQ(live_rows(), before);
  EXPECT_EQ(progress_.back(), 400);
}

TEST_P(RebuildTest, ALiveProjectionThatLagsIsBroughtUpBeforeItIsCompared) {
  {
    TokenList live(views_.store().live(TokenList::projection_name));
    feed(log_, live, 123);
  }
  EXPECT_EQ(rebuild().difference, "");
}

TEST_P(RebuildTest, AChangedRowIsReportedAndPutRight) {
  feed_live();
  const auto before = live_rows();
  const auto& [key, value] = before[before.size() / 2];
  write_live(key, value + "x");
  EXPECT_THAT(rebuild().difference, HasSubstr("row "));
  EXPECT_EQ(live_rows(), before);
  EXPECT_EQ(rebuild().difference, "");
}

TEST_P(RebuildTest, ARowTooManyIsReportedByItsKey) {
  feed_live();
  const auto before = live_rows();
  write_live("zz", "x");
  EXPECT_EQ(rebuild().difference, "row zz");
  EXPECT_EQ(live_rows(), before);
}

TEST_P(RebuildTest, ARowTooFewIsReported) {
  feed_live();
  const auto before = live_rows();
  auto view = views_.store().live(TokenList::projection_name);
  rocksdb::WriteBatch batch;
  ASSERT_TRUE(batch.Delete(view.family(), before.back().first).ok());
  view.write(batch);
  EXPECT_THAT(rebuild().difference, HasSubstr("row "));
  EXPECT_EQ(live_rows(), before);
}

TEST_P(RebuildTest, AnInterruptedRebuildGoesOnWhereItWas) {
  feed_live();
  const auto before = live_rows();
  {
    TokenList half(views_.store().building(TokenList::projection_name));
    feed(log_, half, 200);
  }
  views_.reopen();
  // A row that only the interrupted part can have written: were it built anew, it would not be there.
  {
    auto view = views_.store().building(TokenList::projection_name);
    rocksdb::WriteBatch batch;
    ASSERT_TRUE(batch.Put(view.family(), "mark", "x").ok());
    view.write(batch);
  }
  EXPECT_EQ(rebuild().difference, "row mark");
  rebuild();  // from the first event, since nothing was interrupted
  EXPECT_EQ(live_rows(), before);
}

TEST_P(RebuildTest, AnInterruptedRebuildEndsEqualToTheLiveOne) {
  feed_live();
  {
    TokenList half(views_.store().building(TokenList::projection_name));
    feed(log_, half, 200);
  }
  views_.reopen();
  history_.add(50);
  const auto report = rebuild();
  EXPECT_EQ(report.difference, "");
  EXPECT_EQ(report.events, 450);
}

TEST_P(RebuildTest, AProjectionThatWasDeletedIsBuiltAndSaysSo) {
  const auto report = rebuild();
  EXPECT_FALSE(report.had_old);
  EXPECT_EQ(report.difference, "");
  const auto rebuilt = live_rows();
  views_.reopen();
  EXPECT_EQ(live_rows(), rebuilt);
}

TEST_P(RebuildTest, ParkedStreamsAreReported) {
  History(log_).add(token_id(999'999), token_renamed("x"));
  feed_live();
  const auto report = rebuild();
  EXPECT_EQ(report.parked_streams, 1);
  EXPECT_EQ(report.difference, "");
}

// Moves a view's rows to a file, and flips a bit in the middle of it: of some block of rows, neither the
// first nor the last.
void damage(View view) {
  rocksdb::FlushOptions flush;
  ASSERT_TRUE(view.db().Flush(flush, view.family()).ok());
  std::vector<rocksdb::LiveFileMetaData> files;
  view.db().GetLiveFilesMetaData(&files);
  for (const auto& file : files) {
    if (file.column_family_name != view.family()->GetName()) continue;
    const auto path = file.db_path + "/" + file.name;
    auto bytes = read_file(path);
    bytes[bytes.size() / 3] = static_cast<char>(bytes[bytes.size() / 3] ^ 1);
    write_file(path, bytes);
    return;
  }
  FAIL() << "no file of rows";
}

TEST_P(RebuildTest, AnOldProjectionThatCannotBeReadIsReportedAndReplaced) {
  feed_live();
  const auto before = live_rows();
  damage(views_.store().live(TokenList::projection_name));
  views_.reopen();
  EXPECT_THAT(rebuild().difference, ContainsRegex("it cannot be read: .*Corruption"));
  EXPECT_EQ(live_rows(), before);
}

TEST_P(RebuildTest, ANewProjectionThatCannotBeReadDoesNotReplaceTheOldOne) {
  feed_live();
  const auto before = live_rows();
  {
    TokenList whole(views_.store().building(TokenList::projection_name));
    feed(log_, whole);
  }
  damage(views_.store().building(TokenList::projection_name));
  views_.reopen();
  EXPECT_THROW(rebuild(), std::runtime_error);
  EXPECT_EQ(live_rows(), before);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RebuildTest, ::testing::Range(1U, 4U));

TEST(Rebuild, OfAnEmptyLogFindsNoDifference) {
  ViewFolder views;
  MemoryLog log(event_id(1));
  const auto report = rebuild_rows(log, views.store(), TokenList::projection_name, make_token_list,
                                   [](Position, Position) {});
  EXPECT_EQ(report.difference, "");
  EXPECT_EQ(report.events, 0);
}

// A disk with so much space left, for each of these; between them a rebuild fails at its first row, amid its
// events and at the swap.
TEST(RebuildOnAFullDisk, LeavesTheLiveRowsAloneAndGoesOnOnceThereIsSpace) {
  constexpr std::uint64_t kibibyte = 1024;
  MemoryLog log(event_id(1));
  RandomHistory(log, 1).add(2500);
  std::size_t failed = 0;
  std::size_t failed_in_the_middle = 0;
  for (const unsigned free :
       {0U, 1024U, 8192U, 9216U, 9728U, 10'240U, 10'752U, 11'264U, 11'776U, 12'288U, 16'384U}) {
    SCOPED_TRACE(free);
    const SmallDisk disk(32 * kibibyte * kibibyte);
    ViewFolder views(disk.path());
    const auto live = [&] { return views.store().live(TokenList::projection_name); };
    {
      TokenList list(live());
      feed(log, list);
    }
    const auto before = rows_of(live());
    Position reached = 0;
    const auto rebuild = [&] {
      return rebuild_rows(log, views.store(), TokenList::projection_name, make_token_list,
                          [&](Position done, Position) { reached = done; });
    };
    disk.leave_free(free * kibibyte);
    try {
      EXPECT_EQ(rebuild().difference, "");
    } catch (const std::runtime_error& error) {
      EXPECT_THAT(error.what(), HasSubstr("the views cannot be used: the disk is full"));
      ++failed;
      if (reached > 0) ++failed_in_the_middle;
    }
    EXPECT_EQ(rows_of(live()), before) << "while the disk is full";
    if (const auto refusal = views.try_to_reopen(); refusal.empty()) {
      EXPECT_EQ(rows_of(live()), before) << "opened on the full disk";
    } else {
      EXPECT_THAT(refusal, HasSubstr("cannot be opened: the disk is full"));
    }
    disk.empty();
    views.reopen();
    EXPECT_EQ(rows_of(live()), before);
    const auto report = rebuild();
    EXPECT_TRUE(report.had_old);
    EXPECT_EQ(report.difference, "");
    EXPECT_EQ(rows_of(live()), before);
  }
  EXPECT_GE(failed, 4);
  EXPECT_GE(failed_in_the_middle, 1);
  EXPECT_LT(failed, 11) << "where there is space enough none fails";
}

// Each read of a table fails in its turn: one of the new rows ends the rebuild, one of the old rows is told,
// and they give way to the new.
TEST(RebuildOnAFailingDisk, ARowThatCannotBeReadIsNeverTakenForTheLast) {
  MemoryLog log(event_id(1));
  RandomHistory(log, 2).add(300);
  ViewFolder prepared(TemporaryFolder::in_memory());
  {
    TokenList live(prepared.store().live(TokenList::projection_name));
    feed(log, live);
    TokenList built(prepared.store().building(TokenList::projection_name));
    feed(log, built);
  }
  const auto before = rows_of(prepared.store().live(TokenList::projection_name));
  prepared.reopen();  // the rows are in tables from here on
  prepared.close();
  std::size_t failed = 0;
  bool struck = true;
  for (std::size_t after = 0; struck; ++after) {
    SCOPED_TRACE(after);
    const TemporaryFolder folder(TemporaryFolder::in_memory());
    std::filesystem::copy(prepared.file("views"), folder.file("views"),
                          std::filesystem::copy_options::recursive);
    FaultyEnv disk;
    const auto views = ViewStore::open(folder.file("views"), &disk.env()).value();
    disk.faults().fail(FileOperation::kRead, ".sst", after);
    try {
      const auto report =
          rebuild_rows(log, *views, TokenList::projection_name, make_token_list, [](Position, Position) {});
      if (!report.difference.empty()) {
        EXPECT_THAT(report.difference, HasSubstr("injected fault"));
        ++failed;
      }
    } catch (const std::runtime_error& error) {
      EXPECT_THAT(error.what(), HasSubstr("injected fault"));
      ++failed;
    }
    struck = disk.faults().struck();
    disk.faults().heal();
    EXPECT_EQ(rows_of(views->live(TokenList::projection_name)), before);
  }
  EXPECT_GE(failed, 3);
}

class RebuildIndexTest : public ::testing::Test {
 protected:
  RebuildIndexTest() { RandomHistory(log_, 5).add(400); }

  RebuildReport rebuild() {
    return rebuild_authorization_index(log_, peppers_, snapshot_, [](Position, Position) {});
  }
  void save_live(Position up_to = UINT64_MAX) {
    AuthorizationIndex live(peppers_);
    feed(log_, live, up_to);
    live.save(snapshot_, log_.log_id());
  }

  TemporaryFolder folder_;
  const std::filesystem::path snapshot_ = folder_.path() / "index";
  MemoryLog log_{event_id(1)};
  const std::vector<PepperKey> keys_{PepperKey{}};
  const Peppers peppers_{keys_};
};

TEST_F(RebuildIndexTest, ARebuiltIndexEqualsTheSavedOneAndItsSnapshotIsTheSame) {
  save_live();
  const auto before = read_file(snapshot_);
  const auto report = rebuild();
  EXPECT_EQ(report.difference, "");
  EXPECT_EQ(report.projection, "authorization_index");
  EXPECT_EQ(report.events, 400);
  EXPECT_EQ(read_file(snapshot_), before);
}

TEST_F(RebuildIndexTest, ASnapshotThatLagsIsBroughtUpBeforeItIsCompared) {
  save_live(150);
  EXPECT_EQ(rebuild().difference, "");
  AuthorizationIndex loaded(peppers_);
  ASSERT_TRUE(loaded.load(snapshot_, log_.log_id()));
  EXPECT_EQ(loaded.checkpoint(), 400);
}

TEST_F(RebuildIndexTest, AMissingOrDamagedSnapshotIsReportedAndReplaced) {
  EXPECT_FALSE(rebuild().had_old);
  const auto again = rebuild();
  EXPECT_TRUE(again.had_old);
  EXPECT_EQ(again.difference, "");
  auto bytes = read_file(snapshot_);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write_file(snapshot_, bytes);
  EXPECT_NE(rebuild().difference, "");
  EXPECT_EQ(rebuild().difference, "");
}

TEST_F(RebuildIndexTest, ASnapshotWithOtherContentIsReported) {
  AuthorizationIndex other(peppers_);
  MemoryLog other_log(event_id(1));
  RandomHistory(other_log, 6).add(400);
  feed(other_log, other);
  other.save(snapshot_, log_.log_id());
  EXPECT_EQ(rebuild().difference, "its content");
  EXPECT_EQ(rebuild().difference, "");
}

TEST_F(RebuildIndexTest, ASnapshotThatCannotBeWrittenThrows) {
  EXPECT_THROW(rebuild_authorization_index(log_, peppers_, folder_.path() / "no" / "folder",
                                           [](Position, Position) {}),
               std::system_error);
}

}  // namespace
}  // namespace mintmark::rebuild_test
