// Deliveries/s to a receiver on loopback, through everything that a delivery goes through: log, projections,
// queue, signature, HTTP, record. The receiver is a thread of this process, so both share its cores. Then, at
// a rate far below that, how long it takes from a trigger's event to its first attempt; and last how long
// until the answer, alone and beside receivers that misbehave. With --receive it is the receiver alone, for
// another program that delivers.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <future>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "domain/webhook.h"
#include "tools/bench/receiver.h"
#include "tools/instance.h"
#include "tools/worker_settings.h"

namespace mintmark {
namespace {

using namespace std::chrono_literals;

struct Options {
  std::string data;
  std::uint32_t deliveries = 100'000;
  std::uint32_t webhooks = 256;
  std::uint32_t paced = 5'000;
  std::uint32_t rate = 500;
  std::uint32_t rounds = 3;
  std::uint32_t misbehaving = 5;  // of each kind in a round
  bool receive = false;
};

class Bench {
 public:
  Bench(Instance& instance, const Options& options) : instance_(instance), options_(options) {}

  void make_webhooks(const std::string& url) {
    for (std::uint32_t i = 0; i < options_.webhooks; ++i) make_webhook(url);
  }
  std::uint32_t make_webhook(const std::string& url) {
    const auto number = static_cast<std::uint32_t>(keys_.size());
    const auto subject = stream_of(WebhookId::from_value(number));
    WebhookDelivery delivery;
    delivery.set_external_url(url);
    delivery.set_jwt_secret("a secret of the benchmark");
    delivery.set_data("{}");
    auto [key, vault_write] = instance_.vault->make(subject);
    CreateWebhook command{.id = WebhookId::from_value(number),
                          .account = AccountId::from_value(AccountType::kVendor, 1),
                          .fields = {},
                          .delivery = delivery,
                          .sealed = instance_.vault->seal(key, subject, 1, delivery.SerializeAsString())};
    command.fields.label = "Benchmark";
    command.fields.object_class = "fulfillment_request";
    keys_.push_back(key);
    versions_.push_back(1);
    append({{subject,
             0,
             {{instance_.random.event_id(instance_.clock.now()), decide(Webhook{}, command)->front()}}}},
           {vault_write});
    return number;
  }

  // One append for `count` webhooks, one after the other.
  Position trigger(std::uint32_t count) {
    std::vector<StreamAppend> streams;
    for (std::uint32_t i = 0; i < count; ++i, ++next_)
      streams.push_back(trigger_of(next_ % options_.webhooks));
    return append(std::move(streams), {});
  }
  void trigger_webhook(std::uint32_t webhook) { append({trigger_of(webhook)}, {}); }

  // Whatever waits for it waits for good; once nothing runs or is due, everybody else is alone.
  void deactivate(const std::vector<std::uint32_t>& webhooks) {
    for (const auto webhook : webhooks) {
      const auto subject = stream_of(WebhookId::from_value(webhook));
      Event event;
      event.mutable_webhook_updated()->set_active(false);
      // The worker may have said something of it, too.
      append({{subject,
               instance_.log->version_of(subject),
               {{instance_.random.event_id(instance_.clock.now()), event}}}},
             {});
    }
    wait_until_planned();
    for (;;) {
      const auto counts = instance_.jobs->counts();
      if (counts.running + counts.waiting == 0) return;
      std::this_thread::sleep_for(10ms);
    }
  }

  std::uint32_t next() const { return next_; }

  void wait_until_planned() const {
    std::promise<bool> promise;
    instance_.projector->when_reached(instance_.log->head(), [&](bool done) { promise.set_value(done); });
    promise.get_future().get();
  }
  void wait_until_done() const {
    while (instance_.jobs->size() > 0) std::this_thread::sleep_for(1ms);
  }

