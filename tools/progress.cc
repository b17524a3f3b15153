#include "tools/progress.h"

#include <cstdio>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

namespace mintmark {

ProgressBar::ProgressBar(std::string title)
    : title_(std::move(title)), on_terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
  if (shown_percent_ >= 0) fmt::print(stderr, "\r\033[K");
}

void ProgressBar::show(Position done, Position total) {
  const int percent = total == 0 ? 100 : static_cast<int>(done * 100 / total);
  if (!on_terminal_ || percent == shown_percent_) return;
  shown_percent_ = percent;
  constexpr int width = 40;
  const auto filled = static_cast<std::size_t>(percent * width / 100);
  fmt::print(stderr, "\r{} [{:<{}}] {:>3} %", title_, std::string(filled, '#'), width, percent);
  std::fflush(stderr);
}

}  // namespace mintmark
