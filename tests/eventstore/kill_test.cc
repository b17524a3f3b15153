#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "eventstore/bytes.h"
#include "tests/support/event_builders.h"
#include "tests/support/log_folder.h"
#include "tests/support/long_form.h"

extern char** environ;

namespace mintmark::testing::kill_test {
namespace {

// A child process whose standard output is ours to read.
class Child {
 public:
  Child(const std::string& program, const std::string& path, std::uint64_t first_number) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    output_ = ends[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    auto name = program;
    auto folder = path;
    auto number = std::to_string(first_number);
    std::array<char*, 4> arguments{name.data(), folder.data(), number.data(), nullptr};
    const int failure = ::posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    if (failure != 0) throw std::runtime_error("cannot start " + program);
  }
  ~Child() { ::close(output_); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // Appends what the child wrote; false at its end.
  bool read_some(std::string& text) {
    std::array<char, 4096> buffer{};
    const auto length = ::read(output_, buffer.data(), buffer.size());
    if (length > 0) text.append(buffer.data(), static_cast<std::size_t>(length));
    return length > 0;
  }
  void kill() {
    ::kill(pid_, SIGKILL);
    EXPECT_TRUE(was_killed()) << "the child ended before it was killed";
  }
  // Waits for its end; whether SIGKILL was it. Once.
  bool was_killed() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }

 private:
  pid_t pid_ = 0;
  int output_ = -1;
};

// A log that children append to, and what they were told.
class KilledProcess : public ::testing::Test {
 protected:
  // The numbers that one child may have submitted: it has no more than so many appends in flight.
  static constexpr std::uint64_t in_flight_max = 64;
  struct Submitted {
    std::uint64_t first;
    std::uint64_t end;
  };

  // Takes in what a child has written: a line an acknowledgement. It has begun with event `first_number`.
  std::size_t take(const std::string& text) {
    Submitted submitted{first_number, first_number + in_flight_max};
    std::istringstream lines(text);
    Position position = 0;
    std::uint64_t number = 0;
    std::size_t count = 0;
    while (lines >> position >> number) {
      ++count;
      EXPECT_TRUE(acknowledged.emplace(position, number).second) << "position " << position << " given twice";
      submitted.end = std::max(submitted.end, number + 1 + in_flight_max);
    }
    first_number = submitted.end;
    submissions.push_back(submitted);
    return count;
  }

  // What was acknowledged is there, without a gap.
  void check() {
    const auto log = folder.open();
    const auto events = log->read(0, log->head());
    ASSERT_EQ(events.size(), log->head());
    for (const auto& [at, event_number] : acknowledged) {
      ASSERT_LE(at, events.size()) << "an acknowledged event is lost";
      ASSERT_EQ(events[at - 1].recorded.event_id(), event_id(event_number).view()) << "position " << at;
    }
    // What nobody acknowledged may be there or not, but nothing that no child has submitted, and nothing
    // twice.
    std::set<std::uint64_t> numbers;
    for (const auto& event : events) {
      const auto number = get_big_endian(event.recorded.event_id().substr(8));
      EXPECT_TRUE(numbers.insert(number).second) << "event " << number << " is there twice";
      EXPECT_EQ(event.recorded.event_id(), event_id(number).view());
      EXPECT_EQ(event.recorded.stream(), fmt::format("stream-{}", number));
      EXPECT_TRUE(std::ranges::any_of(
          submissions,
          [&](const Submitted& by_child) { return by_child.first <= number && number < by_child.end; }))
          << "event " << number << " was submitted by nobody";
    }
  }
  void verify() {
    const auto report = RocksDbLog::verify_stopped(folder.options(), [](Position, Position) {});
    ASSERT_TRUE(report);
    EXPECT_EQ(report->problem, "");
  }

  LogFolder folder{1, TemporaryFolder::in_memory()};  // kill -9 takes nothing from the system
  std::map<Position, std::uint64_t> acknowledged;     // position → event number
  std::vector<Submitted> submissions;
  std::uint64_t first_number = 1;  // of the next child
};

// KILLS=1000 kills so often.
TEST_F(KilledProcess, LosesNoAcknowledgedEventAndInventsNone) {
  constexpr std::uint32_t seed = 20261123;
  const auto rounds = number_from_environment("KILLS", 50);
  std::mt19937 random(seed);
  for (std::size_t round = 0; round < rounds && !HasFatalFailure(); ++round) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed << ", round " << round);
    const auto lines_before_kill = 1 + random() % 200;
    std::string text;
    {
      Child child(APPEND_UNTIL_KILLED, folder.path().string(), first_number);
      while (static_cast<std::size_t>(std::ranges::count(text, '\n')) < lines_before_kill)
        ASSERT_TRUE(child.read_some(text)) << text;
      child.kill();
      while (child.read_some(text)) {
      }
    }
    ASSERT_GE(take(text), lines_before_kill);
    if (round % 5 == 4 || round + 1 == rounds) check();
  }
  verify();
}

// Each place between a decision and its answer, the first time and a later one.
TEST_F(KilledProcess, AtEveryCrashPointLosesAndInventsNothing) {
  for (const auto* point :
       {"batch decided", "batch written", "anchor due", "anchor written", "head published", "one answered"}) {
    for (const auto* count : {"1", "7"}) {
      SCOPED_TRACE(::testing::Message() << point << ", time " << count);
      ::setenv("MINTMARK_CRASH_POINT", point, 1);
      ::setenv("MINTMARK_CRASH_COUNT", count, 1);
      std::string text;
      {
        Child child(APPEND_UNTIL_KILLED, folder.path().string(), first_number);
        while (child.read_some(text)) {
        }
        EXPECT_TRUE(child.was_killed());
      }
      ::unsetenv("MINTMARK_CRASH_POINT");
      ::unsetenv("MINTMARK_CRASH_COUNT");
      take(text);
      check();
      if (HasFatalFailure()) return;
    }
  }
  EXPECT_GE(acknowledged.size(), 12U);
  verify();
}

}  // namespace
}  // namespace mintmark::testing::kill_test
