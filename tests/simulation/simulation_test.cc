#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <spdlog/spdlog.h>

#include "tests/simulation/simulator.h"
#include "tests/support/long_form.h"
#include "tests/support/process.h"

// SIMULATION_SEED=n runs that seed alone and tells all of it, with SIMULATION_STEPS=n so many steps of it;
// SIMULATION_HOURS=n one seed after the other for so long: tools/simulate.
namespace mintmark::testing::simulation_test {
namespace {

constexpr std::uint32_t seeds = 7;

Simulator::Report simulate(const Simulator::Options& options) {
  // What is refused or given back is no news here.
  spdlog::set_level(spdlog::level::off);
  return Simulator(options).run();
}

void expect_none(const Simulator::Report& report) {
  EXPECT_EQ(report.violation, "") << report.trace << "\nReproduce it with tools/simulate --seed.";
}

std::string told(const Simulator::Report& report) {
  return fmt::format(
      "{} starts, {} events, {} acknowledged, {} tokens deleted, {} ends recorded, {} uses recorded, "
      "{} delivered, {} triggers too late, trace {:016x}",
      report.starts, report.events, report.acknowledged, report.deletions, report.expiries, report.uses,
      report.delivered, report.late_triggers, report.trace_hash);
}

std::string told_with_trace(const Simulator::Options& options, const Simulator::Report& report) {
  return fmt::format("{}\nseed {}: {}\n", report.trace, options.seed, told(report));
}

TEST(Simulation, NoSeedFindsAViolation) {
  if (const char* seed = std::getenv("SIMULATION_SEED")) {
    Simulator::Options options{.seed = static_cast<std::uint32_t>(std::strtoul(seed, nullptr, 10))};
    options.steps = number_from_environment("SIMULATION_STEPS", options.steps);
    const auto report = simulate(options);
    std::cout << told_with_trace(options, report);
    return expect_none(report);
  }
  const char* hours = std::getenv("SIMULATION_HOURS");
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::duration<double, std::ratio<3600>>(hours ? std::strtod(hours, nullptr) : 0);
  // Each long run starts where no other has been.
  const auto first = hours ? static_cast<std::uint32_t>(
                                 std::chrono::system_clock::now().time_since_epoch().count() / 1'000'000)
                           : 1;
  Simulator::Report sum;
  for (auto seed = first; !HasFailure(); ++seed) {
    const bool over = hours ? std::chrono::steady_clock::now() >= end : seed >= first + seeds;
    if (over) break;
    const auto report = simulate({.seed = seed});
    expect_none(report);
    if (hours) std::cout << "seed " << seed << ": " << told(report) << '\n' << std::flush;
    sum.starts += report.starts;
    sum.acknowledged += report.acknowledged;
    sum.deletions += report.deletions;
    sum.expiries += report.expiries;
    sum.uses += report.uses;
    sum.delivered += report.delivered;
    sum.late_triggers += report.late_triggers;
    sum.crash_points.insert(report.crash_points.begin(), report.crash_points.end());
    sum.killed_at.insert(report.killed_at.begin(), report.killed_at.end());
  }
  // What never happens cannot go wrong.
  EXPECT_GT(sum.starts, 20);
  EXPECT_GT(sum.acknowledged, 300);
  EXPECT_GT(sum.deletions, 10);
  EXPECT_GT(sum.expiries, 20);
  EXPECT_GT(sum.uses, 50);
  EXPECT_GT(sum.delivered, 50);
  EXPECT_GT(sum.late_triggers, 0);
  const std::set<std::string, std::less<>> expected(crash_points.begin(), crash_points.end());
  EXPECT_EQ(sum.crash_points, expected) << "the product's crash points are compiled in, all of them";
  EXPECT_GE(sum.killed_at.size(), expected.size() * 3 / 4) << "each seed means to kill it at two";
}

// What is at other addresses, and hashed and ordered by them, is so in another process.
TEST(Simulation, TheSameSeedIsTheSameRunStepForStepInAnotherProcess) {
  const Simulator::Options options{.seed = 7, .steps = 800};
  const auto here = simulate(options);
  const auto there =
      run_process({.command = {"/proc/self/exe", "--gtest_filter=Simulation.NoSeedFindsAViolation"},
                   .environment = {{"SIMULATION_SEED", std::to_string(options.seed)},
                                   {"SIMULATION_STEPS", std::to_string(options.steps)}}});
  EXPECT_EQ(there.exit_code, 0) << there.err;
  EXPECT_THAT(there.out, ::testing::HasSubstr(told_with_trace(options, here)));
}

TEST(Simulation, ADiskThatDropsWhatItCallsSyncedIsFound) {
  std::size_t found = 0;
  for (std::uint32_t seed = 1; seed <= 3; ++seed) {
    const auto report = simulate({.seed = seed, .lying_disk = true});
    if (!report.violation.empty()) ++found;
    EXPECT_EQ(report.violation, simulate({.seed = seed, .lying_disk = true}).violation)
        << "it is not found again";
  }
  EXPECT_EQ(found, 3);
}

}  // namespace
}  // namespace mintmark::testing::simulation_test
