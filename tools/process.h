#pragma once

#include <cstddef>

namespace mintmark {

// Opens /dev/null in the place of each standard stream that this process was started without, before a file
// of the log gets its number and with it what is printed. False where that fails.
bool open_standard_streams();

// Writes out what was printed to standard output. False, with the reason in errno, where that or what was
// written before failed: then whoever asked has not got all of it.
bool flush_standard_output();

// Standard output and error may end before this process does, as those of a collector of logs that is
// restarted: then writing to them fails, and does not end it.
void ignore_closed_pipes();

// Secrets live in memory: a crash must not write them to a file.
void forbid_core_dumps();

// As many open files as the system lets us have: a connection is one. Returns how many.
std::size_t raise_open_files_limit();

}  // namespace mintmark
