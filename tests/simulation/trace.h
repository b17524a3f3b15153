#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <stdexcept>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace mintmark::testing {

// Something that must hold does not.
class Violation : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

inline void require(bool holds, std::string_view what) {
  if (!holds) throw Violation(std::string(what));
}

// What happened, line by line: the newest for people, all of it in a hash (FNV-1a), equal for equal runs.
class Trace {
 public:
  // Nothing happened: no line.
  void add(const std::string& line) {
    if (line.empty()) return;
    for (const char c : line) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
    newest_.push_back(fmt::format("{:6} {}", ++count_, line));
    if (newest_.size() > lines_max) newest_.pop_front();
  }

  std::uint64_t hash() const { return hash_; }
  std::string newest() const { return fmt::format("{}", fmt::join(newest_, "\n")); }

 private:
  static constexpr std::size_t lines_max = 60;

  std::deque<std::string> newest_;
  std::uint64_t hash_ = 14'695'981'039'346'656'037U;
  std::size_t count_ = 0;
};

}  // namespace mintmark::testing
