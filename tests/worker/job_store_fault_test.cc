#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/faulty_env.h"
#include "tests/support/history.h"
#include "tests/support/log_folder.h"
#include "worker/rocksdb_job_store.h"

namespace mintmark::job_store_fault_test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using namespace ::mintmark::testing;
namespace fs = std::filesystem;

// What befalls the store, one plan after the other.
std::vector<JobPlan> plans() {
  const auto job = [](Position position, JobKind kind, StoredJob::Status status = StoredJob::WAITING) {
    StoredJob made;
    *made.mutable_key() = reference_to({position, kind, 7});
    made.set_account(vendor(1).code());
    made.set_event_id(std::string(500, 'e'));
    made.set_status(status);
    if (status != StoredJob::WAITING) made.set_finished_us(1);
    return made;
  };
  Subscription webhook;
  webhook.set_webhook(7);
  webhook.set_account(vendor(1).code());
  webhook.set_active(true);
  return {{1, {job(1, DELIVER_WEBHOOK)}, {webhook}, {}},
          {2, {job(2, DELIVER_WEBHOOK), job(2, FOLLOW_TOKEN)}, {}, {}},
          {3, {job(1, DELIVER_WEBHOOK, StoredJob::DONE)}, {}, {}, {{"token-x", 3, "no reason"}}},
          {4, {job(4, TEST_WEBHOOK)}, {}, {}},
          {5, {job(2, DELIVER_WEBHOOK, StoredJob::CANCELLED)}, {}, {7}}};
}

// All that can be asked of it.
std::string told_of(JobStore& store) {
  constexpr std::size_t all = 100;
  std::string told =
      fmt::format("planned {}, {} wait, {} parked;", store.planned(), store.size(), store.parked_streams());
  for (const auto& views :
       {store.jobs_of(vendor(1), all), store.deliveries_of(WebhookId::from_value(7), all)}) {
    for (const auto& view : views) {
      told += fmt::format(" {} {} {}", job_id(key_of(view.job.key())), static_cast<int>(view.job.status()),
                          static_cast<int>(view.state));
    }
    told += ';';
  }
  const auto webhook = store.subscription(7);
  return told + (webhook ? webhook->SerializeAsString() : "none");
}

class JobStoreFault : public ::testing::TestWithParam<FileOperation> {
 protected:
  JobStoreFault() {
    // Of files of every kind: tables, since opening makes them, and a write-ahead log.
    for (const Position reached : {1U, 2U}) {
      const auto store = open(prepared_.file("jobs")).value();
      store->plan(plans()[reached - 1]);
    }
    const TemporaryFolder folder(TemporaryFolder::in_memory());
    const auto store = open(folder.file("jobs")).value();
    for (const auto& plan : plans()) {
      store->plan(plan);
      expected_.push_back(told_of(*store));
    }
  }
  Result<std::unique_ptr<RocksDbJobStore>> open(const std::string& path,
                                                rocksdb::Env& env = env_in_memory()) const {
    return RocksDbJobStore::open(path, clock_, &env);
  }
  // Plans the rest, as far as it comes; up to where that was answered as done.
  Position work(const std::string& path, FaultyEnv& disk) const {
    const auto store = open(path, disk.env());
    if (!store) {
      EXPECT_THAT(store.error().messages.front(), HasSubstr("cannot be opened"));
      return 2;
    }
    Position reached = 2;
    try {
      for (; reached < plans().size(); ++reached) {
        (*store)->plan(plans()[reached]);
        EXPECT_EQ(told_of(**store), expected_[reached]);
      }
    } catch (const std::runtime_error& error) {
      EXPECT_NE(std::string(error.what()), "");
    }
    return std::max(reached, (*store)->planned());
  }

  const FakeClock clock_;
  const TemporaryFolder prepared_{TemporaryFolder::in_memory()};
  std::vector<std::string> expected_;  // behind each plan
};

TEST_P(JobStoreFault, AtEveryCallLosesAndInventsNothing) {
  std::size_t faults = 0;
  bool struck = true;
  for (std::size_t after = 0; struck; ++after) {
    SCOPED_TRACE(after);
    const TemporaryFolder folder(TemporaryFolder::in_memory());
    const auto path = folder.file("jobs");
    fs::copy(prepared_.file("jobs"), path);
    Position reached = 0;
    {
      FaultyEnv disk;
      disk.faults().fail(GetParam(), path, after);
      reached = work(path, disk);
      struck = disk.faults().struck();
    }
    if (struck) ++faults;
    const auto store = open(path);
    ASSERT_TRUE(store) << store.error().messages.front();
    const auto planned = (*store)->planned();
    ASSERT_GE(planned, reached);
    ASSERT_LE(planned, std::min<Position>(reached + 1, expected_.size()));
    ASSERT_EQ(told_of(**store), expected_[planned - 1]);
    for (auto next = planned; next < plans().size(); ++next) (*store)->plan(plans()[next]);
    ASSERT_EQ(told_of(**store), expected_.back());
  }
  EXPECT_GE(faults, 1) << "what never happens cannot go wrong";
}

INSTANTIATE_TEST_SUITE_P(Calls, JobStoreFault,
                         ::testing::Values(FileOperation::kAppend, FileOperation::kSync, FileOperation::kRead,
                                           FileOperation::kOpen, FileOperation::kRename,
                                           FileOperation::kSyncFolder));

}  // namespace
}  // namespace mintmark::job_store_fault_test
