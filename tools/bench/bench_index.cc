#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <limits>
#include <memory>
#include <random>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>
#include <sodium.h>

#include "domain/limits.h"
#include "projections/authorization_index.h"

// The authorization index, filled with tokens: bytes a token, checks a second on one core, snapshot to disk
// and back. Usage: bench_index [--tokens=N] [Google Benchmark's options]; 1,000,000 tokens unless told.
namespace mintmark {
namespace {

constexpr std::size_t batch = limits::projection_batch_events_max;
constexpr std::size_t keys_max = 1 << 22;  // more would measure the key list's own way through memory

const Time now{std::chrono::seconds(1'800'000'000)};

struct Fixture {
  PepperKey key{7};
  std::unique_ptr<Peppers> peppers;
  std::unique_ptr<AuthorizationIndex> index;
  std::vector<ApiKey> keys;  // of some of the tokens, in random order
  double fill_seconds = 0;
  Position last = 0;
};

// Distinct ids in an order that looks random: 387,420,489 is 3^18, prime to the number of ids.
TokenId nth_id(std::uint64_t n) {
  return TokenId::from_value(static_cast<std::uint32_t>(n * 387'420'489 % TokenId::value_end));
}

Secret nth_secret(std::uint64_t n) {
  Secret secret{};
  std::mt19937_64 random(n);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto word = random();
    std::memcpy(secret.bytes.data() + 8 * i, &word, sizeof word);
  }
  return secret;
}

StoredEvent nth_event(const Peppers& peppers, Position position, std::uint64_t n) {
  StoredEvent stored;
  stored.recorded.set_position(position);
  stored.recorded.set_stream(stream_of(nth_id(n)));
  auto& created = *stored.recorded.mutable_event()->mutable_token_created();
  created.set_token_id(nth_id(n).text());
  created.set_account_id(
      AccountId::from_value(AccountType::kVendor, static_cast<std::uint32_t>(n % AccountId::value_end))
          .text());
  created.set_extension(CUSTOM);
  created.set_name("ci-deploy-" + std::to_string(100'000 + n % 900'000));  // 16 bytes
  *created.mutable_secret_digest() = peppers.digest(nth_secret(n));
  return stored;
}

Fixture fill(std::size_t tokens) {
  Fixture fixture;
  fixture.peppers = std::make_unique<Peppers>(std::span(&fixture.key, 1));
  fixture.index = std::make_unique<AuthorizationIndex>(*fixture.peppers);
  std::vector<StoredEvent> events;
  std::chrono::steady_clock::duration applying{};
  for (std::uint64_t n = 0; n < tokens; ++n) {
    events.push_back(nth_event(*fixture.peppers, n + 1, n));
    if (events.size() < batch && n + 1 < tokens) continue;
    const auto start = std::chrono::steady_clock::now();
    fixture.index->apply(events);
    applying += std::chrono::steady_clock::now() - start;
    events.clear();
  }
  fixture.fill_seconds = std::chrono::duration<double>(applying).count();
  fixture.last = tokens;
  std::mt19937_64 random(1);
  for (std::size_t i = 0; i < std::min(keys_max, 2 * tokens); ++i) {
    const auto n = random() % tokens;
    fixture.keys.push_back({nth_id(n), nth_secret(n)});
  }
  return fixture;
}

void check_keys(benchmark::State& state, const Fixture& fixture, const std::vector<ApiKey>& keys,
                AuthorizationIndex::Verdict expected) {
  std::size_t i = 0;
  std::size_t wrong = 0;
  for (auto _ : state) {
    const auto& key = keys[i];
    i = i + 1 == keys.size() ? 0 : i + 1;
    fixture.index->check(
        0, key.id, key.secret, now,
        [&](AuthorizationIndex::Verdict verdict, const AuthorizationIndex::Identity* identity) {
          wrong += verdict != expected;
          if (verdict == AuthorizationIndex::Verdict::kAllowed) identity->last_use.note(now);
          benchmark::DoNotOptimize(identity);
        });
  }
  if (wrong != 0) state.SkipWithError("a check gave the wrong verdict");
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

// Applies a change at a time, as a server's projector does, until it is told to stop or has done so many;
// what each took, in ms, the longest last.
std::vector<double> apply_changes(Fixture& fixture, const std::stop_token& stop, std::size_t changes_max) {
  std::vector<double> times;
  while (!stop.stop_requested() && times.size() < changes_max) {
    std::vector<StoredEvent> events(1);
    auto& recorded = events.front().recorded;
    recorded.set_position(fixture.index->checkpoint() + 1);
    recorded.set_stream(stream_of(nth_id(times.size() * 97 % fixture.index->size())));
    recorded.mutable_event()->mutable_token_updated()->set_name("ci-deploy-renamed");
    const auto start = std::chrono::steady_clock::now();
    fixture.index->apply(events);
    times.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  std::ranges::sort(times);
  return times;
}

// A snapshot while changes are applied: how long a change takes then, and how long without it.
void save_snapshot(benchmark::State& state, Fixture& fixture, const std::filesystem::path& path) {
  constexpr std::size_t alone = 10'000;
  const auto without = apply_changes(fixture, {}, alone);
  std::vector<double> with;
  for (auto _ : state) {
    const std::jthread applying([&](const std::stop_token& stop) {
      with = apply_changes(fixture, stop, std::numeric_limits<std::size_t>::max());
    });
    fixture.index->save(path, EventId{});
  }
  state.counters["bytes"] = static_cast<double>(std::filesystem::file_size(path));
  const auto p999 = [](const std::vector<double>& times) { return times[times.size() * 999 / 1000]; };
  state.counters["apply/p99.9/ms"] = p999(with);
  state.counters["apply/max/ms"] = with.back();
  state.counters["alone/p99.9/ms"] = p999(without);
  state.counters["alone/max/ms"] = without.back();
}

void register_all(Fixture& fixture) {
  using Verdict = AuthorizationIndex::Verdict;
  benchmark::RegisterBenchmark("memory", [&fixture](benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(fixture.index->size());
    const auto tokens = static_cast<double>(fixture.index->size());
    const auto bytes = static_cast<double>(fixture.index->memory_bytes());
    state.counters["bytes/token/copy"] = bytes / 2 / tokens;
    state.counters["bytes/token"] = bytes / tokens;
    state.counters["applied/s"] = tokens / fixture.fill_seconds;
  })->Iterations(1);
  benchmark::RegisterBenchmark("digest", [&fixture](benchmark::State& state) {
    std::size_t i = 0;
    for (auto _ : state) {
      benchmark::DoNotOptimize(fixture.peppers->digest(1, fixture.keys[i].secret));
      i = (i + 1) % 1024;
    }
  });
  benchmark::RegisterBenchmark("check/valid", [&fixture](benchmark::State& state) {
    check_keys(state, fixture, fixture.keys, Verdict::kAllowed);
  });
  benchmark::RegisterBenchmark("check/valid/cached", [&fixture](benchmark::State& state) {
    const std::vector few(fixture.keys.begin(), fixture.keys.begin() + 100);
    check_keys(state, fixture, few, Verdict::kAllowed);
  });
  benchmark::RegisterBenchmark("check/wrong_secret", [&fixture](benchmark::State& state) {
    auto keys = fixture.keys;
    for (auto& key : keys) key.secret.bytes[19] ^= 1;
    check_keys(state, fixture, keys, Verdict::kUnknown);
  });
  benchmark::RegisterBenchmark("check/unknown_id", [&fixture](benchmark::State& state) {
    auto keys = fixture.keys;
    for (std::size_t i = 0; i < keys.size(); ++i) keys[i].id = nth_id(fixture.last + i * 97);
    check_keys(state, fixture, keys, Verdict::kUnknown);
  });
  const auto path = std::filesystem::temp_directory_path() / "bench_index.snapshot";
  benchmark::RegisterBenchmark(
      "snapshot/save", [&fixture, path](benchmark::State& state) { save_snapshot(state, fixture, path); })
      ->Iterations(1)
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
  benchmark::RegisterBenchmark("snapshot/load",
                               [&fixture, path](benchmark::State& state) {
                                 for (auto _ : state) {
                                   AuthorizationIndex loaded(*fixture.peppers);
                                   if (const auto done = loaded.load(path, EventId{}); !done)
                                     state.SkipWithError(done.error().c_str());
                                   state.PauseTiming();
                                   if (loaded.size() != fixture.index->size())
                                     state.SkipWithError("tokens are missing");
                                   state.counters["bytes/token/copy"] =
                                       static_cast<double>(loaded.memory_bytes()) / 2 /
                                       static_cast<double>(loaded.size());
                                   state.ResumeTiming();
                                 }
                                 std::filesystem::remove(path);
                               })
      ->Iterations(1)
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

}  // namespace
}  // namespace mintmark

int main(int argc, char** argv) {
  if (sodium_init() < 0) return 1;
  std::size_t tokens = 1'000'000;
  benchmark::Initialize(&argc, argv);
  constexpr std::string_view option = "--tokens=";
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const auto* const end = argument.data() + argument.size();
    if (!argument.starts_with(option) ||
        std::from_chars(argument.data() + option.size(), end, tokens).ptr != end || tokens == 0) {
      std::cerr << "usage: bench_index [--tokens=N] [--benchmark_…]\n";
      return 2;
    }
  }
  auto fixture = mintmark::fill(tokens);
  mintmark::register_all(fixture);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
