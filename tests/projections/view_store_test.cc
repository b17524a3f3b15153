#include "projections/view_store.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eventstore/bytes.h"
#include "tests/support/log_folder.h"
#include "tests/support/table_file.h"
#include "tests/support/view_folder.h"

namespace mintmark::view_store_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace ::mintmark::testing;

void put(View view, const std::string& key, const std::string& value) {
  rocksdb::WriteBatch batch;
  ASSERT_TRUE(batch.Put(view.family(), key, value).ok());
  view.write(batch);
}

std::vector<std::string> keys(const View& view) {
  std::vector<std::string> keys;
  const auto rows = view.rows();
  for (rows->SeekToFirst(); rows->Valid(); rows->Next()) keys.push_back(rows->key().ToString());
  return keys;
}

TEST(ViewStore, AProjectionHasAnEmptyLiveGenerationAtFirst) {
  ViewFolder folder;
  EXPECT_THAT(keys(folder.store().live("list")), IsEmpty());
  EXPECT_EQ(folder.store().live("list").get("x"), std::nullopt);
}

TEST(ViewStore, ProjectionsDoNotSeeEachOthersRows) {
  ViewFolder folder;
  put(folder.store().live("list"), "x", "1");
  put(folder.store().live("list2"), "y", "2");
  EXPECT_THAT(keys(folder.store().live("list")), ElementsAre("x"));
  EXPECT_THAT(keys(folder.store().live("list2")), ElementsAre("y"));
}

TEST(ViewStore, RowsSurviveReopening) {
  ViewFolder folder;
  put(folder.store().live("list"), "x", "1");
  folder.reopen();
  EXPECT_EQ(folder.store().live("list").get("x"), "1");
}

TEST(ViewStore, TheGenerationBeingBuiltStandsBesideTheLiveOne) {
  ViewFolder folder;
  put(folder.store().live("list"), "old", "1");
  put(folder.store().building("list"), "new", "2");
  EXPECT_THAT(keys(folder.store().live("list")), ElementsAre("old"));
  EXPECT_THAT(keys(folder.store().building("list")), ElementsAre("new"));
}

TEST(ViewStore, PromotingMakesTheBuiltGenerationTheLiveOneAndTheNextEmpty) {
  ViewFolder folder;
  put(folder.store().live("list"), "old", "1");
  put(folder.store().live("other"), "kept", "1");
  put(folder.store().building("list"), "new", "2");
  folder.store().promote("list");
  EXPECT_THAT(keys(folder.store().live("list")), ElementsAre("new"));
  EXPECT_THAT(keys(folder.store().building("list")), IsEmpty());
  EXPECT_THAT(keys(folder.store().live("other")), ElementsAre("kept"));
}

TEST(ViewStore, APromotionSurvivesReopening) {
  ViewFolder folder;
  put(folder.store().live("list"), "old", "1");
  put(folder.store().building("list"), "new", "2");
  folder.store().promote("list");
  folder.reopen();
  EXPECT_THAT(keys(folder.store().live("list")), ElementsAre("new"));
  folder.store().building("list");
  folder.store().promote("list");
  folder.reopen();
  EXPECT_THAT(keys(folder.store().live("list")), IsEmpty());
}

TEST(ViewStore, AnInterruptedRebuildIsFoundAgainAfterReopening) {
  ViewFolder folder;
  put(folder.store().live("list"), "old", "1");
  put(folder.store().building("list"), "half", "2");
  folder.reopen();
  EXPECT_THAT(keys(folder.store().live("list")), ElementsAre("old"));
  EXPECT_THAT(keys(folder.store().building("list")), ElementsAre("half"));
}

TEST(ViewStore, WhatAnotherVersionOfTheProgramBeganToBuildIsBuiltAnew) {
  ViewFolder folder;
  put(folder.store().live("list"), "old", "1");
  put(folder.store().building("list", "1.0"), "half", "2");
  folder.reopen();
  EXPECT_THAT(keys(folder.store().building("list", "1.0")), ElementsAre("half"));
  EXPECT_THAT(keys(folder.store().building("list", "1.1")), IsEmpty());
  put(folder.store().building("list", "1.1"), "half", "2");
  folder.reopen();
  EXPECT_THAT(keys(folder.store().building("list", "1.1")), ElementsAre("half"));
  EXPECT_THAT(keys(folder.store().building("list", "1.0")), IsEmpty()) << "nor by an earlier one";
  EXPECT_THAT(keys(folder.store().live("list")), ElementsAre("old"));
}

