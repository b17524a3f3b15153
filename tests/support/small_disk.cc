#include "tests/support/small_disk.h"

#include <array>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <string>

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mintmark::testing {
namespace {

bool mount_small_disk(const char* path, const char* options) {
  return ::mount("mintmark-test", path, "tmpfs", 0, options) == 0;
}

bool write_whole(const char* path, const char* text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  const auto length = static_cast<ssize_t>(std::strlen(text));
  const bool done = fd >= 0 && ::write(fd, text, static_cast<std::size_t>(length)) == length;
  ::close(fd);
  return done;
}

// A child that is root in namespaces of its own (user_namespaces(7)), mounts the disk there and holds it
// until it is killed. Between fork and its end, perhaps beside other threads: nothing but system calls. -1
// where it cannot.
pid_t start_holder(const std::string& path, const std::string& options) {
  const auto users = fmt::format("0 {} 1", ::geteuid());
  const auto groups = fmt::format("0 {} 1", ::getegid());
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return -1;
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const bool mounted =
        ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write_whole("/proc/self/setgroups", "deny") &&
        write_whole("/proc/self/uid_map", users.c_str()) &&
        write_whole("/proc/self/gid_map", groups.c_str()) && mount_small_disk(path.c_str(), options.c_str());
    if (!mounted || ::write(ends[1], "m", 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  ::close(ends[1]);
  char mounted = 0;
  const bool ready = child > 0 && ::read(ends[0], &mounted, 1) == 1;
  ::close(ends[0]);
  if (ready) return child;
  if (child > 0) ::waitpid(child, nullptr, 0);
  return -1;
}

}  // namespace

SmallDisk::SmallDisk(std::uint64_t bytes) : bytes_(bytes), path_(folder_.path()) {
  const auto options = fmt::format("mode=0700,size={}", bytes);
  if (mount_small_disk(path_.c_str(), options.c_str())) return;
  holder_ = start_holder(path_, options);
  if (holder_ < 0) {
    throw std::runtime_error(
        "no small disk can be mounted: this takes root, or user namespaces that are not forbidden");
  }
  path_ = fmt::format("/proc/{}/root{}", holder_, folder_.path().string());
}

SmallDisk::~SmallDisk() {
  if (holder_ < 0) {
    ::umount2(path_.c_str(), MNT_DETACH);
  } else {
    ::kill(holder_, SIGKILL);
    ::waitpid(holder_, nullptr, 0);
  }
}

void SmallDisk::leave_free(std::uint64_t bytes) const {
  constexpr int attempts_max = 10;  // others may take of it between its being told and its being taken
  bool filled = false;
  for (int attempt = 0; attempt < attempts_max && !filled; ++attempt) {
    empty();
    const int fd = ::open((path_ / "ballast").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    const auto free = free_bytes();
    filled = fd >= 0 && free >= bytes &&
             (free == bytes || ::posix_fallocate(fd, 0, static_cast<off_t>(free - bytes)) == 0);
    ::close(fd);
  }
  if (!filled) throw std::runtime_error("the small disk cannot be filled");
}

void SmallDisk::empty() const {
  std::filesystem::remove(path_ / "ballast");
}

bool SmallDisk::remount(unsigned long flags, const std::string& options) const {
  const auto path = folder_.path().string();
  const auto users = fmt::format("/proc/{}/ns/user", holder_);
  const auto mounts = fmt::format("/proc/{}/ns/mnt", holder_);
  const pid_t child = ::fork();
  if (child == 0) {
    const bool there =
        holder_ < 0 || (::setns(::open(users.c_str(), O_RDONLY | O_CLOEXEC), CLONE_NEWUSER) == 0 &&
                        ::setns(::open(mounts.c_str(), O_RDONLY | O_CLOEXEC), CLONE_NEWNS) == 0);
    const bool done =
        there && ::mount(nullptr, path.c_str(), nullptr, MS_REMOUNT | flags, options.c_str()) == 0;
    ::_exit(done ? 0 : 1);
  }
  int status = 0;
  return child >= 0 && ::waitpid(child, &status, 0) == child && status == 0;
}

void SmallDisk::make_read_only() const {
  if (!remount(MS_RDONLY, ""))
    throw std::runtime_error("the small disk cannot be made one that is only read");
}

void SmallDisk::shrink_to_free(std::uint64_t bytes) const {
  // It cannot be made smaller than what is in it, which may grow meanwhile.
  constexpr int attempts_max = 1000;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    struct statvfs info{};
    ::statvfs(path_.c_str(), &info);
    const auto used = (info.f_blocks - info.f_bfree) * info.f_frsize;
    if (remount(0, fmt::format("size={}", used + bytes))) return;
  }
  throw std::runtime_error("the small disk cannot be made smaller");
}

void SmallDisk::grow_back() const {
  if (!remount(0, fmt::format("size={}", bytes_)))
    throw std::runtime_error("the small disk cannot grow back");
}

std::uint64_t SmallDisk::free_bytes() const {
  struct statvfs info{};
  ::statvfs(path_.c_str(), &info);
  return info.f_bavail * info.f_frsize;
}

}  // namespace mintmark::testing
