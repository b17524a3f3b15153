#include "eventstore/files.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <ranges>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mintmark {
namespace {

constexpr std::size_t read_step_bytes = 64UL * 1024;

}  // namespace

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

bool is_absent(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) != 0 && errno == ENOENT;
}

bool sync_parent_folder(const std::string& path) {
  const auto parent = std::filesystem::absolute(path).parent_path();
  const Descriptor folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return folder.fd() >= 0 && sync_file(folder.fd());
}

bool rename_durably(const std::string& from, const std::string& to) {
  return ::rename(from.c_str(), to.c_str()) == 0 && sync_parent_folder(to) && sync_parent_folder(from);
}

std::error_code make_folders(const std::string& path) {
  std::error_code code;
  auto level = std::filesystem::absolute(path).lexically_normal();
  if (!level.has_filename()) level = level.parent_path();
  std::vector<std::filesystem::path> missing;
  for (; !std::filesystem::exists(level, code) && level.has_relative_path(); level = level.parent_path())
    missing.push_back(level);
  if (!std::filesystem::is_directory(level, code)) return std::make_error_code(std::errc::not_a_directory);
  for (const auto& folder : missing | std::views::reverse) {
    std::filesystem::create_directory(folder, code);
    if (code) return code;
    if (!sync_parent_folder(folder)) return {errno, std::generic_category()};
  }
  return {};
}

bool write_new_file(const std::string& path, std::string_view bytes, unsigned mode) {
  ::unlink(path.c_str());
  {
    const Descriptor file(::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode));
    if (file.fd() < 0) return false;
    if (write_all(file.fd(), bytes) && sync_file(file.fd())) return true;
  }
  const int why = errno;
  ::unlink(path.c_str());
  errno = why;
  return false;
}

bool replace_file(const std::string& path, std::string_view bytes, unsigned mode) {
  const auto unfinished = path + ".new";
  if (!write_new_file(unfinished, bytes, mode)) return false;
  if (::rename(unfinished.c_str(), path.c_str()) == 0) return sync_parent_folder(path);
  const int why = errno;
  ::unlink(unfinished.c_str());
  errno = why;
  return false;
}

std::optional<std::string> read_whole_file(const Descriptor& file) {
  struct stat info{};
  if (file.fd() < 0 || ::fstat(file.fd(), &info) != 0) return std::nullopt;
  const auto expected = static_cast<std::size_t>(info.st_size);
  std::string bytes;
  std::size_t size = 0;
  std::size_t room = expected + 1;  // its end shows where there is less than was asked for
  for (;; room = read_step_bytes) {
    bytes.resize(size + room);
    const auto count = read_up_to(file.fd(), bytes.data() + size, room);
    if (count < 0) return std::nullopt;
    size += static_cast<std::size_t>(count);
    if (static_cast<std::size_t>(count) < room) break;
  }
  if (size < expected) {
    errno = EIO;
    return std::nullopt;
  }
  bytes.resize(size);
  return bytes;
}

std::optional<std::string> read_whole_file(const std::string& path) {
  return read_whole_file(Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC)));
}

}  // namespace mintmark
