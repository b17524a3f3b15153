#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "domain/webhook.h"
#include "eventstore/clock.h"
#include "eventstore/rocksdb_log.h"
#include "projections/projector.h"
#include "projections/rebuild.h"
#include "projections/token_list.h"
#include "projections/webhook_list.h"
#include "tests/support/history.h"
#include "worker/job_planner.h"
#include "worker/rocksdb_job_store.h"
#include "worker/worker.h"

// work_until_crash_point FOLDER TRIGGERS: opens the log, views and jobs in FOLDER, adds so many triggers of a
// webhook and a Zapier token, waits until all is delivered and planned, and rebuilds the token list. Its
// lines are the calls that it made ("call JB-…") and what the rebuild began with and found ("rebuild FIRST
// DIFFERENCE"). For crash_test.cc.
namespace mintmark::testing {
namespace {

using namespace std::chrono_literals;

const auto webhook = WebhookId::from_value(1);
const auto webhook_stream = stream_of(webhook);
constexpr std::size_t tokens_min = 2500;  // more than two batches of a projection

// One write a line: a line is there whole or not at all.
void say(const std::string& line) {
  if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) std::_Exit(3);
}

[[noreturn]] void give_up(const std::string& reason) {
  fmt::print(stderr, "{}\n", reason);
  std::_Exit(1);
}

Metadata metadata(const Clock& clock) {
  Metadata metadata;
  metadata.actor.set_kind(Actor::OPERATOR);
  metadata.actor.set_id("test");
  metadata.recorded_at = clock.now();
  return metadata;
}

class Work {
 public:
  explicit Work(const std::string& folder)
      : log_(RocksDbLog::open({folder + "/log", nullptr, {}, give_up}).value()),
        views_(ViewStore::open(folder + "/views").value()),
        jobs_(RocksDbJobStore::open(folder + "/jobs", clock_).value()) {}

  void add(std::size_t triggers) {
    if (log_->version_of(webhook_stream) == 0) add_webhook();
    while (log_->head() < tokens_min) {
      const auto id = token_id(next_token());
      append(stream_of(id), token_created(id, vendor(2)), {});
    }
    const auto zapier = token_id(next_token());
    append(stream_of(zapier), token_created(zapier, vendor(2), ZAPIER), {});
    for (std::size_t i = 0; i < triggers; ++i) {
      const auto stream = trigger_stream(webhook, random_.event_id(clock_.now()).text());
      Event event;
      *event.mutable_webhook_triggered()->mutable_data() =
          vault_.seal(**vault_.get(webhook_stream), stream, 1, R"({"order":"PR-1"})");
      append(stream, std::move(event), {});
    }
  }

  void work() {
    TokenList tokens(views_->live(TokenList::projection_name));
    WebhookList webhooks(views_->live(WebhookList::projection_name));
    JobPlanner planner(*log_, *jobs_);
    WebhookCalls calls(
        *log_, vault_, webhooks, "",
        [](const WebhookSecrets&, std::string_view, std::string_view message, Time, std::string_view) {
          return std::vector<std::pair<std::string, std::string>>{{"webhook-id", std::string(message)}};
        });
    Projector projector(*log_, {&tokens, &webhooks, &planner}, give_up);
    await([&] { return projector.position() >= log_->head(); });
    const Worker worker({*log_, *jobs_, calls, clock_, random_}, {}, make_send(), give_up);
    await([&] { return jobs_->planned() >= log_->head() && jobs_->size() == 0; });
  }

  void rebuild() {
    Position first = 0;
    const auto report = rebuild_rows(
        *log_, *views_, TokenList::projection_name,
        [&first](View view) {
          auto made = std::make_unique<TokenList>(view);
          if (first == 0) first = made->checkpoint() + 1;  // the one that is built is made first
          return made;
        },
        [](Position, Position) {});
    say(fmt::format("rebuild {} {}\n", first, report.difference.empty() ? "equal" : report.difference));
  }

 private:
  // Waits for what projector and worker bring about.
  template <class Holds>
  void await(const Holds& holds) {
    std::unique_lock lock(mutex_);
    while (!holds()) changed_.wait_for(lock, 1ms);
  }
  std::uint32_t next_token() { return static_cast<std::uint32_t>(log_->head()) + 1; }

  Position append(const std::string& stream, Event event, std::vector<VaultWrite> vault_writes) {
    AppendRequest request;
    request.streams.push_back({stream, log_->version_of(stream), {}});
    request.streams.back().events.push_back({random_.event_id(clock_.now()), std::move(event)});
    request.metadata = metadata(clock_);
    request.vault_writes = std::move(vault_writes);
    const auto appended = append_and_wait(*log_, std::move(request));
    if (!appended) give_up(appended.error().message);
    return appended->last;
  }

  void add_webhook() {
    auto [key, vault_write] = vault_.make(webhook_stream);
    WebhookDelivery delivery;
    delivery.set_external_url("http://receiver/1");
    Event event;
    auto& created = *event.mutable_webhook_created();
    created.set_webhook_id(webhook.text());
    created.set_account_id(vendor(1).text());
    created.set_object_class("fulfillment_request");
    created.set_http_method("POST");
    created.set_active(true);
    *created.mutable_delivery() = vault_.seal(key, webhook_stream, 1, delivery.SerializeAsString());
    append(webhook_stream, std::move(event), {vault_write});
  }

  static MakeSend make_send() {
    return [](boost::asio::io_context&) {
      return Send([](OutboundRequest request) -> boost::asio::awaitable<OutboundResult> {
        for (const auto& [name, value] : request.headers) {
          if (name == "webhook-id") say("call " + value + "\n");
        }
        co_return OutboundResult{OutboundResponse{200, {}}, 3ms};
      });
    };
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  SystemClock clock_;
  SystemRandom random_;
  std::unique_ptr<RocksDbLog> log_;
  Vault vault_{*log_, KeyEncryptionKey{}, random_};
  std::unique_ptr<ViewStore> views_;
  std::unique_ptr<RocksDbJobStore> jobs_;
};

}  // namespace
}  // namespace mintmark::testing

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  mintmark::testing::Work work(argv[1]);
  work.add(std::strtoul(argv[2], nullptr, 10));
  work.work();
  work.rebuild();
}
