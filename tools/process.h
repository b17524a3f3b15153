#pragma once

#include <cstddef>

namespace mintmark {

// Secrets live in memory: a crash must not write them to a file.
void forbid_core_dumps();

// As many open files as the system lets us have: a connection is one. Returns how many.
std::size_t raise_open_files_limit();

}  // namespace mintmark
