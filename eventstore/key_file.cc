#include "eventstore/key_file.h"

#include <filesystem>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mintmark {
namespace {

constexpr std::size_t hex_length = 2 * sizeof(KeyEncryptionKey);

std::unexpected<Error> refuse(const std::string& path, std::string_view why) {
  return fail(ErrorKind::kUnavailable, fmt::format("The key file {} cannot be used: {}.", path, why));
}

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

std::string system_message() {
  return std::error_code(errno, std::generic_category()).message();
}

}  // namespace

Result<KeyEncryptionKey> create_key_file(const std::string& path, Random& random) {
  KeyEncryptionKey key{};
  random.fill(key);
  std::string text(hex_length + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), key.data(), key.size());
  text.back() = '\n';

  const File file(::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
  if (file.fd() < 0) return refuse(path, system_message());
  const bool written = ::write(file.fd(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const bool synced = written && ::fsync(file.fd()) == 0;
  sodium_memzero(text.data(), text.size());
  if (!synced) {
    const auto why = system_message();
    ::unlink(path.c_str());  // half a key file would stand in the way of the next attempt
    return refuse(path, why);
  }
  const auto parent = std::filesystem::absolute(path).parent_path();
  const File folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.fd() < 0 || ::fsync(folder.fd()) != 0) return refuse(path, system_message());
  return key;
}

Result<KeyEncryptionKey> read_key_file(const std::string& path) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd() < 0) return refuse(path, system_message());
  struct stat info{};
  if (::fstat(file.fd(), &info) != 0) return refuse(path, system_message());
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return refuse(path, "others than its owner may read it (chmod 600 mends that)");
  }
  std::array<char, hex_length + 2> text{};
  const auto length = ::read(file.fd(), text.data(), text.size());
  KeyEncryptionKey key{};
  std::size_t bytes = 0;
  const bool whole =
      length == static_cast<ssize_t>(hex_length + 1) && text[hex_length] == '\n' &&
      sodium_hex2bin(key.data(), key.size(), text.data(), hex_length, nullptr, &bytes, nullptr) == 0 &&
      bytes == key.size();
  sodium_memzero(text.data(), text.size());
  if (!whole) return refuse(path, "it must be 64 hex characters and a newline");
  return key;
}

}  // namespace mintmark
