// Verification of a log that others write to all the while.
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "eventstore/rocksdb_log.h"
#include "tests/support/event_builders.h"
#include "tests/support/log_folder.h"

namespace mintmark::testing::online_verify_test {
namespace {

namespace fs = std::filesystem;

// Threads that append as long as the object lives: several events at once, under idempotency keys, on new
// streams and on ones that grow, with vault rows that come, change and go.
class Writers {
 public:
  explicit Writers(RocksDbLog& log) {
    for (std::uint64_t thread = 1; thread <= 4; ++thread)
      threads_.emplace_back([this, &log, thread](const std::stop_token& stop) { write(log, thread, stop); });
  }
  ~Writers() {
    threads_.clear();
    EXPECT_EQ(failed_, 0U);
  }
  Writers(const Writers&) = delete;
  Writers& operator=(const Writers&) = delete;

 private:
  void write(RocksDbLog& log, std::uint64_t thread, const std::stop_token& stop) {
    const auto own = "writer-" + std::to_string(thread);
    std::uint64_t version = 0;
    for (std::uint64_t round = 0; !stop.stop_requested(); ++round) {
      const auto number = thread * 1'000'000 + 10 * round;
      auto request = append_request(own, version, number, 1 + round % 3);
      version += 1 + round % 3;
      request.streams.push_back(stream_append("stream-" + std::to_string(number), 0, number + 5));
      if (round % 2 == 0) {
        const auto key = std::to_string(number);
        request.idempotency_key = idempotency_key(key, key);
      }
      request.vault_writes.push_back({own, round % 3 == 2 ? "" : std::string(72, 'k')});
      if (!append_and_wait(log, std::move(request))) ++failed_;
    }
  }

  std::atomic<std::size_t> failed_ = 0;
  std::vector<std::jthread> threads_;
};

TEST(OnlineVerification, FindsNothingWrongInWhatWasDurableAtItsBeginningWhileOthersWrite) {
  LogFolder folder{1, TemporaryFolder::in_memory()};
  const auto log = folder.open();
  std::vector<VerifyReport> reports;
  {
    const Writers writers(*log);
    VerifyOptions options;
    options.events_per_second = 1'000'000;
    std::size_t vault_rows = 0;
    options.vault_problem = [&vault_rows](const VaultRow& row) {
      ++vault_rows;
      return row.wrapped_key == std::string(72, 'k') ? "" : "the row of " + row.subject + " is another";
    };
    for (int pass = 0; pass < 3; ++pass) {
      log->wait_past(log->head() + 50, {});
      const auto head = log->head();
      options.tree_heads = source_of({log->tree().head()});
      Position reached = 0;
      reports.push_back(log->verify(
          [&reached](Position done, Position total) {
            EXPECT_LE(done, total);
            reached = done;
          },
          options));
      EXPECT_EQ(reports.back().problem, "");
      EXPECT_GE(reports.back().head, head) << "all that was durable then";
      EXPECT_EQ(reached, reports.back().head) << "was read";
      EXPECT_EQ(reports.back().tree_heads, 1U);
      log->wait_past(reports.back().head, {});  // others write on
    }
    EXPECT_GT(vault_rows, 0U);
  }
  MerkleTree tree;
  std::vector<TreeHead> heads;
  for (const auto& bytes : stored_bytes(*log)) {
    tree.append(bytes);
    if (std::ranges::find(reports, tree.size(), &VerifyReport::head) != reports.end())
      heads.push_back(tree.head());
  }
  ASSERT_EQ(heads.size(), reports.size());
  for (std::size_t i = 0; i < heads.size(); ++i) EXPECT_EQ(reports[i].root, heads[i].root) << i;
}

TEST(OnlineVerification, FindsABitThatWasFlippedBeforeWhileOthersWrite) {
  LogFolder folder{1, TemporaryFolder::in_memory()};
  // Nothing makes it shorter, so it stands in its file as it is.
  std::string marker;
  std::mt19937 random(1);
  while (marker.size() < 64) marker += static_cast<char>('!' + random() % 90);
  auto request = append_request("marked", 0, 1);
  *request.streams.front().events.front().event.mutable_account_opened()->mutable_name() = marker;
  ASSERT_TRUE(append_and_wait(*folder.open(), std::move(request)));
  folder.open().reset();  // which moves it into a table's file
  const auto log = folder.open();
  VerifyOptions options;
  options.events_per_second = 1'000'000;
  const Writers writers(*log);
  log->wait_past(log->head() + 50, {});
  EXPECT_EQ(log->verify([](Position, Position) {}, options).problem, "");
  std::size_t flipped = 0;
  for (const auto& entry : fs::directory_iterator(folder.path() / "rocksdb")) {
    if (entry.path().extension() != ".sst") continue;
    auto bytes = read_file(entry.path());
    const auto at = bytes.find(marker);
    if (at == std::string::npos) continue;
    ++flipped;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    write_file(entry.path(), bytes);
  }
  ASSERT_EQ(flipped, 1U);
  EXPECT_NE(log->verify([](Position, Position) {}, options).problem, "");
}

}  // namespace
}  // namespace mintmark::testing::online_verify_test
