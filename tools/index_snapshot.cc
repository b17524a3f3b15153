#include "tools/index_snapshot.h"

#include <filesystem>
#include <system_error>

#include <spdlog/spdlog.h>

#include "domain/limits.h"
#include "eventstore/disk_space.h"

namespace mintmark {

void save_index_snapshot(AuthorizationIndex& index, const std::string& path, EventId log_id) {
  if (index.checkpoint() == index.saved()) return;
  const auto folder = std::filesystem::absolute(path).parent_path().string();
  const auto bytes = index.snapshot_bytes() + limits::deletion_disk_bytes_min;
  if (const auto why = lack_of_space(folder, bytes)) {
    spdlog::warn("the authorization index is not saved: {}", *why);
    return;
  }
  try {
    index.save(path, log_id);
  } catch (const std::system_error& error) {
    spdlog::warn("the authorization index is not saved: {}", error.what());
  }
}

}  // namespace mintmark
