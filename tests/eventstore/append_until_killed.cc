#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <semaphore>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "eventstore/rocksdb_log.h"
#include "tests/support/event_builders.h"
#include "tests/support/log_folder.h"

// append_until_killed PATH FIRST: appends to the log in PATH for ever, sixty-four at a time, events numbered
// from FIRST, and writes a line "POSITION NUMBER" for each acknowledgement. For kill_test.cc.
int main(int argc, char** argv) {
  using namespace mintmark;
  if (argc != 3) return 2;
  RocksDbLog::Options options;
  options.path = argv[1];
  options.env = &mintmark::testing::env_in_memory();
  auto log = RocksDbLog::open(std::move(options));
  if (!log) {
    fmt::print(stderr, "{}\n", log.error().messages.front());
    return 1;
  }
  std::counting_semaphore<64> free_slots(64);
  for (std::uint64_t number = std::strtoull(argv[2], nullptr, 10);; ++number) {
    free_slots.acquire();
    (*log)->append(testing::append_request(fmt::format("stream-{}", number), 0, number),
                   [&free_slots, number](AppendResult result) {
                     if (!result) std::_Exit(1);
                     // One write a line: a line is there whole or not at all.
                     const auto line = fmt::format("{} {}\n", result->last, number);
                     if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) std::_Exit(1);
                     free_slots.release();
                   });
  }
}
