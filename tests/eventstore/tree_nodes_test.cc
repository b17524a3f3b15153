// The nodes of the Merkle tree as the log keeps them: what they prove, and how an earlier log comes by them.
#include <future>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/limits.h"
#include "eventstore/merkle_proof.h"
#include "eventstore/rocksdb_log.h"
#include "tests/support/event_builders.h"
#include "tests/support/faulty_env.h"
#include "tests/support/log_folder.h"
#include "tests/support/log_tables.h"
#include "tests/support/long_form.h"

namespace mintmark::testing::tree_nodes_test {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

class TreeNodes : public ::testing::Test {
 protected:
  // Appends batches of these sizes; what the tree was behind each.
  void append(const std::vector<std::size_t>& sizes) {
    const auto log = folder.open();
    if (heads.empty()) heads.push_back(log->tree().head());
    for (const auto size : sizes) {
      const auto number = log->head() + 1;
      const auto stream = "stream-" + std::to_string(number);
      ASSERT_TRUE(append_and_wait(*log, append_request(stream, 0, number, size)));
      heads.push_back(log->tree().head());
    }
  }
  std::string verified(const std::vector<TreeHead>& tree_heads = {}) {
    VerifyOptions options;
    options.tree_heads = source_of(tree_heads);
    const auto report = RocksDbLog::verify_stopped(folder.options(), [](Position, Position) {}, options);
    EXPECT_TRUE(report);
    return report ? report->problem : "";
  }
  void expect_to_begin_with_all_heads() {
    const auto log = folder.open();
    for (auto head : heads) {
      EXPECT_EQ(log->tree_head_problem(head), "");
      EXPECT_TRUE(log->begins_with(head)) << head.size;
      head.root[3] ^= 1;
      EXPECT_FALSE(log->begins_with(head)) << head.size;
    }
    EXPECT_FALSE(log->begins_with({log->head() + 1, heads.back().root}));
  }
  // Makes it a log as format 2 was: without nodes.
  void go_back_to_format_2() {
    LogTables tables(folder.path());
    tables.drop("nodes");
    tables.put("default", "format", "2");
  }

