// append_many LOG_FOLDER EVENTS: appends so many events of two kilobytes each to a log that nobody has open,
// and leaves all of it in table files.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "domain/limits.h"
#include "eventstore/random.h"
#include "eventstore/rocksdb_log.h"

namespace {

std::unique_ptr<mintmark::RocksDbLog> open(const char* folder) {
  auto log = mintmark::RocksDbLog::open({folder, nullptr, {}, {}});
  if (!log) throw std::runtime_error(log.error().messages.front());
  return std::move(*log);
}

mintmark::AppendRequest request_on(const std::string& stream, mintmark::Random& random,
                                   const mintmark::Event& event) {
  mintmark::AppendRequest request;
  request.streams.push_back({stream, 0, {}});
  for (std::size_t i = 0; i < mintmark::limits::append_events_max; ++i)
    request.streams.back().events.push_back({random.event_id(mintmark::Time()), event});
  request.metadata.actor.set_kind(mintmark::Actor::OPERATOR);
  request.metadata.actor.set_id("many");
  return request;
}

// Several at a time, which are synced together.
void append_many(mintmark::EventLog& log, std::size_t events) {
  constexpr std::size_t at_once = 8;
  mintmark::SystemRandom random;
  mintmark::Event event;
  event.mutable_webhook_triggered()->mutable_data()->set_ciphertext(std::string(2000, 'x'));
  const auto end = log.head() + events;
  while (log.head() < end) {
    const auto begin = log.head();
    std::vector<std::future<mintmark::AppendResult>> appends;
    for (std::size_t i = 0; i < at_once; ++i) {
      std::promise<mintmark::AppendResult> promise;
      appends.push_back(promise.get_future());
      log.append(request_on("many-" + std::to_string(begin) + "-" + std::to_string(i), random, event),
                 [promise = std::move(promise)](mintmark::AppendResult result) mutable {
                   promise.set_value(std::move(result));
                 });
    }
    for (auto& append : appends) {
      const auto committed = append.get();
      if (!committed) throw std::runtime_error(committed.error().message);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 3) throw std::runtime_error("append_many LOG_FOLDER EVENTS");
    append_many(*open(argv[1]), std::strtoul(argv[2], nullptr, 10));
    open(argv[1]);  // which moves what the write-ahead log holds into table files
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
