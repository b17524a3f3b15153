#include <memory>
#include <string>

#include "eventstore/memory_log.h"
#include "tests/eventstore/conformance.h"
#include "tests/support/log_folder.h"

namespace mintmark::testing {
namespace {

class MemoryUnderTest final : public LogUnderTest {
 public:
  EventLog& log() override { return log_; }
  void settle() override {}

 private:
  MemoryLog log_{event_id(1)};
};

class RocksDbUnderTest final : public LogUnderTest {
 public:
  explicit RocksDbUnderTest(bool reopens) : reopens_(reopens) {}
  EventLog& log() override { return *log_; }
  void settle() override {
    if (!reopens_) return;
    log_.reset();
    log_ = folder_.open();
  }

 private:
  const bool reopens_;
  LogFolder folder_;
  std::unique_ptr<RocksDbLog> log_ = folder_.open();
};

std::string name_of(const ::testing::TestParamInfo<Implementation>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Memory, LogConformance,
                         ::testing::Values(Implementation{
                             "MemoryLog", [] { return std::make_unique<MemoryUnderTest>(); }}),
                         name_of);
INSTANTIATE_TEST_SUITE_P(
    RocksDb, LogConformance,
    ::testing::Values(Implementation{"RocksDbLog", [] { return std::make_unique<RocksDbUnderTest>(false); }},
                      Implementation{"RocksDbLogReopened",
                                     [] { return std::make_unique<RocksDbUnderTest>(true); }}),
    name_of);

}  // namespace
}  // namespace mintmark::testing
