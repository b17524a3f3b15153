#pragma once

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "tests/support/temporary_folder.h"

namespace mintmark::testing {

// A file system in memory, mounted while the object lives, that a file of ballast fills. Needs root.
class SmallDisk {
 public:
  explicit SmallDisk(std::uint64_t bytes) {
    const auto options = "mode=0700,size=" + std::to_string(bytes);
    mounted_ = ::mount("mintmark-test", folder_.path().c_str(), "tmpfs", 0, options.c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool mounted() const { return mounted_; }
  const std::filesystem::path& path() const { return folder_.path(); }

  // Lets so much be free, and no more. Throws where there is less.
  void leave_free(std::uint64_t bytes) const {
    empty();
    const int fd = ::open(folder_.file("ballast").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    const auto free = free_bytes();
    const auto filled =
        fd >= 0 && free > bytes && ::posix_fallocate(fd, 0, static_cast<off_t>(free - bytes)) == 0;
    ::close(fd);
    if (!filled) throw std::runtime_error("the small disk cannot be filled");
  }
  void empty() const { std::filesystem::remove(folder_.file("ballast")); }

 private:
  std::uint64_t free_bytes() const {
    struct statvfs info{};
    ::statvfs(folder_.path().c_str(), &info);
    return info.f_bavail * info.f_frsize;
  }

  TemporaryFolder folder_;
  bool mounted_ = false;
};

}  // namespace mintmark::testing
