#pragma once

#include <filesystem>

namespace mintmark::testing {

// Copies the files of a folder of tests for Node, package.json among them, to `build`, and installs its
// locked packages there unless this lock file's are there. Throws with what npm said where that fails.
void install_packages(const std::filesystem::path& source, const std::filesystem::path& build);

}  // namespace mintmark::testing
