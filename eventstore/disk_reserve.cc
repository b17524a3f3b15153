#include "eventstore/disk_reserve.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "domain/limits.h"
#include "eventstore/files.h"

namespace mintmark {
namespace {

constexpr std::uint64_t stat_block_bytes = 512;  // stat(2)

// fallocate(2), and not posix_fallocate(3): where the file system cannot, that writes every block.
bool allocate(int fd, std::uint64_t bytes) {
  int result = 0;
  do {
    result = ::fallocate(fd, 0, 0, static_cast<off_t>(bytes));
  } while (result != 0 && errno == EINTR);
  return result == 0 && sync_file(fd);
}

}  // namespace

void DiskReserve::resize(std::uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  bytes_ = bytes;
  struct stat info{};
  is_taken_ = ::stat(path_.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
              static_cast<std::uint64_t>(info.st_blocks) * stat_block_bytes >= bytes;
}

std::error_code DiskReserve::take(std::uint64_t free_disk_bytes) {
  const std::scoped_lock lock(mutex_);
  if (bytes_ == 0 || is_taken_) return {};
  if (obstacle_) return obstacle_;
  if (free_disk_bytes < limits::free_disk_bytes_min + bytes_)
    return std::make_error_code(std::errc::no_space_on_device);
  const Descriptor file(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  is_taken_ = file.fd() >= 0 && allocate(file.fd(), bytes_);
  if (is_taken_) return {};
  const std::error_code obstacle(errno, std::generic_category());
  ::unlink(path_.c_str());
  // What others take meanwhile they may leave again.
  if (obstacle != std::errc::no_space_on_device) obstacle_ = obstacle;
  return obstacle;
}

void DiskReserve::give_up() {
  const std::scoped_lock lock(mutex_);
  const Descriptor file(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
  // Synced: some file systems let nobody have freed blocks before that is on disk.
  if (file.fd() >= 0 && ::ftruncate(file.fd(), 0) == 0) sync_file(file.fd());
  is_taken_ = false;
}

}  // namespace mintmark
