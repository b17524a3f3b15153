#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

namespace mintmark::testing {

// A new folder of its own under the system's temporary folder, gone with its object.
class TemporaryFolder {
 public:
  TemporaryFolder() : TemporaryFolder(std::filesystem::temp_directory_path()) {}
  explicit TemporaryFolder(const std::filesystem::path& parent) {
    auto pattern = (parent / "mintmark-test-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder: " + pattern);
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  // Where folders lie in memory, for tests whose disk is a simulated one, or who kill no more than processes,
  // and would only wait for the real.
  static std::filesystem::path in_memory() {
    constexpr std::uintmax_t bytes_min = 1UL << 30;
    const std::filesystem::path memory = "/dev/shm";
    std::error_code code;
    const auto available = std::filesystem::space(memory, code).available;
    return !code && available >= bytes_min ? memory : std::filesystem::temp_directory_path();
  }

  const std::filesystem::path& path() const { return path_; }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace mintmark::testing
