#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

namespace mintmark::testing {

// Takes what the program logs while it lives, instead of the log that there was. Nothing may log while it is
// made and while it ends.
class CapturedLog {
 public:
  CapturedLog() { spdlog::set_default_logger(std::make_shared<spdlog::logger>("", lines_)); }
  ~CapturedLog() { spdlog::set_default_logger(before_); }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;

  // Whether that is in a line.
  bool has(std::string_view part) const { return lines_->has(part); }

 private:
  class Lines final : public spdlog::sinks::base_sink<std::mutex> {
   public:
    bool has(std::string_view part) {
      const std::scoped_lock lock(mutex_);
      return std::ranges::any_of(lines_, [&](const auto& line) { return line.find(part) != line.npos; });
    }

   protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
      lines_.emplace_back(message.payload.data(), message.payload.size());
    }
    void flush_() override {}

   private:
    std::vector<std::string> lines_;  // guarded by mutex_
  };

  const std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
  const std::shared_ptr<Lines> lines_ = std::make_shared<Lines>();
};

}  // namespace mintmark::testing
