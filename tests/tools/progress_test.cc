#include "tools/progress.h"

#include <array>
#include <cstdio>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include "eventstore/files.h"

namespace mintmark::testing::progress_test {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;

// Gives standard error that descriptor while it lives.
class StandardError {
 public:
  explicit StandardError(int fd) : before_(::dup(STDERR_FILENO)) {
    std::fflush(stderr);
    ::dup2(fd, STDERR_FILENO);
  }
  ~StandardError() {
    std::fflush(stderr);
    ::dup2(before_.fd(), STDERR_FILENO);
  }
  StandardError(const StandardError&) = delete;
  StandardError& operator=(const StandardError&) = delete;

 private:
  const Descriptor before_;
};

void show_a_half_and_all_of_it() {
  ProgressBar bar("verifying");
  bar.show(1, 2);
  bar.show(2, 2);
}

// All that was written to the other end, which nobody has open any more. A terminal passes it on in parts,
// and at its end fails.
std::string read_to_end(int fd) {
  std::string text;
  std::array<char, 4096> part{};
  for (;;) {
    const auto count = ::read(fd, part.data(), part.size());
    if (count <= 0) return text;
    text.append(part.data(), static_cast<std::size_t>(count));
  }
}

TEST(ProgressBarTest, IsDrawnOnATerminalAndTakenAway) {
  int ours = -1;
  int terminal = -1;
  ASSERT_EQ(::openpty(&ours, &terminal, nullptr, nullptr, nullptr), 0);
  const Descriptor our_end(ours);
  {
    const Descriptor its_end(terminal);
    const StandardError redirected(terminal);
    show_a_half_and_all_of_it();
  }
  EXPECT_THAT(read_to_end(ours),
              AllOf(HasSubstr("verifying [####################                    ]  50 %"),
                    HasSubstr("[########################################] 100 %"), EndsWith("\r\033[K")));
}

TEST(ProgressBarTest, IsNotDrawnElsewhere) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const Descriptor our_end(ends[0]);
  {
    const Descriptor its_end(ends[1]);
    const StandardError redirected(ends[1]);
    show_a_half_and_all_of_it();
  }
  EXPECT_EQ(read_to_end(ends[0]), "");
}

}  // namespace
}  // namespace mintmark::testing::progress_test
