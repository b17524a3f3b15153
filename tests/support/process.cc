#include "tests/support/process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mintmark::testing {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

struct Pipe {
  Pipe() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail("pipe2");
  }
  std::array<int, 2> ends{};
};

std::vector<std::string> environment_of(const Process::Options& options) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable; ++variable) {
    const std::string_view text(*variable);
    if (text.starts_with("MINTMARK_") ||
        options.environment.contains(std::string(text.substr(0, text.find('=')))))
      continue;
    variables.emplace_back(text);
  }
  for (const auto& [name, value] : options.environment)
    variables.push_back(fmt::format("{}={}", name, value));
  return variables;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Between fork and exec, beside other threads: nothing but system calls.
[[noreturn]] void become(const Process::Options& options, char* const* arguments, char* const* environment,
                         int out, int err, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, options.death_signal);
  ::setpgid(0, 0);
  if (::getppid() != parent) ::_exit(126);  // it died before that
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  for (const int kept : options.inherited) ::fcntl(kept, F_SETFD, 0);
  if (!options.folder.empty() && ::chdir(options.folder.c_str()) != 0) ::_exit(126);
  ::execvpe(arguments[0], arguments, environment);
  ::_exit(127);
}

}  // namespace

Process::Process(const Options& options) {
  auto command = options.command;
  auto variables = environment_of(options);
  const auto arguments = pointers_to(command);
  const auto environment = pointers_to(variables);
  const Pipe out;
  const Pipe err;
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) fail("fork");
  if (pid_ == 0) become(options, arguments.data(), environment.data(), out.ends[1], err.ends[1], parent);
  ::setpgid(pid_, pid_);  // here too: whoever comes first
  ::close(out.ends[1]);
  ::close(err.ends[1]);
  collector_ =
      std::thread([this, from_out = out.ends[0], from_err = err.ends[0]] { collect(from_out, from_err); });
}

Process::~Process() {
  if (!reaped_) {
    ::kill(-pid_, SIGKILL);  // with what it has started itself
    ::waitpid(pid_, nullptr, 0);
  }
  if (collector_.joinable()) collector_.join();
}

void Process::signal(int number) const {
  if (::kill(pid_, number) != 0) fail("kill");
}

void Process::collect(int out, int err) {
  std::array<pollfd, 2> sources{pollfd{out, POLLIN, 0}, pollfd{err, POLLIN, 0}};
  std::array<char, 16 * 1024> buffer{};
  while (sources[0].fd >= 0 || sources[1].fd >= 0) {
    ::poll(sources.data(), sources.size(), -1);
    for (auto& source : sources) {
      if (source.fd < 0 || source.revents == 0) continue;
      const auto size = ::read(source.fd, buffer.data(), buffer.size());
      if (size <= 0) {
        ::close(source.fd);
        source.fd = -1;
        continue;
      }
      const std::lock_guard lock(mutex_);
      (source.fd == out ? out_ : err_).append(buffer.data(), static_cast<std::size_t>(size));
      changed_.notify_all();
    }
  }
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

std::string Process::out() const {
  const std::lock_guard lock(mutex_);
  return out_;
}

std::string Process::err() const {
  const std::lock_guard lock(mutex_);
  return err_;
}

std::optional<std::string> Process::await_error_line(std::string_view text,
                                                     std::chrono::milliseconds deadline) const {
  return await_line(err_, text, deadline);
}

std::optional<std::string> Process::await_output_line(std::string_view text,
                                                      std::chrono::milliseconds deadline) const {
  return await_line(out_, text, deadline);
}

std::optional<std::string> Process::await_line(const std::string& written, std::string_view text,
                                               std::chrono::milliseconds deadline) const {
  std::unique_lock lock(mutex_);
  std::optional<std::string> line;
  const auto found = [&] {
    const auto begin = written.find(text);
    const auto end = begin == std::string::npos ? begin : written.find('\n', begin);
    if (end != std::string::npos) line = written.substr(begin, end - begin);
    return line || closed_;
  };
  if (!changed_.wait_for(lock, deadline, found))
    throw std::runtime_error("no line with its text came: " + out_ + err_);
  return line;
}

// All but what it has written.
Finished Process::reap() {
  int status = 0;
  rusage used{};
  while (::wait4(pid_, &status, 0, &used) < 0) {
    if (errno != EINTR) fail("wait4");
  }
  reaped_ = true;
  constexpr std::uint64_t kibibyte = 1024;
  return {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          .out{},
          .err{},
          .resident_bytes_max = kibibyte * static_cast<std::uint64_t>(used.ru_maxrss)};
}

Finished Process::wait(std::chrono::milliseconds deadline) {
  pollfd ended{static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)), POLLIN, 0};
  if (ended.fd < 0) fail("pidfd_open");
  const int ready = ::poll(&ended, 1, static_cast<int>(deadline.count()));
  ::close(ended.fd);
  if (ready <= 0) throw std::runtime_error("the process did not end in time; it said: " + err());
  auto finished = reap();
  collector_.join();
  finished.out = out_;
  finished.err = err_;
  return finished;
}

Finished run_process(const Process::Options& options, std::chrono::milliseconds deadline) {
  Process process(options);
  return process.wait(deadline);
}

}  // namespace mintmark::testing
