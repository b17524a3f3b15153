#include "eventstore/rocksdb_logger.h"

#include <array>
#include <cstdarg>
#include <cstdio>

#include <spdlog/spdlog.h>

namespace mintmark {
namespace {

class ToOurLog final : public rocksdb::Logger {
 public:
  ToOurLog() : Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}

  using Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    std::array<char, 1024> line{};  // one that is longer is cut off
    if (std::vsnprintf(line.data(), line.size(), format, arguments) >= 0)
      spdlog::debug("RocksDB: {}", line.data());
  }
};

}  // namespace

std::shared_ptr<rocksdb::Logger> rocksdb_logger() {
  static const auto logger = std::make_shared<ToOurLog>();
  return logger;
}

}  // namespace mintmark
