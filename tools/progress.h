#pragma once

#include <string>

#include "eventstore/event_log.h"

namespace mintmark {

// A bar on standard error where that is a terminal, nothing elsewhere.
class ProgressBar {
 public:
  explicit ProgressBar(std::string title);
  // Removes the bar.
  ~ProgressBar();
  void show(Position done, Position total);

 private:
  const std::string title_;
  const bool on_terminal_;
  int shown_percent_ = -1;
};

}  // namespace mintmark
