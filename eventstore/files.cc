#include "eventstore/files.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace mintmark {

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

std::string system_message() {
  return std::error_code(errno, std::generic_category()).message();
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::ptrdiff_t read_up_to(int fd, char* into, std::size_t size) {
  std::size_t total = 0;
  while (total < size) {
    const auto count = ::read(fd, into + total, size - total);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    if (count == 0) break;
    total += static_cast<std::size_t>(count);
  }
  return static_cast<std::ptrdiff_t>(total);
}

bool sync_file(int fd) {
  int result = 0;
  do {
    result = ::fsync(fd);
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

bool sync_parent_folder(const std::string& path) {
  const auto parent = std::filesystem::absolute(path).parent_path();
  const Descriptor folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return folder.fd() >= 0 && sync_file(folder.fd());
}

bool replace_file(const std::string& path, std::string_view bytes, unsigned mode) {
  const auto unfinished = path + ".new";
  ::unlink(unfinished.c_str());
  {
    const Descriptor file(::open(unfinished.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode));
    if (file.fd() < 0) return false;
    if (write_all(file.fd(), bytes) && sync_file(file.fd()) &&
        ::rename(unfinished.c_str(), path.c_str()) == 0) {
      return sync_parent_folder(path);
    }
  }
  const int why = errno;
  ::unlink(unfinished.c_str());
  errno = why;
  return false;
}

std::string read_whole_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace mintmark
