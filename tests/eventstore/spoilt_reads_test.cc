#include <algorithm>
#include <cctype>
#include <cstdint>
#include <exception>
#include <future>
#include <iterator>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/event_builders.h"
#include "tests/support/faulty_env.h"
#include "tests/support/log_folder.h"
#include "tests/support/long_form.h"

// Reads that give something else than what is there, and how much is read at a time.
namespace mintmark::testing::spoilt_reads_test {
namespace {

struct Spoiling {
  SpoiltRead how;
  const char* part;  // of the files' paths
};

// A log in tables and a write-ahead log, read through a disk that gives too little or a flipped bit now and
// then.
class SpoiltReads : public ::testing::TestWithParam<Spoiling> {
 protected:
  SpoiltReads() {
    LogFolder::append_some(*prepared.open(), 40);
    const auto log = prepared.open();
    LogFolder::append_some(*log, 10);
    events = stored_bytes(*log);
  }

  // Opens and reads it; whether nothing was refused.
  bool use(FaultyEnv& disk) const {
    auto options = folder.options();
    options.env = &disk.env();
    const auto log = RocksDbLog::open(options);
    if (!log) return false;
    try {
      EXPECT_TRUE(stored_bytes(**log) == events) << "what was read is not what is there, and nothing told";
    } catch (const std::exception& error) {
      EXPECT_NE(std::string(error.what()), "");
      return false;
    }
    return true;
  }

  LogFolder prepared{1, TemporaryFolder::in_memory()};
  LogFolder folder{1, TemporaryFolder::in_memory()};
  std::vector<std::string> events;
};

// SPOILT_READS=500 tries so many seeds.
TEST_P(SpoiltReads, NeverMakeAnotherLogSilently) {
  const auto seeds = number_from_environment("SPOILT_READS", 12);
  std::size_t struck = 0;
  std::size_t refused = 0;
  for (std::uint32_t seed = 1; seed <= seeds && !HasFailure(); ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    folder.become_copy_of(prepared);
    FaultyEnv disk;
    disk.faults().spoil_reads(GetParam().how, GetParam().part, seed, 1 + seed % 6);
    if (!use(disk)) ++refused;
    if (!disk.faults().struck()) continue;
    ++struck;
    // On a sound disk it is there whole again, or refused: it is never shorter.
    const auto log = RocksDbLog::open(folder.options());
    if (log) EXPECT_TRUE(stored_bytes(**log) == events);
  }
  EXPECT_GT(struck, seeds / 3);
  // An anchor is there twice.
  if (GetParam().part != std::string_view(anchor_part)) EXPECT_GT(refused, 0);
}

INSTANTIATE_TEST_SUITE_P(Files, SpoiltReads,
                         ::testing::Values(Spoiling{SpoiltRead::kShort, ".sst"},
                                           Spoiling{SpoiltRead::kFlipped, ".sst"},
                                           Spoiling{SpoiltRead::kShort, wal_part},
                                           Spoiling{SpoiltRead::kFlipped, wal_part},
                                           Spoiling{SpoiltRead::kFlipped, anchor_part},
                                           Spoiling{SpoiltRead::kFlipped, "MANIFEST"}),
                         [](const auto& info) {
                           std::string name = info.param.how == SpoiltRead::kShort ? "Short" : "Flipped";
                           std::ranges::copy_if(std::string_view(info.param.part), std::back_inserter(name),
                                                [](char c) { return std::isalpha(c); });
                           return name;
                         });

TEST(VerifyReads, ASliceOfTheLogAtATime) {
  constexpr std::uint64_t events = 12'288;
  constexpr std::size_t events_in_append = 64;
  LogFolder folder(1, TemporaryFolder::in_memory());
  {
    std::mt19937 random(1);
    const auto log = folder.open();
    std::vector<std::future<AppendResult>> answers;
    for (std::uint64_t number = 1; number <= events; number += events_in_append) {
      auto request = append_request(fmt::format("stream-{}", number), 0, number, events_in_append);
      for (auto& event : request.streams.front().events) {
        std::string incompressible(1024, ' ');
        std::ranges::generate(incompressible, [&] { return static_cast<char>('!' + random() % 90); });
        event.event = account_opened(incompressible);
      }
      answers.push_back(start_append(*log, std::move(request)));
    }
    for (auto& answer : answers) ASSERT_TRUE(answer.get());
  }
  folder.open().reset();  // the events are in a table from here on
  FaultyEnv disk;
  auto options = folder.options();
  options.env = &disk.env();
  std::vector<std::uint64_t> bytes_read;
  const auto report = RocksDbLog::verify_stopped(
      options, [&](Position, Position) { bytes_read.push_back(disk.faults().bytes_read(".sst")); });
  ASSERT_TRUE(report);
  EXPECT_EQ(report->problem, "");
  ASSERT_GE(bytes_read.size(), 8);
  std::adjacent_difference(bytes_read.begin(), bytes_read.end(), bytes_read.begin());
  constexpr std::uint64_t slice_bytes_max = 4UL * 1024 * 1024;
  for (const auto bytes : std::span(bytes_read).subspan(1)) EXPECT_LE(bytes, slice_bytes_max);
  EXPECT_GT(disk.faults().bytes_read(".sst"), 3 * slice_bytes_max) << "the log is larger than a slice";
}

}  // namespace
}  // namespace mintmark::testing::spoilt_reads_test