TEST(ViewStore, GenerationsBeforeTheLiveOneAreDroppedWhenItIsOpened) {
  const TemporaryFolder folder;
  const auto path = folder.file("views");
  {
    const auto store = *ViewStore::open(path);
    put(store->live("a.list"), "old", "1");
    put(store->live("other"), "kept", "1");
    put(store->building("a.list"), "new", "2");
  }
  // What a kill between the two steps of a promotion leaves.
  {
    const auto store = *ViewStore::open(path);
    auto view = store->live("a.list");
    std::string second;
    put_big_endian(second, 2);
    ASSERT_TRUE(view.db().Put({}, view.db().DefaultColumnFamily(), "a.list", second).ok());
  }
  {
    const auto store = *ViewStore::open(path);
    EXPECT_THAT(keys(store->live("a.list")), ElementsAre("new"));
    EXPECT_THAT(keys(store->live("other")), ElementsAre("kept"));
  }
  std::vector<std::string> names;
  ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, path, &names).ok());
  EXPECT_THAT(names, ::testing::UnorderedElementsAre("default", "a.list.2", "other.1"));
}

TEST(ViewStore, AReaderOfRowsKeepsTheStateThatItBeganWith) {
  ViewFolder folder;
  auto view = folder.store().live("list");
  put(view, "a", "1");
  const auto rows = view.rows();
  put(view, "b", "2");
  rows->SeekToFirst();
  ASSERT_TRUE(rows->Valid());
  rows->Next();
  EXPECT_FALSE(rows->Valid());
}

TEST(ViewStore, AFolderInUseIsRefused) {
  const TemporaryFolder folder;
  const auto first = ViewStore::open(folder.file("views"));
  ASSERT_TRUE(first);
  const auto second = ViewStore::open(folder.file("views"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(second.error().messages.front(), HasSubstr("views"));
}

TEST(ViewStore, ADamagedFolderIsRefusedAndSaysThatItMayBeDeleted) {
  const TemporaryFolder folder;
  ASSERT_TRUE(ViewStore::open(folder.file("views")));
  write_file(folder.path() / "views" / "CURRENT", "nonsense");
  const auto store = ViewStore::open(folder.file("views"));
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(store.error().messages.front(), HasSubstr("deleting the folder rebuilds them"));
}

// Opened, it would have lost rows, and the tables that they are in.
TEST(ViewStore, ADamagedListOfTablesIsRefused) {
  const TemporaryFolder folder;
  const auto views = folder.path() / "views";
  for (const auto* key : {"first", "second"}) {
    const auto store = ViewStore::open(views.string());
    ASSERT_TRUE(store);
    put((*store)->live("list"), key, "value");
  }
  std::string name = read_file(views / "CURRENT");
  name.pop_back();
  auto manifest = read_file(views / name);
  // The length of its first entry, which then goes on behind the end.
  manifest.at(5) ^= '\x40';
  write_file(views / name, manifest);
  const auto store = ViewStore::open(views.string());
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().messages.front(), HasSubstr("its entry at byte 0 is damaged"));
}

// Opened, it might end the process in an assertion.
TEST(ViewStore, ATableInAnotherFormIsRefused) {
  const TemporaryFolder folder;
  const auto views = folder.path() / "views";
  {
    const auto store = ViewStore::open(views.string());
    ASSERT_TRUE(store);
    put((*store)->live("list"), "key", "value");
  }
  ASSERT_TRUE(ViewStore::open(views.string()));  // which writes the rows to a table
  std::size_t tables = 0;
  for (const auto& entry : std::filesystem::directory_iterator(views)) {
    if (entry.path().extension() != ".sst") continue;
    ++tables;
    auto changed = read_file(entry.path());
    changed.at(end_of_properties(changed) - 1) ^= '\x80';
    write_file(entry.path(), changed);
  }
  EXPECT_GT(tables, 0U);
  const auto store = ViewStore::open(views.string());
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().messages.front(), HasSubstr("its properties are in a form"));
}

}  // namespace
}  // namespace mintmark::view_store_test