  LogFolder folder{1, TemporaryFolder::in_memory()};
  std::vector<TreeHead> heads;
};

TEST_F(TreeNodes, ProveThatTheLogBeginsWithEveryTreeItEverHad) {
  append({1, 1, 3, 64, 1, 50, 2, 7});
  expect_to_begin_with_all_heads();
  append({1, 64, 5});
  expect_to_begin_with_all_heads();
  EXPECT_EQ(verified(heads), "");
}

TEST_F(TreeNodes, AreWrittenWithTheirBatchInRowsThatFollowOneAnother) {
  constexpr std::size_t appends = 20;
  constexpr std::size_t events = appends * limits::append_events_max;
  {
    const auto log = folder.open();
    std::vector<std::future<AppendResult>> answers;
    for (std::size_t i = 0; i < appends; ++i) {
      answers.push_back(start_append(
          *log, append_request("stream-" + std::to_string(i), 0, 1 + 100 * i, limits::append_events_max)));
    }
    for (auto& answer : answers) ASSERT_TRUE(answer.get());
  }
  std::uint64_t next = 0;
  LogTables tables(folder.path());
  for (const auto& key : tables.keys("nodes")) {
    EXPECT_EQ(key, number_key(next));
    const auto row = tables.get("nodes", key);
    EXPECT_LE(row.size(), 128 * sizeof(TreeHash));
    next += row.size() / sizeof(TreeHash);
  }
  EXPECT_EQ(next, node_count(events));
}

TEST_F(TreeNodes, AChangedOneIsFoundWithItsPosition) {
  append({1, 1, 1, 1, 1, 1, 1, 1});
  // Of the seventh event: its own hash alone. Of the eighth: that, and three above it.
  for (const auto& [position, offset] : {std::pair<Position, std::size_t>{7, 0}, {8, 127}}) {
    const auto key = number_key(node_count(position - 1));
    const auto row = LogTables(folder.path()).get("nodes", key);
    auto changed = row;
    changed.at(offset) ^= 1;
    LogTables(folder.path()).put("nodes", key, changed);
    const auto problem =
        "the event at position " + std::to_string(position) + " is not the one that is in its tree";
    EXPECT_EQ(verified(), problem);
    EXPECT_EQ(folder.open()->verify([](Position, Position) {}).problem, problem);
    LogTables(folder.path()).put("nodes", key, row);
  }
  EXPECT_EQ(verified(), "");
}

TEST_F(TreeNodes, AMissingOneIsFound) {
  append({1, 1, 1, 1, 1});
  const auto key = number_key(node_count(2));
  const auto row = LogTables(folder.path()).get("nodes", key);
  LogTables(folder.path()).remove("nodes", key);
  EXPECT_EQ(verified(), "node 3 of its tree is missing");
  EXPECT_THROW(folder.open()->begins_with(heads.at(3)), CorruptLog);
  LogTables(folder.path()).put("nodes", key, row);
  EXPECT_EQ(verified(), "");
}

TEST_F(TreeNodes, LostAtTheEndRefuseTheLog) {
  append({1, 1, 1});
  LogTables(folder.path()).remove("nodes", number_key(node_count(2)));
  EXPECT_THAT(folder.refusal(), HasSubstr("some of its tables have lost the newest writes"));
  LogTables(folder.path()).drop("nodes");
  EXPECT_THAT(folder.refusal(), HasSubstr("some of its tables have lost the newest writes"));
  EXPECT_THAT(verified(), HasSubstr("some of its tables have lost the newest writes"));
}

TEST_F(TreeNodes, AreMadeFromTheEventsOfAnEarlierLog) {
  append({1, 64, 1, 64, 64, 3});
  const auto nodes_of = [&] {
    std::string nodes;
    LogTables tables(folder.path());
    for (const auto& key : tables.keys("nodes")) nodes += tables.get("nodes", key);
    return nodes;
  };
  const auto nodes = nodes_of();
  go_back_to_format_2();
  const auto before = contents_of(folder.path());
  EXPECT_EQ(verified(heads), "");
  auto wrong = heads;
  wrong.at(2).root[0] ^= 1;
  EXPECT_EQ(verified(wrong), "its root at position 65 is not that of a signed tree head");
  EXPECT_TRUE(contents_of(folder.path()) == before) << "checking changes nothing";
  expect_to_begin_with_all_heads();
  EXPECT_TRUE(nodes_of() == nodes);
  EXPECT_EQ(LogTables(folder.path()).get("default", "format"), "3");
  append({1, 2});
  EXPECT_EQ(verified(heads), "");
}

// At each eleventh write; FAULT_STRIDE=1 at each.
TEST_F(TreeNodes, OfAnEarlierLogAreMadeWhereverTheDiskFailedBefore) {
  const auto stride = number_from_environment("FAULT_STRIDE", 11);
  append({1, 60, 1});
  go_back_to_format_2();
  LogFolder earlier{1, TemporaryFolder::in_memory()};
  earlier.become_copy_of(folder);
  for (const auto operation : {FileOperation::kAppend, FileOperation::kSync}) {
    bool struck = true;
    for (std::size_t after = 0; struck; after += stride) {
      SCOPED_TRACE(after);
      folder.become_copy_of(earlier);
      {
        FaultyEnv disk;
        disk.faults().fail(operation, folder.path().string(), after);
        auto options = folder.options();
        options.env = &disk.env();
        const auto opened = RocksDbLog::open(std::move(options));
        struck = disk.faults().struck();
      }
      ASSERT_EQ(folder.refusal(), "");
      EXPECT_EQ(verified(heads), "");
    }
  }
}

TEST_F(TreeNodes, OfAnEarlierLogWhoseEventsWereRewrittenAreNotMade) {
  append({1, 1, 1, 1});
  go_back_to_format_2();
  {
    LogTables tables(folder.path());
    Recorded recorded;
    ASSERT_TRUE(recorded.ParseFromString(tables.get("events", number_key(2))));
    recorded.mutable_actor()->set_id("somebody else");
    tables.put("events", number_key(2), recorded.SerializeAsString());
  }
  EXPECT_THAT(folder.refusal(), HasSubstr("its events up to position 4 do not give its root"));
  EXPECT_EQ(LogTables(folder.path()).get("default", "format"), "2");
}

TEST_F(TreeNodes, OfAnEarlierLogNeedDiskThatThereIs) {
  append({1, 64});
  go_back_to_format_2();
  auto options = folder.options();
  options.free_disk_bytes = [] { return limits::free_disk_bytes_min; };
  const auto refused = RocksDbLog::open(options);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().messages.front(),
              ContainsRegex("bringing it from format 2 to 3 takes 1 MiB more of free disk"));
  EXPECT_EQ(LogTables(folder.path()).get("default", "format"), "2");
  expect_to_begin_with_all_heads();
}

}  // namespace
}  // namespace mintmark::testing::tree_nodes_test
