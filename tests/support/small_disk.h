#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <sys/types.h>

#include "tests/support/temporary_folder.h"

namespace mintmark::testing {

// A file system in memory, mounted while the object lives, that a file of ballast fills. Where this process
// may not mount, one lives in namespaces of a child of its own, and path() leads through that child. Throws
// std::runtime_error where neither can be had: what it is for must not be skipped unnoticed.
class SmallDisk {
 public:
  explicit SmallDisk(std::uint64_t bytes);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  const std::filesystem::path& path() const { return path_; }

  // Lets so much be free, and no more. Throws where there is less.
  void leave_free(std::uint64_t bytes) const;
  // Takes the ballast away.
  void empty() const;
  std::uint64_t free_bytes() const;
  // The same at once, whatever is being written to it: as if another took all but that of what was free.
  // Until grow_back().
  void shrink_to_free(std::uint64_t bytes) const;
  void grow_back() const;
  // From here on nothing can be written to it. No file of it may be open for writing.
  void make_read_only() const;

 private:
  bool remount(unsigned long flags, const std::string& options) const;

  TemporaryFolder folder_;
  std::uint64_t bytes_;
  pid_t holder_ = -1;  // the child whose namespaces it is in; -1: none
  std::filesystem::path path_;
};

}  // namespace mintmark::testing
