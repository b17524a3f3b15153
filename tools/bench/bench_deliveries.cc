// Deliveries/s to a receiver on loopback, through everything that a delivery goes through: log, projections,
// queue, signature, HTTP, record. The receiver is a thread of this process, so both share its cores. Then, at
// a rate far below that, how long it takes from a trigger's event to its first attempt.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <future>
#include <thread>
#include <unordered_map>
#include <vector>

#include <CLI/CLI.hpp>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "domain/webhook.h"
#include "tools/instance.h"
#include "tools/worker_settings.h"

namespace mintmark {
namespace {

using namespace std::chrono_literals;

// Answers 200 to every request, over kept connections.
class Receiver {
 public:
  Receiver() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)), poll_(::epoll_create1(0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 1024) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      fmt::print(stderr, "cannot listen\n");
      std::_Exit(1);
    }
    port = ntohs(address.sin_port);
    watch(listener_);
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  ~Receiver() {
    thread_.request_stop();
    thread_.join();
    ::close(poll_);
    ::close(listener_);
  }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  std::uint16_t port = 0;

 private:
  void watch(int file) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = file;
    ::epoll_ctl(poll_, EPOLL_CTL_ADD, file, &event);
  }
  void run(const std::stop_token& stop) {
    std::vector<epoll_event> events(256);
    while (!stop.stop_requested()) {
      const int count = ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), 50);
      for (int i = 0; i < count; ++i) {
        const int file = events[static_cast<std::size_t>(i)].data.fd;
        if (file == listener_) {
          const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
          const int yes = 1;
          ::setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
          if (connection >= 0) watch(connection);
        } else {
          serve(file);
        }
      }
    }
    for (const auto& [file, bytes] : unread_) ::close(file);
  }
  void serve(int file) {
    auto& bytes = unread_[file];
    char buffer[16384];
    const auto got = ::recv(file, buffer, sizeof buffer, 0);
    if (got <= 0) {
      ::close(file);
      unread_.erase(file);
      return;
    }
    bytes.append(buffer, static_cast<std::size_t>(got));
    for (;;) {
      const auto head = bytes.find("\r\n\r\n");
      if (head == std::string::npos) return;
      const auto field = bytes.find("Content-Length: ");
      const auto body = field < head ? std::strtoul(bytes.c_str() + field + 16, nullptr, 10) : 0;
      if (bytes.size() < head + 4 + body) return;
      bytes.erase(0, head + 4 + body);
      constexpr std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
      if (::send(file, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return;
    }
  }

  int listener_;
  int poll_;
  std::unordered_map<int, std::string> unread_;
  std::jthread thread_;
};

struct Options {
  std::string data;
  std::uint32_t deliveries = 100'000;
  std::uint32_t webhooks = 256;
  std::uint32_t paced = 5'000;
};

class Bench {
 public:
  Bench(Instance& instance, const Options& options) : instance_(instance), options_(options) {}

  void make_webhooks(std::uint16_t port) {
    for (std::uint32_t i = 0; i < options_.webhooks; ++i) {
      const auto subject = stream_of(WebhookId::from_value(i));
      WebhookDelivery delivery;
      delivery.set_external_url(fmt::format("http://127.0.0.1:{}/hook", port));
      delivery.set_jwt_secret("a secret of the benchmark");
      delivery.set_data("{}");
      auto [key, vault_write] = instance_.vault->make(subject);
      keys_.push_back(key);
      CreateWebhook command{.id = WebhookId::from_value(i),
                            .account = AccountId::from_value(AccountType::kVendor, 1),
                            .fields = {},
                            .delivery = delivery,
                            .sealed = instance_.vault->seal(key, subject, 1, delivery.SerializeAsString())};
      command.fields.label = "Benchmark";
      command.fields.object_class = "fulfillment_request";
      append({{subject,
               0,
               {{instance_.random.event_id(instance_.clock.now()), decide(Webhook{}, command)->front()}}}},
             {vault_write});
    }
    versions_.assign(options_.webhooks, 1);
  }

  // One append for `count` webhooks, one after the other.
  Position trigger(std::uint32_t count) {
    std::vector<StreamAppend> streams;
    for (std::uint32_t i = 0; i < count; ++i, ++next_) {
      const auto webhook = next_ % options_.webhooks;
      const auto subject = stream_of(WebhookId::from_value(webhook));
      auto& version = versions_[webhook];
      Event event;
      *event.mutable_webhook_triggered()->mutable_data() = instance_.vault->seal(
          keys_[webhook], subject, version + 1, R"({"order":"PR-0000-0001","status":"pending"})");
      streams.push_back({subject, version++, {{instance_.random.event_id(instance_.clock.now()), event}}});
    }
    return append(std::move(streams), {});
  }

  void wait_until_planned() const {
    std::promise<bool> promise;
    instance_.projector->when_reached(instance_.log->head(), [&](bool done) { promise.set_value(done); });
    promise.get_future().get();
  }
  void wait_until_done() const {
    while (instance_.jobs->size() > 0) std::this_thread::sleep_for(1ms);
  }

 private:
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
  std::uint32_t next_ = 0;
};

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
  const Receiver receiver;
  Bench bench(**instance, options);
  bench.make_webhooks(receiver.port);
  constexpr std::uint32_t batch = 64;
  for (std::uint32_t made = 0; made < options.deliveries; made += batch) bench.trigger(batch);
  bench.wait_until_planned();
  const auto& services = *(*instance)->services;
  const auto begin = std::chrono::steady_clock::now();
  const Worker worker({services.log, services.jobs, services.calls, services.clock, services.random},
                      worker_options(config), make_send(config), on_failure);
  bench.wait_until_done();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const auto delivered = worker.counters().succeeded.load();
  fmt::print("deliveries        {} in {:.2f} s: {:.0f}/s, {} failed\n", delivered, took.count(),
             static_cast<double>(delivered) / took.count(), worker.counters().failed.load());

  std::vector<Position> positions;
  for (std::uint32_t made = 0; made < options.paced; made += 1) {
    positions.push_back(bench.trigger(1));
    std::this_thread::sleep_for(500us);
  }
  bench.wait_until_done();
  std::vector<std::int64_t> waits;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    for (std::uint32_t webhook = 0; webhook < options.webhooks; ++webhook) {
      const auto job = services.jobs.find({positions[i], DELIVER_WEBHOOK, webhook});
      if (!job) continue;
      waits.push_back(job->history(0).started_at_us() - job->created_us());
      break;
    }
  }
  std::ranges::sort(waits);
  fmt::print("first attempt     p50 {:.1f} ms, p99 {:.1f} ms behind the trigger, at about {} a second\n",
             static_cast<double>(waits[waits.size() / 2]) / 1000,
             static_cast<double>(waits[waits.size() * 99 / 100]) / 1000, 1000);
  return 0;
}

}  // namespace
}  // namespace mintmark

int main(int argc, char** argv) {
  CLI::App program("Deliveries a second to a receiver on loopback, in a new data folder.");
  mintmark::Options options;
  program.add_option("--data", options.data, "Where to make the folder")->required();
  program.add_option("--deliveries", options.deliveries, "How many")->capture_default_str();
  program.add_option("--webhooks", options.webhooks, "To so many webhooks")->capture_default_str();
  CLI11_PARSE(program, argc, argv);
  return mintmark::run(options);
}
