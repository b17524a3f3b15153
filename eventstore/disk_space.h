#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>

#include <fmt/format.h>

// Debian's RocksDB keeps its assertions: where a file could not be extended, the next use of it ends the
// process. So who writes to one asks beforehand whether there is space.
namespace mintmark {

// What is left alone of a disk. Below what the log keeps (limits::deletion_disk_bytes_min), so that whatever
// the log takes its projections can take as well.
inline constexpr std::uint64_t kept_disk_bytes = 8UL * 1024 * 1024;

// There is no space for what was to be written; nothing was, so it can be tried again.
class DiskFull : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Why so many bytes must not be written below that folder; nothing where they may.
inline std::optional<std::string> lack_of_space(const std::string& folder, std::uint64_t bytes) {
  std::error_code code;
  const auto space = std::filesystem::space(folder, code);
  // What cannot be told stops nobody.
  if (code || space.available >= kept_disk_bytes + bytes) return std::nullopt;
  constexpr std::uint64_t kibibyte = 1024;
  return fmt::format("the disk is full: {} KiB are left, and {} KiB are needed", space.available / kibibyte,
                     (kept_disk_bytes + bytes) / kibibyte);
}

// Bytes in the write-ahead logs of the RocksDB in that folder: opened, it writes as much into tables at most.
inline std::uint64_t bytes_in_write_ahead_logs(const std::string& folder) {
  std::uint64_t bytes = 0;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(folder, code)) {
    if (entry.path().extension() == ".log") bytes += entry.file_size(code);
  }
  return bytes;
}

}  // namespace mintmark
