#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>

namespace mintmark {

// Space that a file takes up so that nobody else does, until what must not fail on a full disk needs it.
// Thread-safe; every call may block on disk.
class DiskReserve {
 public:
  // Of the file of that name, which may be there from an earlier process or not.
  explicit DiskReserve(std::string path) : path_(std::move(path)) {}

  // Of so many bytes from here on; at first of none. Takes nothing yet.
  void resize(std::uint64_t bytes);

  // Takes the space, where it is not taken and limits::free_disk_bytes_min of what is free are left beside
  // it. no_space_on_device where they are not. What else stands in the way, such as a file system that cannot
  // set space aside, is told again and not tried again.
  std::error_code take(std::uint64_t free_disk_bytes);

  // Lets others have it. Where that fails, it is taken still: the space that is free then tells.
  void give_up();

 private:
  const std::string path_;
  std::mutex mutex_;
  std::uint64_t bytes_ = 0;   // guarded by mutex_
  bool is_taken_ = false;     // guarded by mutex_
  std::error_code obstacle_;  // guarded by mutex_
};

}  // namespace mintmark
