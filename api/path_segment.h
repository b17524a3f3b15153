#pragma once

#include <algorithm>
#include <string_view>

namespace mintmark {

// Takes the first segment of a path that begins with a slash, and that slash, off it; returns the segment
// alone.
inline std::string_view take_segment(std::string_view& path) {
  const auto end = std::min(path.find('/', 1), path.size());
  const auto segment = path.substr(1, end - 1);
  path.remove_prefix(end);
  return segment;
}

}  // namespace mintmark
