#pragma once

#include "domain/error.h"
#include "tools/config.h"

// What there is to heed before a data folder is opened. All of it blocks on disk.
//
// A log is made under another name and gets its own once it is whole: what was cut short is no instance.
namespace mintmark {

// kUnavailable, naming the user, where root would write into what belongs to another: the service that runs
// as that user could not read what root leaves there. Whoever else is not the owner cannot open it anyway.
Result<void> check_owner(const Config& config);

// Where the log of a data folder is made.
inline std::string unfinished_log_path(const Config& config) {
  return config.log_path() + ".unfinished";
}

// Takes away what a making that was cut short has left. kConflict, and nothing is taken away, where it holds
// more than `init` writes: then it is a whole log that has lost its name, see recover_log_name().
Result<void> remove_unfinished_log(const Config& config);

// Gives the log that was made its name, durably.
Result<void> name_finished_log(const Config& config);

// Where there is no log, but a whole one under the name of an unfinished one: gives it its name. A power cut
// may have taken that away on a disk that was not told to keep it; what the log acknowledged since is in it.
Result<void> recover_log_name(const Config& config);

}  // namespace mintmark
