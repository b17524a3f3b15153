#include <algorithm>
#include <csignal>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "eventstore/rocksdb_log.h"
#include "projections/token_list.h"
#include "tests/support/event_builders.h"
#include "tests/support/history.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/view_folder.h"
#include "worker/job_key.h"

// A process is killed at every place of projector, rebuild and worker that has a name, and what it left is
// taken up by the next.
namespace mintmark::testing::crash_test {
namespace {

class CrashTest : public ::testing::Test {
 protected:
  CrashTest() {
    RocksDbLog::Options options;
    options.path = folder_.file("log");
    if (!RocksDbLog::create(options, event_id(1))) throw std::runtime_error("no log");
  }

  // Runs the program until it is killed there, or to its end.
  Finished run(const std::string& point, const std::string& triggers) {
    Process::Options options{.command = {WORK_UNTIL_CRASH_POINT, folder_.path().string(), triggers}};
    if (!point.empty()) options.environment = {{"MINTMARK_CRASH_POINT", point}};
    auto finished = run_process(options);
    std::istringstream lines(finished.out);
    std::string word;
    std::string rest;
    while (lines >> word && std::getline(lines >> std::ws, rest)) {
      if (word == "call") ++calls_[rest];
      if (word == "rebuild") rebuilt_ = rest;
    }
    return finished;
  }

  std::unique_ptr<RocksDbLog> open() {
    RocksDbLog::Options options;
    options.path = folder_.file("log");
    return std::move(RocksDbLog::open(options).value());
  }

  // Each trigger's delivery was recorded as a success once, was called, and is called again only by who took
  // it up from a process that was killed.
  void check_deliveries(int kills) {
    const auto log = open();
    std::map<std::string, int> successes;
    for (const auto& event : log->read_stream("deliveries", 0)) {
      for (const auto& attempt : event.recorded.event().webhook_deliveries_recorded().attempts()) {
        if (attempt.failure() == ATTEMPT_SUCCEEDED) ++successes[job_id(key_of(attempt.job()))];
      }
    }
    std::size_t triggers = 0;
    for (const auto& event : log->read(0, log->head())) {
      const auto& recorded = event.recorded;
      if (!recorded.event().has_webhook_triggered()) continue;
      ++triggers;
      const auto id = job_id({recorded.position(), DELIVER_WEBHOOK, 1});
      EXPECT_EQ(successes[id], 1) << id;
    }
    EXPECT_EQ(successes.size(), triggers);
    EXPECT_EQ(calls_.size(), triggers);
    for (const auto& [message, calls] : calls_) EXPECT_LE(calls, 1 + kills) << message;
  }

  // The live token list, row for row, is what the log gives to a new one.
  void check_rows() {
    const auto log = open();
    ViewFolder anew;
    TokenList fold(anew.store().live(TokenList::projection_name));
    feed(*log, fold);
    const auto views = ViewStore::open(folder_.file("views")).value();
    EXPECT_EQ(rows_of(views->live(TokenList::projection_name)),
              rows_of(anew.store().live(TokenList::projection_name)));
  }
  // How many generations of the token list there are.
  std::ptrdiff_t generations() const {
    std::vector<std::string> names;
    EXPECT_TRUE(rocksdb::DB::ListColumnFamilies({}, folder_.file("views"), &names).ok());
    return std::ranges::count_if(names, [](const auto& name) { return name.starts_with("token_list."); });
  }
  static std::vector<std::pair<std::string, std::string>> rows_of(View view) {
    std::vector<std::pair<std::string, std::string>> all;
    const auto rows = view.rows();
    for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
      all.emplace_back(rows->key().ToString(), rows->value().ToString());
    }
    return all;
  }

  TemporaryFolder folder_{TemporaryFolder::in_memory()};  // kill -9 takes nothing from the system
  std::map<std::string, int> calls_;                      // by message
  std::string rebuilt_;
};

TEST_F(CrashTest, KilledAtEveryPointOfProjectorAndWorkerNothingIsLostOrDoneTwice) {
  int kills = 0;
  for (const auto* point :
       {"events read", "rows due", "projection applied", "position published", "job claimed", "call answered",
        "job settled", "outcomes due", "outcomes recorded", "outcome appended"}) {
    SCOPED_TRACE(point);
    const auto killed = run(point, "3");
    ASSERT_EQ(killed.exit_code, 128 + SIGKILL) << killed.err;
    ++kills;
    const auto finished = run("", "0");
    ASSERT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_TRUE(rebuilt_.ends_with(" equal")) << rebuilt_;
    check_deliveries(kills);
    if (HasFailure()) return;
  }
  check_rows();
}

TEST_F(CrashTest, KilledInMidRebuildTheNextGoesOnAndEndsEqualRowForRow) {
  ASSERT_EQ(run("", "3").exit_code, 0);
  for (const auto& [point, first] :
       std::vector<std::pair<std::string, std::string>>{{"rebuild fed", "1025"},
                                                        {"rebuild compared", "25"},
                                                        {"generation swapped", "1"},
                                                        {"rebuild promoted", "1"}}) {
    SCOPED_TRACE(point);
    const auto killed = run(point, "1");
    ASSERT_EQ(killed.exit_code, 128 + SIGKILL) << killed.err;
    const auto finished = run("", "0");
    ASSERT_EQ(finished.exit_code, 0) << finished.err;
    EXPECT_TRUE(rebuilt_.ends_with(" equal")) << rebuilt_;
    // Where it was killed before the swap it goes on from what is built, else from the first event.
    EXPECT_TRUE(first == "25" ? !rebuilt_.starts_with("1 ") : rebuilt_.starts_with(first + " ")) << rebuilt_;
    check_rows();
    EXPECT_EQ(generations(), 1) << "none is left behind";
  }
}

}  // namespace
}  // namespace mintmark::testing::crash_test
