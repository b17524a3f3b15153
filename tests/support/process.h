#pragma once

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/types.h>

namespace mintmark::testing {

// What a process left behind.
struct Finished {
  int exit_code = -1;  // 128 + the signal's number where a signal ended it
  std::string out;
  std::string err;
  std::uint64_t resident_bytes_max = 0;  // the most memory that it had at a time
};

// A child process, leader of a process group of its own, whose output is collected while it runs. The group
// dies with the object, the child also with the thread that started it (PR_SET_PDEATHSIG). Functions that
// wait throw std::runtime_error after their deadline.
class Process {
 public:
  struct Options {
    std::vector<std::string> command;  // the program, looked up in PATH, and its arguments
    // Beside the test's own, of which MINTMARK_* is left out.
    std::map<std::string, std::string> environment = {};
    std::string folder = {};          // to run in; empty: the test's
    std::vector<int> inherited = {};  // file descriptors that the child keeps
    int death_signal = SIGKILL;       // what it gets when the thread that started it ends
  };

  explicit Process(const Options& options);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number) const;

  // What it has written so far.
  std::string out() const;
  std::string err() const;

  // Waits until standard error holds `text` and the rest of its line, and returns that line from `text` on.
  // Nothing where the process closed its output before.
  std::optional<std::string> await_error_line(std::string_view text,
                                              std::chrono::milliseconds deadline) const;
  // The same of standard output.
  std::optional<std::string> await_output_line(std::string_view text,
                                               std::chrono::milliseconds deadline) const;

  // Waits for the end; may be called once.
  Finished wait(std::chrono::milliseconds deadline);

 private:
  std::optional<std::string> await_line(const std::string& written, std::string_view text,
                                        std::chrono::milliseconds deadline) const;
  void collect(int out, int err);
  Finished reap();

  pid_t pid_ = -1;
  bool reaped_ = false;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::string out_;
  std::string err_;
  bool closed_ = false;
  std::thread collector_;
};

// Runs a program to its end.
Finished run_process(const Process::Options& options,
                     std::chrono::milliseconds deadline = std::chrono::seconds(60));

}  // namespace mintmark::testing
