#include "tests/system/node_packages.h"

#include <chrono>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "tests/support/process.h"

namespace mintmark::testing {
namespace {

std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

void install_packages(const std::filesystem::path& source, const std::filesystem::path& build) {
  const auto lock = content_of(source / "package-lock.json");
  const auto installed = build / "installed-lock.json";
  std::filesystem::create_directories(build);
  const auto overwrite = std::filesystem::copy_options::overwrite_existing;
  for (const auto& entry : std::filesystem::directory_iterator(source)) {
    if (!entry.is_regular_file()) continue;
    std::filesystem::copy_file(entry.path(), build / entry.path().filename(), overwrite);
  }
  if (content_of(installed) == lock) return;
  const auto finished = run_process(
      {.command = {"npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"}, .folder = build.string()},
      std::chrono::seconds(180));
  if (finished.exit_code != 0) throw std::runtime_error("npm ci failed: " + finished.out + finished.err);
  std::ofstream(installed, std::ios::binary) << lock;
}

}  // namespace mintmark::testing
