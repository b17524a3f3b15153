#pragma once

#include <string_view>

namespace mintmark {

// One file of the web console, as the build embedded it into the program. All views are valid for ever.
struct ConsoleFile {
  std::string_view path;  // from the root, "/assets/index-….js"
  std::string_view content_type;
  std::string_view bytes;
  std::string_view gzip;  // the same compressed (RFC 1952), empty where that saves nothing
};

// The file at a path; null where there is none. Does not block, from any thread.
const ConsoleFile* find_console_file(std::string_view path);

}  // namespace mintmark
