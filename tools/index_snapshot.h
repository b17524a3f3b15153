#pragma once

#include <string>

#include "eventstore/event_id.h"
#include "projections/authorization_index.h"

namespace mintmark {

// Saves the index to that file, unless the newest one holds all of it. Where the disk has no space for it
// beside what deletions are taken from, or it cannot be written, that is told and no more: the next start
// reads what is missing from the log. Blocks on disk. Any thread.
void save_index_snapshot(AuthorizationIndex& index, const std::string& path, EventId log_id);

}  // namespace mintmark