 private:
  StreamAppend trigger_of(std::uint32_t webhook) {
    const auto subject = stream_of(WebhookId::from_value(webhook));
    auto& version = versions_[webhook];
    Event event;
    *event.mutable_webhook_triggered()->mutable_data() = instance_.vault->seal(
        keys_[webhook], subject, version + 1, R"({"order":"PR-0000-0001","status":"pending"})");
    return {subject, version++, {{instance_.random.event_id(instance_.clock.now()), event}}};
  }
  Position append(std::vector<StreamAppend> streams, std::vector<VaultWrite> vault_writes) {
    AppendRequest request;
    request.streams = std::move(streams);
    request.vault_writes = std::move(vault_writes);
    request.metadata.actor.set_kind(Actor::OPERATOR);
    request.metadata.actor.set_id("bench");
    request.metadata.recorded_at = instance_.clock.now();
    const auto appended = append_and_wait(*instance_.log, std::move(request));
    if (!appended) {
      fmt::print(stderr, "append failed: {}\n", appended.error().message);
      std::_Exit(1);
    }
    return appended->last;
  }

  Instance& instance_;
  const Options options_;
  std::vector<DataKey> keys_;
  std::vector<std::uint64_t> versions_;
  std::uint32_t next_ = 0;  // its webhook is the remainder
};

struct Percentiles {
  double p50_ms;
  double p99_ms;
};

Percentiles percentiles(std::vector<std::int64_t> times_us) {
  std::ranges::sort(times_us);
  const auto at = [&](std::size_t percent) {
    return static_cast<double>(times_us[times_us.size() * percent / 100]) / 1000;
  };
  return {at(50), at(99)};
}

// Triggers deliveries one after the other, and waits for those of the well-behaved webhooks.
struct Paced {
  std::vector<std::int64_t> until_attempt_us;
  std::vector<std::int64_t> until_answer_us;
};

Paced deliver_paced(Bench& bench, JobStore& jobs, const Options& options, std::uint32_t count) {
  const auto first = bench.next();
  const auto begin = std::chrono::steady_clock::now();
  std::vector<Position> positions;
  for (std::uint32_t made = 0; made < count; ++made) {
    std::this_thread::sleep_until(begin + std::chrono::nanoseconds(1s) / options.rate * made);
    positions.push_back(bench.trigger(1));
  }
  Paced paced;
  for (std::uint32_t i = 0; i < count; ++i) {
    const JobKey key{positions[i], DELIVER_WEBHOOK, (first + i) % options.webhooks};
    auto job = jobs.find(key);
    while (!job || job->history().empty()) {
      std::this_thread::sleep_for(1ms);
      job = jobs.find(key);
    }
    const auto until_attempt = job->history(0).started_at_us() - job->created_us();
    paced.until_attempt_us.push_back(until_attempt);
    paced.until_answer_us.push_back(until_attempt + static_cast<std::int64_t>(job->history(0).duration_us()));
  }
  return paced;
}

void measure_throughput(Bench& bench, Receiver& receiver, const WorkerCounters& counters, double cpu_before,
                        double receiver_before) {
  const auto begin = std::chrono::steady_clock::now();
  bench.wait_until_done();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const auto cpu = cpu_us_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_before;
  const auto receiver_cpu = receiver.cpu_us() - receiver_before;
  const auto delivered = counters.succeeded.load();
  fmt::print("deliveries        {} in {:.2f} s: {:.0f}/s, {} failed\n", delivered, took.count(),
             static_cast<double>(delivered) / took.count(), counters.failed.load());
  fmt::print("CPU               {:.0f} µs a delivery, {:.0f} µs of it the receiver's\n",
             cpu / static_cast<double>(delivered), receiver_cpu / static_cast<double>(delivered));
}

// Alone, then beside new webhooks of every misbehaviour with deliveries that wait, and so again.
void measure_beside_misbehaviour(Bench& bench, JobStore& jobs, const Receiver& misbehaving,
                                 const Options& options) {
  std::vector<std::int64_t> alone;
  std::vector<std::int64_t> beside;
  for (std::uint32_t round = 0; round < options.rounds; ++round) {
    std::ranges::copy(deliver_paced(bench, jobs, options, options.paced).until_answer_us,
                      std::back_inserter(alone));
    std::vector<std::uint32_t> bad;
    for (std::uint32_t i = 0; i < options.misbehaving; ++i) {
      for (const auto& path : Receiver::misbehaviours()) {
        bad.push_back(bench.make_webhook(misbehaving.url(path)));
        for (int n = 0; n < 3; ++n) bench.trigger_webhook(bad.back());
      }
    }
    std::ranges::copy(deliver_paced(bench, jobs, options, options.paced).until_answer_us,
                      std::back_inserter(beside));
    bench.deactivate(bad);
  }
  const auto without = percentiles(alone);
  const auto with = percentiles(beside);
  fmt::print(
      "until the answer  p50 {:.1f} ms, p99 {:.1f} ms; beside {} receivers that misbehave p50 {:.1f} ms, p99 "
      "{:.1f} ms: x {:.2f}\n",
      without.p50_ms, without.p99_ms,
      std::size_t{options.rounds} * options.misbehaving * Receiver::misbehaviours().size(), with.p50_ms,
      with.p99_ms, with.p99_ms / without.p99_ms);
}

int run(const Options& options) {
  Config config;
  config.data = options.data;
  config.webhook_networks = {*AddressRange::parse("127.0.0.0/8")};
  config.webhook_ports = {0};
  config.webhook_concurrency_per_host = config.webhook_concurrency;
  const auto on_failure = [](const std::string& reason) {
    fmt::print(stderr, "{}\n", reason);
    std::_Exit(1);
  };
  if (const auto created = Instance::create(config); !created) on_failure(created.error().messages.front());
  auto instance = Instance::open(config, on_failure);
  if (!instance) on_failure(instance.error().messages.front());
  Receiver receiver;
  const Receiver misbehaving;
  Bench bench(**instance, options);
  bench.make_webhooks(receiver.url("/hook"));
  constexpr std::uint32_t batch = 64;
  for (std::uint32_t made = 0; made < options.deliveries; made += batch) bench.trigger(batch);
  bench.wait_until_planned();
  const auto& services = *(*instance)->services;
  const auto cpu_before = cpu_us_of(CLOCK_PROCESS_CPUTIME_ID);
  const auto receiver_before = receiver.cpu_us();
  const Worker worker({services.log, services.jobs, services.calls, services.clock, services.random},
                      worker_options(config), make_send(config), on_failure);
  measure_throughput(bench, receiver, worker.counters(), cpu_before, receiver_before);
  if (options.paced == 0) return 0;

  const auto first =
      percentiles(deliver_paced(bench, services.jobs, options, options.paced).until_attempt_us);
  fmt::print("first attempt     p50 {:.1f} ms, p99 {:.1f} ms behind the trigger, at {} a second\n",
             first.p50_ms, first.p99_ms, options.rate);
  measure_beside_misbehaviour(bench, services.jobs, misbehaving, options);
  return 0;
}

// Until the other side closes our standard input.
int receive() {
  const Receiver receiver;
  fmt::print("{}\n", receiver.url("/hook"));
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}

}  // namespace
}  // namespace mintmark

int main(int argc, char** argv) {
  CLI::App program("Deliveries a second to a receiver on loopback, in a new data folder.");
  mintmark::Options options;
  auto* const receive =
      program.add_flag("--receive", options.receive, "Only receive: prints the URL, ends with its input");
  program.add_option("--data", options.data, "Where to make the folder")->excludes(receive);
  program.add_option("--deliveries", options.deliveries, "How many")->capture_default_str();
  program.add_option("--webhooks", options.webhooks, "To so many webhooks")->capture_default_str();
  program.add_option("--paced", options.paced, "How many then, one after the other")->capture_default_str();
  program.add_option("--rate", options.rate, "So many of them a second")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  program.add_option("--rounds", options.rounds, "Rounds beside misbehaving receivers")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  program.add_option("--misbehaving", options.misbehaving, "Of each kind, in each round")
      ->capture_default_str();
  CLI11_PARSE(program, argc, argv);
  if (options.receive) return mintmark::receive();
  if (options.data.empty()) {
    fmt::print(stderr, "--data is required\n");
    return 2;
  }
  return mintmark::run(options);
}
