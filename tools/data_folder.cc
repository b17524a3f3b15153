#include "tools/data_folder.h"

#include <filesystem>
#include <system_error>

#include <fmt/format.h>
#include <pwd.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include "eventstore/files.h"
#include "eventstore/rocksdb_log.h"

namespace mintmark {
namespace {

constexpr Position events_of_init = 1;  // its first pepper

// How many events an unfinished log holds for certain.
Result<Position> unfinished_position(const Config& config) {
  return RocksDbLog::anchored_position({unfinished_log_path(config), nullptr, {}, {}});
}

}  // namespace

Result<void> check_owner(const Config& config) {
  struct stat info{};
  // Who made the log will want to read what comes to it; a folder without one waits for its owner's.
  const bool found = ::stat(config.log_path().c_str(), &info) == 0 || ::stat(config.data.c_str(), &info) == 0;
  if (!found || ::geteuid() != 0 || info.st_uid == 0) return {};
  const auto* entry = ::getpwuid(info.st_uid);
  const std::string owner = entry ? entry->pw_name : fmt::format("#{}", info.st_uid);
  return fail(
      ErrorKind::kUnavailable,
      fmt::format("{0} is the user {1}'s, who could not read what root leaves there: use `sudo -u {1} "
                  "mintmark …`.",
                  config.data, owner));
}

Result<void> remove_unfinished_log(const Config& config) {
  const auto path = unfinished_log_path(config);
  const auto position = unfinished_position(config);
  if (!position) return std::unexpected(position.error());
  if (*position > events_of_init) {
    return fail(ErrorKind::kConflict,
                fmt::format("{} is a whole log of {} events that has lost its name. `mintmark serve` goes on "
                            "with it; move it away to begin without it.",
                            path, *position));
  }
  std::error_code code;
  std::filesystem::remove_all(path, code);
  if (code) return fail(ErrorKind::kUnavailable, fmt::format("{}: {}.", path, code.message()));
  return {};
}

Result<void> name_finished_log(const Config& config) {
  if (rename_durably(unfinished_log_path(config), config.log_path())) return {};
  return fail(ErrorKind::kUnavailable, fmt::format("{}: {}.", config.log_path(), system_message()));
}

Result<void> recover_log_name(const Config& config) {
  std::error_code code;
  if (std::filesystem::exists(config.log_path(), code)) return {};
  const auto position = unfinished_position(config);
  if (!position) return std::unexpected(position.error());
  if (*position <= events_of_init) return {};
  spdlog::warn("{} has lost its name; it is a whole log of {} events, and gets its name back",
               unfinished_log_path(config), *position);
  return name_finished_log(config);
}

}  // namespace mintmark
