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

bool sync_parent_folder(const std::string& path) {
  const auto parent = std::filesystem::absolute(path).parent_path();
  const Descriptor folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return folder.fd() >= 0 && ::fsync(folder.fd()) == 0;
}

bool replace_file(const std::string& path, std::string_view bytes, unsigned mode) {
  const auto unfinished = path + ".new";
  ::unlink(unfinished.c_str());
  {
    const Descriptor file(::open(unfinished.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode));
    if (file.fd() < 0) return false;
    if (write_all(file.fd(), bytes) && ::fsync(file.fd()) == 0 &&
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
