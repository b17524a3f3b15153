#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <sys/types.h>

namespace mintmark::testing {

// What a power cut leaves of the small files in a folder that the program writes with the system's own calls:
// of each file the bytes that it had when it was last synced, under the names that were in a folder when that
// was last synced. Sees every fsync(2) of the process that succeeds, since the program that this is linked
// into has that function before the C library. One object at a time.
class SyncedFiles {
 public:
  // What there is in the folder counts as synced.
  explicit SyncedFiles(std::filesystem::path folder);
  ~SyncedFiles();
  SyncedFiles(const SyncedFiles&) = delete;
  SyncedFiles& operator=(const SyncedFiles&) = delete;

  // Path below the folder → bytes; a folder's path ends with a slash.
  using Contents = std::map<std::string, std::string>;
  // What a cut leaves behind each sync since the beginning, in their order.
  std::vector<Contents> after_each_sync() const;
  // What one leaves now.
  Contents after_all() const;

  // Called by fsync().
  void note(int fd);

 private:
  struct Held;
  struct Named {
    ino_t number;
    bool is_folder;
  };
  void take(const std::filesystem::path& path);
  void render(ino_t folder, const std::string& prefix, Contents& contents) const;

  const std::filesystem::path folder_;
  mutable std::mutex mutex_;
  std::map<ino_t, std::string> files_;
  std::map<ino_t, std::map<std::string, Named>> folders_;
  std::vector<std::unique_ptr<Held>> held_;  // so that no other file gets the number of one that is gone
  std::vector<Contents> after_each_sync_;
};

}  // namespace mintmark::testing
