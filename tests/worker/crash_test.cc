#include <algorithm>
#include <csignal>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

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

using ::testing::EndsWith;

class CrashTest : public ::testing::Test {
 protected:
  CrashTest() {
    RocksDbLog::Options options;
    options.path = folder_.file("log");
    if (!RocksDbLog::create(options, event_id(1))) throw std::runtime_error("no log");
  }

  using Kinds = std::map<Event::KindCase, int>;  // how many events of each

  // What the program said of a run; see work_until_crash_point.cc.
  struct Run {
    Finished finished;
    Kinds found;
    Kinds holds;
    std::set<std::string> triggered;
    std::map<std::string, int> successes;  // by job
    std::string rebuilt;
  };
  // Runs the program to its end.
  Run run(const std::vector<std::string>& wanted) {
    auto ended = start(wanted, {});
    if (ended.finished.exit_code != 0) throw std::runtime_error(ended.finished.err);
    return ended;
  }
  // Runs it until it is killed there.
  void kill_at(const std::string& point, const std::vector<std::string>& wanted) {
    const auto ended = start(wanted, {{"MINTMARK_CRASH_POINT", point}});
    if (ended.finished.exit_code != 128 + SIGKILL) throw std::runtime_error(point + " is not reached");
    ++kills_;
  }

  // Each trigger's delivery was recorded as a success once, was called, and is called again only by who took
  // it up from a process that was killed.
  void check_deliveries(const Run& run) {
    for (const auto& job : run.triggered) {
      const auto success = run.successes.find(job);
      EXPECT_TRUE(success != run.successes.end() && success->second == 1) << job;
    }
    EXPECT_EQ(run.successes.size(), run.triggered.size());
    EXPECT_EQ(calls_.size(), run.triggered.size());
    for (const auto& [message, calls] : calls_) EXPECT_LE(calls, 1 + kills_) << message;
  }
  // Each Zapier token but the newest has been deleted; each has got its connection once, and each that is
  // deleted has had it withdrawn and its webhook ended once.
  static void check_tokens(Kinds kinds, int tokens) {
    EXPECT_EQ(kinds[Event::kZapierConnectionIssued], tokens);
    EXPECT_EQ(kinds[Event::kTokenDeleted], tokens - 1);
    EXPECT_EQ(kinds[Event::kZapierConnectionWithdrawn], tokens - 1);
    EXPECT_EQ(kinds[Event::kWebhookUnsubscribed], tokens - 1);
  }

  // The live token list, row for row, is what the log gives to a new one.
  void check_rows() {
    RocksDbLog::Options options;
    options.path = folder_.file("log");
    const auto log = RocksDbLog::open(options).value();
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
  static int connections(Kinds kinds) {
    return kinds[Event::kZapierConnectionIssued] + kinds[Event::kZapierConnectionWithdrawn];
  }

  TemporaryFolder folder_{TemporaryFolder::in_memory()};  // kill -9 takes nothing from the system
  std::map<std::string, int> calls_;                      // by message
  std::map<std::string, int> provisioned_;                // by message
  int kills_ = 0;

 private:
  static void add_events(Kinds& kinds, const std::string& line) {
    std::istringstream words(line);
    int kind = 0;
    words >> kind >> kinds[static_cast<Event::KindCase>(kind)];
  }
  Run start(const std::vector<std::string>& wanted, const std::map<std::string, std::string>& environment) {
    Process::Options options{.command = {WORK_UNTIL_CRASH_POINT, folder_.path().string()},
                             .environment = environment};
    options.command.insert(options.command.end(), wanted.begin(), wanted.end());
    Run run;
    run.finished = run_process(options);
    std::istringstream lines(run.finished.out);
    std::string word;
    std::string rest;
    while (lines >> word && std::getline(lines >> std::ws, rest)) {
      if (word == "call") ++calls_[rest];
      if (word == "provision") ++provisioned_[rest];
      if (word == "found") add_events(run.found, rest);
      if (word == "holds") add_events(run.holds, rest);
      if (word == "triggered") run.triggered.insert(rest);
      if (word == "succeeded") ++run.successes[rest];
      if (word == "rebuild") run.rebuilt = rest;
    }
    return run;
  }
};

TEST_F(CrashTest, KilledAtEveryPointOfProjectorAndWorkerNothingIsLostOrDoneTwice) {
  int tokens = 0;
  Kinds before;
  for (const std::string point :
       {"events read", "rows due", "projection applied", "position published", "job claimed", "call answered",
        "job settled", "outcomes due", "outcomes recorded", "webhooks changed", "connection recorded"}) {
    SCOPED_TRACE(point);
    kill_at(point, {"trigger"});
    auto next = run({});
    if (point == "webhooks changed")
      EXPECT_GT(next.found[Event::kWebhookUnsubscribed], before[Event::kWebhookUnsubscribed]);
    if (point == "connection recorded") EXPECT_GT(connections(next.found), connections(before));
    check_deliveries(next);
    check_tokens(next.holds, ++tokens);
    if (HasFailure()) return;
    before = std::move(next.holds);
  }
  EXPECT_TRUE(provisioned_.empty());
  EXPECT_THAT(run({"rebuild"}).rebuilt, EndsWith(" equal"));
  check_rows();
}

TEST_F(CrashTest, KilledWhileItProvisionsItTellsAgainAndRecordsOnce) {
  int tokens = 1;
  auto before = run({"trigger", "provision"}).holds;
  for (const std::string point : {"provisioning answered", "provisioned connection recorded"}) {
    SCOPED_TRACE(point);
    provisioned_.clear();
    kill_at(point, {"trigger", "provision"});
    const auto told = provisioned_;
    ASSERT_FALSE(told.empty());
    auto next = run({"provision"});
    const int recorded = connections(next.found) - connections(before);
    EXPECT_EQ(recorded > 0, point == "provisioned connection recorded");
    EXPECT_EQ(provisioned_.size(), 2) << "of the new token and of the deleted one";
    // Nobody knows of an answer that is not recorded.
    const auto told_again =
        std::ranges::count_if(told, [this](const auto& message) { return provisioned_[message.first] == 2; });
    EXPECT_EQ(told_again, std::ssize(told) - recorded);
    check_deliveries(next);
    check_tokens(next.holds, ++tokens);
    before = std::move(next.holds);
  }
}

TEST_F(CrashTest, KilledInMidRebuildTheNextGoesOnAndEndsEqualRowForRow) {
  run({"tokens", "trigger", "rebuild"});
  for (const auto& [point, first] :
       std::vector<std::pair<std::string, std::string>>{{"rebuild fed", "1025"},
                                                        {"rebuild compared", "25"},
                                                        {"generation swapped", "1"},
                                                        {"rebuild promoted", "1"}}) {
    SCOPED_TRACE(point);
    kill_at(point, {"trigger", "rebuild"});
    const auto rebuilt = run({"rebuild"}).rebuilt;
    EXPECT_THAT(rebuilt, EndsWith(" equal"));
    // Where it was killed before the swap it goes on from what is built, else from the first event.
    EXPECT_TRUE(first == "25" ? !rebuilt.starts_with("1 ") : rebuilt.starts_with(first + " ")) << rebuilt;
    check_rows();
    EXPECT_EQ(generations(), 1) << "none is left behind";
  }
}

}  // namespace
}  // namespace mintmark::testing::crash_test
