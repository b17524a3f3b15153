// Durable appends and replay of the log, beside bare RocksDB in the same run. See --help.
#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include "domain/limits.h"
#include "eventstore/random.h"
#include "eventstore/rocksdb_log.h"
#include "tools/bench/bare_rocksdb.h"
#include "tools/bench/token_requests.h"
#include "tools/bench/without_anchor.h"

namespace mintmark {
namespace {

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values.at(values.size() / 2);
}

struct AppendRates {
  double appends_per_second = 0;
  double p50_ms = 0;
  double p99_ms = 0;
};

// `writers` clients, each with one append in flight, driven by this one thread.
class Writers {
 public:
  Writers(EventLog& log, TokenRequests& requests, std::size_t count)
      : log_(log), requests_(requests), started_(count) {}

  AppendRates run(double seconds) {
    const auto start = SteadyClock::now();
    std::vector<std::size_t> ready;
    ready.reserve(started_.size());
    for (std::size_t writer = 0; writer < started_.size(); ++writer) ready.push_back(writer);
    std::size_t in_flight = 0;
    while (!ready.empty() || in_flight > 0) {
      if (seconds_since(start) >= seconds) ready.clear();
      for (const auto writer : ready) append(writer);
      in_flight += ready.size();
      if (in_flight == 0) break;
      ready = wait_for_answers();
      in_flight -= ready.size();
    }
    const double elapsed = seconds_since(start);
    std::ranges::sort(latencies_);
    const auto percentile = [&](double part) {
      const auto index = static_cast<std::size_t>(part * static_cast<double>(latencies_.size() - 1));
      return std::chrono::duration<double, std::milli>(latencies_.at(index)).count();
    };
    return {static_cast<double>(latencies_.size()) / elapsed, percentile(0.50), percentile(0.99)};
  }

 private:
  void append(std::size_t writer) {
    auto request = requests_.next();
    started_[writer] = SteadyClock::now();
    log_.append(std::move(request), [this, writer](AppendResult result) {
      if (!result) {
        fmt::print(stderr, "append failed: {}\n", result.error().message);
        std::_Exit(1);
      }
      const auto latency = SteadyClock::now() - started_[writer];
      const std::scoped_lock lock(mutex_);
      latencies_.push_back(latency);
      answered_.push_back(writer);
      if (answered_.size() == 1) grown_.notify_one();
    });
  }

  std::vector<std::size_t> wait_for_answers() {
    std::unique_lock lock(mutex_);
    grown_.wait(lock, [this] { return !answered_.empty(); });
    return std::exchange(answered_, {});
  }

