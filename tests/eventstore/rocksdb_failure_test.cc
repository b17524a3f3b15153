#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <future>
#include <memory>
#include <mutex>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "domain/limits.h"
#include "tests/support/event_builders.h"
#include "tests/support/faulty_env.h"
#include "tests/support/log_folder.h"
#include "tests/support/long_form.h"

namespace mintmark::testing::rocksdb_failure_test {
namespace {

using namespace std::chrono_literals;
using Kind = AppendError::Kind;

bool is_answered(std::future<AppendResult>& answer) {
  return answer.wait_for(0s) == std::future_status::ready;
}

// Declared in the order that their lives must nest.
struct LogOnFaultyDisk {
  explicit LogOnFaultyDisk(LogFolder& folder) {
    auto options = folder.options();
    options.env = &disk.env();
    options.on_failure = [this](const std::string& reason) { failures.push_back(reason); };
    log = folder.open(std::move(options));
  }

  FaultyEnv disk;
  std::vector<std::string> failures;  // read once `log` is closed
  std::unique_ptr<RocksDbLog> log;
};

struct Fault {
  FileOperation operation;
  const char* part;
  std::size_t after_count;
};

const char* name_of(FileOperation operation) {
  switch (operation) {
    case FileOperation::kAppend:
      return "append to ";
    case FileOperation::kSync:
      return "sync of ";
    case FileOperation::kRead:
      return "read of ";
    case FileOperation::kOpen:
      return "opening of ";
    case FileOperation::kRename:
      return "renaming to ";
    case FileOperation::kDelete:
      return "deletion of ";
    case FileOperation::kTruncate:
      return "truncation of ";
    case FileOperation::kSyncFolder:
      return "names of ";
  }
  return "";
}

void PrintTo(const Fault& fault, std::ostream* out) {
  *out << name_of(fault.operation) << fault.part << " after " << fault.after_count;
}

class FailingDisk : public ::testing::TestWithParam<Fault> {};

TEST_P(FailingDisk, MakesOutcomesUnknownButNeverFalse) {
  const auto [operation, part, after_count] = GetParam();
  LogFolder folder;
  std::size_t acknowledged = 0;
  std::vector<std::string> failures;
  {
    LogOnFaultyDisk faulty(folder);
    LogFolder::append_some(*faulty.log, 4);
    faulty.disk.faults().fail(operation, part, after_count);
    AppendResult result;
    while ((result = append_and_wait(*faulty.log, append_request(fmt::format("batch-{}", acknowledged), 0,
                                                                 100 * (acknowledged + 1), 3)))) {
      ++acknowledged;
      ASSERT_LE(acknowledged, after_count) << "the fault did not strike";
    }
    EXPECT_EQ(result.error().kind, Kind::kUnknown);
    faulty.disk.faults().heal();
    const auto later = append_and_wait(*faulty.log, append_request("later", 0, 9'000));
    ASSERT_FALSE(later) << "after a failed write nothing may be written any more";
    EXPECT_EQ(later.error().kind, Kind::kUnknown);
    EXPECT_EQ(faulty.log->head(), 4 + 3 * acknowledged);
    faulty.log.reset();
    failures = faulty.failures;
  }
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_NE(failures.front().find("injected fault"), std::string::npos) << failures.front();

  const auto log = folder.open();
  const auto head = log->head();
  EXPECT_TRUE(head == 4 + 3 * acknowledged || head == 4 + 3 * (acknowledged + 1)) << head;
  for (std::size_t i = 0; i < acknowledged; ++i)
    EXPECT_EQ(log->read_stream(fmt::format("batch-{}", i), 0).size(), 3U) << i;
  EXPECT_TRUE(log->read_stream("later", 0).empty());

  // The retry that the answer asked for.
  const auto stored = head == 4 + 3 * (acknowledged + 1);
  const auto retried = append_and_wait(
      *log, append_request(fmt::format("batch-{}", acknowledged), 0, 100 * (acknowledged + 1), 3));
  ASSERT_TRUE(retried) << retried.error().message;
  EXPECT_EQ(*retried, (Committed{5 + 3 * acknowledged, 7 + 3 * acknowledged, stored}));
}

INSTANTIATE_TEST_SUITE_P(Faults, FailingDisk,
                         ::testing::Values(Fault{FileOperation::kSync, wal_part, 0},
                                           Fault{FileOperation::kSync, wal_part, 3},
                                           Fault{FileOperation::kAppend, wal_part, 0},
                                           Fault{FileOperation::kAppend, wal_part, 3},
                                           Fault{FileOperation::kSync, anchor_part, 0},
                                           Fault{FileOperation::kSync, anchor_part, 3},
                                           Fault{FileOperation::kAppend, anchor_part, 0},
                                           Fault{FileOperation::kAppend, anchor_part, 3}));

TEST(FailingDiskUnderLoad, AnswersEveryWaiterAndTellsOnce) {
  LogFolder folder;
  std::size_t acknowledged = 0;
  {
    LogOnFaultyDisk faulty(folder);
    faulty.disk.faults().hold_syncs(wal_part);
    std::vector<std::future<AppendResult>> answers;
    answers.push_back(start_append(*faulty.log, append_request("stream-0", 0, 1)));
    faulty.disk.faults().wait_until_held();
    for (std::uint64_t i = 1; i < 2'000; ++i)
      answers.push_back(start_append(*faulty.log, append_request(fmt::format("stream-{}", i), 0, i + 1)));
    faulty.disk.faults().fail(FileOperation::kSync, wal_part, 2);
    faulty.disk.faults().release();
    for (auto& answer : answers) {
      const auto result = answer.get();
      if (result) ++acknowledged;
      if (!result) EXPECT_EQ(result.error().kind, Kind::kUnknown);
    }
    faulty.log.reset();
    EXPECT_EQ(faulty.failures.size(), 1U);
  }
  EXPECT_LT(acknowledged, 2'000U);
  EXPECT_GE(folder.open()->head(), acknowledged);
}

// What RocksDB writes in the background meets a full disk. From then on it refuses writes, and looks for
// space every five seconds: the log must not take that for a write that failed.
TEST(LogOnAFullDisk, RefusesUntilRocksDbHasSpaceForItsTablesAgainAndGoesOn) {
  LogFolder folder(1, TemporaryFolder::in_memory());
  LogOnFaultyDisk faulty(folder);
  LogFolder::append_some(*faulty.log, 1);
  faulty.disk.faults().fill(".sst");
  EXPECT_FALSE(faulty.log->rewrite_vault());
  for (int i = 0; i < 3; ++i) {
    const auto refused = append_and_wait(*faulty.log, append_request("new", 0, 2));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, Kind::kDiskFull);
  }
  EXPECT_EQ(faulty.log->head(), 1);

  faulty.disk.faults().heal();
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  std::mutex mutex;
  std::condition_variable never;
  std::unique_lock lock(mutex);
  auto taken = append_and_wait(*faulty.log, append_request("new", 0, 2));
  while (!taken && std::chrono::steady_clock::now() < deadline) {
    never.wait_for(lock, 10ms);
    taken = append_and_wait(*faulty.log, append_request("new", 0, 2));
  }
  EXPECT_TRUE(taken);
  faulty.log.reset();
  EXPECT_TRUE(faulty.failures.empty());
  EXPECT_EQ(folder.open()->head(), 2);
}

TEST(SlowDisk, ASecondSyncThatWaitsKeepsTheQueueBounded) {
  LogFolder folder;
  LogOnFaultyDisk slow(folder);
  slow.disk.faults().hold_syncs(wal_part);
  std::vector<std::future<AppendResult>> answers;
  answers.push_back(start_append(*slow.log, append_request("stream-0", 0, 1)));
  slow.disk.faults().wait_until_held();
  for (std::uint64_t i = 1; i < limits::append_queue_max; ++i)
    answers.push_back(start_append(*slow.log, append_request(fmt::format("stream-{}", i), 0, i + 1)));
  auto refused = start_append(*slow.log, append_request("too many", 0, 99'999));
  ASSERT_TRUE(is_answered(refused)) << "a full queue answers at once";
  const auto refusal = refused.get();
  ASSERT_FALSE(refusal);
  EXPECT_EQ(refusal.error().kind, Kind::kBusy);
  for (auto& answer : answers) ASSERT_FALSE(is_answered(answer)) << "acknowledged before its sync";
  EXPECT_EQ(slow.log->head(), 0U);

  slow.disk.faults().release();
  for (auto& answer : answers) EXPECT_TRUE(answer.get());
  EXPECT_EQ(slow.log->head(), limits::append_queue_max);
  EXPECT_TRUE(slow.log->read_stream("too many", 0).empty());
  EXPECT_TRUE(append_and_wait(*slow.log, append_request("too many", 0, 99'999)));
}

TEST(SlowDisk, NothingIsAcknowledgedOrVisibleBeforeItsAnchor) {
  LogFolder folder;
  LogOnFaultyDisk slow(folder);
  slow.disk.faults().hold_syncs(anchor_part);
  auto request = append_request("a", 0, 1);
  request.idempotency_key = idempotency_key("k", "r");
  auto answer = start_append(*slow.log, std::move(request));
  slow.disk.faults().wait_until_held();
  EXPECT_FALSE(is_answered(answer));
  EXPECT_EQ(slow.log->head(), 0U);
  EXPECT_TRUE(slow.log->read(0, 10).empty());
  EXPECT_TRUE(slow.log->read_stream("a", 0).empty());
  EXPECT_FALSE(slow.log->find_idempotency_key("hash of key k"));
  // A conflict with what is not acknowledged yet has to wait as well.
  auto conflict = start_append(*slow.log, append_request("a", 0, 2));
  EXPECT_FALSE(is_answered(conflict));

  slow.disk.faults().release();
  EXPECT_EQ(answer.get(), (Committed{1, 1, false}));
  EXPECT_EQ(conflict.get().error().actual_version, 1U);
  EXPECT_EQ(slow.log->read(0, 10).size(), 1U);
}

TEST(SlowDisk, ClosingAnswersWhatWasAppended) {
  LogFolder folder;
  LogOnFaultyDisk slow(folder);
  slow.disk.faults().hold_syncs(wal_part);
  std::vector<std::future<AppendResult>> answers;
  answers.push_back(start_append(*slow.log, append_request("stream-0", 0, 1)));
  slow.disk.faults().wait_until_held();
  for (std::uint64_t i = 1; i < 50; ++i)
    answers.push_back(start_append(*slow.log, append_request(fmt::format("stream-{}", i), 0, i + 1)));
  slow.disk.faults().release();
  slow.log.reset();
  for (auto& answer : answers) {
    ASSERT_TRUE(is_answered(answer));
    EXPECT_TRUE(answer.get());
  }
  EXPECT_EQ(folder.open()->head(), 50U);
}

TEST(SlowDisk, OfTwoHundredMillisecondsASyncRefusesWhatTheQueueCannotTakeAndKeepsTheRest) {
  LogFolder folder(1, TemporaryFolder::in_memory());
  LogOnFaultyDisk slow(folder);
  slow.disk.faults().delay_syncs(wal_part, 200ms, 3);
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::future<AppendResult>> answers;
  for (std::uint64_t i = 0; answers.empty() || !is_answered(answers.back()); ++i) {
    ASSERT_LE(i, 3 * limits::append_queue_max) << "the queue has no end";
    answers.push_back(start_append(*slow.log, append_request(fmt::format("stream-{}", i), 0, i + 1)));
  }
  const auto refused = answers.back().get();
  answers.pop_back();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Kind::kBusy);
  ASSERT_TRUE(answers.front().get());
  EXPECT_GE(std::chrono::steady_clock::now() - start, 200ms) << "acknowledged before its sync";
  for (auto& answer : std::span(answers).subspan(1)) EXPECT_TRUE(answer.get());
  EXPECT_EQ(slow.log->head(), answers.size());
}

// One call of a kind after the other, each 29th (FAULT_STRIDE=1: each one): it and all later ones
// fail, or it alone. Whatever it hits, opening or appending or reading, what was acknowledged is there
// afterwards and nothing else is.
class FaultAtEveryCall : public ::testing::TestWithParam<FileOperation> {
 protected:
  FaultAtEveryCall() {
    // Files of every kind: tables from the events of an earlier opening, and a write-ahead log behind them.
    LogFolder::append_some(*prepared.open(), 3);
    LogFolder::append_some(*prepared.open(), 3);
  }

  // Opens, appends and reads while the fault is there; how many appends were acknowledged.
  std::size_t work(FaultyEnv& disk) {
    auto options = folder.options();
    options.env = &disk.env();
    const auto log = RocksDbLog::open(std::move(options));
    if (!log) return 0;
    std::size_t acknowledged = 0;
    for (std::uint64_t number = 7; number <= 9; ++number) {
      const auto result = append_and_wait(**log, append_request(fmt::format("stream-{}", number), 0, number));
      if (!result) break;
      EXPECT_EQ(result->last, number);
      ++acknowledged;
    }
    try {
      const auto found = stored_bytes(**log);
      EXPECT_EQ(found.size(), 6 + acknowledged) << "a read that fails must not look like a shorter log";
    } catch (const std::exception& error) {
      EXPECT_NE(std::string(error.what()), "");
    }
    return acknowledged;
  }

  void check(std::size_t acknowledged) {
    ASSERT_EQ(folder.refusal(), "");
    const auto log = folder.open();
    ASSERT_GE(log->head(), 6 + acknowledged);
    ASSERT_LE(log->head(), 6 + std::min<std::size_t>(acknowledged + 1, 3));
    for (Position position = 1; position <= log->head(); ++position) {
      EXPECT_EQ(log->read(position - 1, 1).front().recorded.event_id(), event_id(position).view());
    }
    EXPECT_EQ(log->verify([](Position, Position) {}).problem, "");
  }

  LogFolder prepared{1, TemporaryFolder::in_memory()};
  LogFolder folder{1, TemporaryFolder::in_memory()};
};

TEST_P(FaultAtEveryCall, NeverLosesOrInvents) {
  // Of renamings and the like there are few: each of those.
  const bool is_frequent = GetParam() < FileOperation::kRename;
  const auto stride = is_frequent ? number_from_environment("FAULT_STRIDE", 29) : 1;
  std::size_t faults = 0;
  for (const bool once : {false, true}) {
    bool struck = true;
    for (std::size_t after = once ? stride / 2 : 0; struck; after += stride) {
      SCOPED_TRACE(fmt::format("{}after {}", once ? "once " : "", after));
      folder.become_copy_of(prepared);
      std::size_t acknowledged = 0;
      {
        FaultyEnv disk;
        if (once) {
          disk.faults().fail_once(GetParam(), folder.path().string(), after);
        } else {
          disk.faults().fail(GetParam(), folder.path().string(), after);
        }
        acknowledged = work(disk);
        struck = disk.faults().struck();
      }
      if (struck) ++faults;
      check(acknowledged);
      if (HasFailure()) return;
    }
  }
  EXPECT_GE(faults, 2) << "what never happens cannot go wrong";
}

TEST_P(FaultAtEveryCall, ACreationThatIsCutShortCanBeDoneAgain) {
  const auto stride = number_from_environment("FAULT_STRIDE", GetParam() < FileOperation::kRename ? 13 : 3);
  bool struck = true;
  for (std::size_t after = 0; struck; after += stride) {
    SCOPED_TRACE(after);
    const TemporaryFolder parent(TemporaryFolder::in_memory());
    RocksDbLog::Options options;
    options.path = parent.file("log");
    {
      FaultyEnv disk;
      disk.faults().fail(GetParam(), options.path, after);
      options.env = &disk.env();
      static_cast<void>(RocksDbLog::create(options, event_id(1)));
      struck = disk.faults().struck();
    }
    options.env = nullptr;
    // It is made, whatever was answered, or can be.
    static_cast<void>(RocksDbLog::create(options, event_id(1)));
    const auto log = RocksDbLog::open(options);
    ASSERT_TRUE(log) << log.error().messages.front();
    EXPECT_TRUE(append_and_wait(**log, append_request("first", 0, 1)));
  }
}

INSTANTIATE_TEST_SUITE_P(Calls, FaultAtEveryCall,
                         ::testing::Values(FileOperation::kAppend, FileOperation::kSync, FileOperation::kRead,
                                           FileOperation::kOpen, FileOperation::kRename,
                                           FileOperation::kDelete, FileOperation::kSyncFolder),
                         [](const auto& info) {
                           const std::string name = name_of(info.param);
                           return name.substr(0, name.find(' '));
                         });

}  // namespace
}  // namespace mintmark::testing::rocksdb_failure_test