  EventLog& log_;
  TokenRequests& requests_;
  std::vector<SteadyClock::time_point> started_;
  std::mutex mutex_;
  std::condition_variable grown_;
  std::vector<SteadyClock::duration> latencies_;  // guarded by mutex_
  std::vector<std::size_t> answered_;             // guarded by mutex_
};

std::unique_ptr<RocksDbLog> open_log(const std::string& path, rocksdb::Env* env = nullptr) {
  RocksDbLog::Options options;
  options.path = path;
  options.env = env;
  auto log = RocksDbLog::open(std::move(options));
  if (!log) throw std::runtime_error(log.error().messages.front());
  return std::move(*log);
}

struct Settings {
  std::string data;
  std::string log;
  double seconds = 3;
  std::size_t rounds = 3;
  Position replay_events = 1'000'000;
};

void create_log(const std::string& path) {
  RocksDbLog::Options options;
  options.path = path;
  SystemRandom random;
  if (const auto created = RocksDbLog::create(options, random.event_id(Time())); !created)
    throw std::runtime_error(created.error().messages.front());
}

// What waiting for the anchor takes, where one writer waits for each of its appends and where many share
// them.
void bench_anchor(const Settings& settings, TokenRequests& requests) {
  const auto nowhere = WithoutAnchor::make_env();
  create_log(settings.data + "/log-with");
  create_log(settings.data + "/log-without");
  const auto with = open_log(settings.data + "/log-with");
  const auto without = open_log(settings.data + "/log-without", nowhere.get());
  for (const std::size_t count : {std::size_t{1}, std::size_t{64}}) {
    std::vector<double> rates_with;
    std::vector<double> rates_without;
    for (std::size_t round = 0; round < settings.rounds; ++round) {
      const auto measure = [&](RocksDbLog& log) {
        return Writers(log, requests, count).run(settings.seconds).appends_per_second;
      };
      rates_without.push_back(measure(*without));
      rates_with.push_back(measure(*with));
    }
    fmt::print("{:<44}{:>12.0f}/s   {:.0f}/s without: cost {:.1f} %\n",
               fmt::format("log with its anchor, {} writer{}", count, count == 1 ? "" : "s"),
               median(rates_with), median(rates_without),
               100 * (1 - median(rates_with) / median(rates_without)));
  }
}

void bench_appends(const Settings& settings, TokenRequests& requests) {
  constexpr std::array<std::size_t, 4> writer_counts{1, 16, 64, 256};
  BareRocksDb bare(settings.data + "/bare");
  BareRocksDb bare_with(settings.data + "/bare-with-tree");
  const auto log = open_log(settings.data + "/log");
  std::vector<double> bare_rates;
  std::vector<double> bare_with_rates;
  std::map<std::size_t, std::array<std::vector<double>, 3>> rates;
  for (std::size_t round = 0; round < settings.rounds; ++round) {
    bare_rates.push_back(bare.run(requests, settings.seconds, false));
    bare_with_rates.push_back(bare_with.run(requests, settings.seconds, true));
    for (const auto count : writer_counts) {
      const auto measured = Writers(*log, requests, count).run(settings.seconds);
      rates[count][0].push_back(measured.appends_per_second);
      rates[count][1].push_back(measured.p50_ms);
      rates[count][2].push_back(measured.p99_ms);
    }
  }
  const double bare_rate = median(bare_rates);
  const double with_rate = median(bare_with_rates);
  fmt::print("{:<44}{:>12.0f}/s\n", "bare RocksDB, batches of 64", bare_rate);
  fmt::print("{:<44}{:>12.0f}/s   cost {:.1f} %\n", "  with Merkle tree, nodes and head anchor", with_rate,
             100 * (1 - with_rate / bare_rate));
  for (const auto& [count, measured] : rates) {
    const double rate = median(measured[0]);
    fmt::print("{:<44}{:>12.0f}/s   p50 {:.2f} ms   p99 {:.2f} ms   {:.2f} x bare\n",
               fmt::format("log, {} writers", count), rate, median(measured[1]), median(measured[2]),
               rate / bare_rate);
  }
}

// Reads the first `count` events as projections do.
void bench_reading(RocksDbLog& log, Position count, std::size_t rounds) {
  std::vector<double> rates;
  std::size_t bytes = 0;
  for (std::size_t round = 0; round < rounds; ++round) {
    const auto start = SteadyClock::now();
    bytes = 0;
    for (Position after = 0; after < count;) {
      const auto events =
          log.read(after, std::min<std::size_t>(limits::projection_batch_events_max, count - after));
      for (const auto& event : events) bytes += event.bytes.size();
      after = events.back().recorded.position();
    }
    rates.push_back(static_cast<double>(count) / seconds_since(start));
  }
  fmt::print("{:<44}{:>12.0f}/s   {} events of {} bytes\n", "replay (read and decode)", median(rates), count,
             bytes / count);
}

void bench_replay(const Settings& settings, TokenRequests& requests) {
  const auto path = settings.data + "/log";
  {
    const auto log = open_log(path);
    while (log->head() < settings.replay_events) Writers(*log, requests, 1024).run(1);
  }
  bench_reading(*open_log(path), settings.replay_events, settings.rounds);
}

int run(const Settings& settings) {
  if (!settings.log.empty()) {
    const auto log = open_log(settings.log);
    bench_reading(*log, log->head(), settings.rounds);
    return 0;
  }
  if (std::filesystem::exists(settings.data)) {
    fmt::print(stderr, "{} exists; name a folder to be made and removed\n", settings.data);
    return 1;
  }
  std::filesystem::create_directories(settings.data);
  const std::shared_ptr<void> removal(nullptr,
                                      [&settings](void*) { std::filesystem::remove_all(settings.data); });
  create_log(settings.data + "/log");
  TokenRequests requests;
  bench_appends(settings, requests);
  bench_anchor(settings, requests);
  bench_replay(settings, requests);
  return 0;
}

}  // namespace
}  // namespace mintmark

int main(int argc, char** argv) {
  CLI::App app("Durable appends and replay of the log, beside bare RocksDB in the same run.");
  mintmark::Settings settings;
  auto* measured = app.add_option_group("what is measured")->require_option(1);
  measured->add_option("--data", settings.data,
                       "Folder to make, fill and remove; on the disk to be measured");
  measured->add_option("--log", settings.log, "A log that is there, which is read and nothing else");
  app.add_option("--seconds", settings.seconds, "Length of each phase")->check(CLI::PositiveNumber);
  app.add_option("--rounds", settings.rounds, "Times that each phase runs; medians are printed")
      ->check(CLI::PositiveNumber);
  app.add_option("--replay-events", settings.replay_events, "Events to replay")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    return mintmark::run(settings);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_log: {}\n", error.what());
    return 1;
  }
}
