#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "domain/limits.h"
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

// work_until_crash_point FOLDER [trigger] [provision] [tokens] [rebuild]: opens the log, views and jobs in
// FOLDER, waits until all is delivered and planned. Before that, with
//   trigger: triggers a webhook three times, makes a Zapier token and a webhook with its key, and deletes the
//            Zapier token of the call before;
//   tokens:  fills the log with other tokens, once.
// With `provision`, Zapier tokens are provisioned by a URL; with `rebuild` the token list is rebuilt in the
// end.
// Its lines, besides the calls that it made ("call MESSAGE", "provision MESSAGE"):
//   found KIND COUNT        how many events of a kind the log held in the beginning, which shows where the
//                           process before was killed;
//   triggered JOB           each delivery that the log calls for in the end,
//   succeeded JOB           and each recorded success, once for each;
//   holds KIND COUNT        as found, in the end;
//   rebuild FIRST DIFFERENCE
// For crash_test.cc.
namespace mintmark::testing {
namespace {

using namespace std::chrono_literals;

const auto webhook = WebhookId::from_value(1);
const auto webhook_stream = stream_of(webhook);
constexpr std::size_t triggers = 3;
constexpr std::size_t tokens_min = limits::projection_batch_events_max + 100;
const std::string provisioning_url = "http://provisioning/";

// One write a line: a line is there whole or not at all.
void say(const std::string& line) {
  if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) std::_Exit(3);
}

[[noreturn]] void give_up(const std::string& reason) {
  fmt::print(stderr, "{}\n", reason);
  std::_Exit(1);
}

Actor operator_actor() {
  Actor actor;
  actor.set_kind(Actor::OPERATOR);
  actor.set_id("test");
  return actor;
}

class Work {
 public:
  explicit Work(const std::string& folder)
      : log_(RocksDbLog::open({folder + "/log", nullptr, {}, give_up}).value()),
        views_(ViewStore::open(folder + "/views").value()),
        jobs_(RocksDbJobStore::open(folder + "/jobs", clock_).value()) {}

  void tell_events(std::string_view when) {
    std::map<int, int> kinds;
    for (const auto& event : log_->read(0, log_->head())) ++kinds[event.recorded.event().kind_case()];
    for (const auto& [kind, count] : kinds) say(fmt::format("{} {} {}\n", when, kind, count));
  }
  void tell_deliveries() {
    for (const auto& event : log_->read(0, log_->head())) {
      const auto& recorded = event.recorded;
      if (recorded.event().has_webhook_triggered()) {
        say(fmt::format("triggered {}\n", job_id({recorded.position(), DELIVER_WEBHOOK, webhook.value()})));
      }
      for (const auto& attempt : recorded.event().webhook_deliveries_recorded().attempts()) {
        if (attempt.failure() == ATTEMPT_SUCCEEDED)
          say(fmt::format("succeeded {}\n", job_id(key_of(attempt.job()))));
      }
    }
  }

  void fill() {
    auto number = next_token();
    while (number <= tokens_min) {
      AppendRequest request;
      for (std::size_t i = 0; i < limits::append_events_max; ++i, ++number) {
        const auto id = token_id(number);
        request.streams.push_back({stream_of(id), 0, {}});
        request.streams.back().events.push_back(
            {random_.event_id(clock_.now()), token_created(id, vendor(2))});
      }
      append(std::move(request));
    }
  }

  void trigger() {
    if (log_->version_of(webhook_stream) == 0) add_webhook(webhook, operator_actor());
    if (const auto earlier = newest_zapier_token()) append(stream_of(*earlier), token_deleted(), {});
    const auto zapier = token_id(next_token());
    append(stream_of(zapier), token_created(zapier, vendor(2), ZAPIER), {});
    Actor maker;
    maker.set_kind(Actor::TOKEN);
    maker.set_id(zapier.text());
    add_webhook(WebhookId::from_value(next_token()), maker);
    for (std::size_t i = 0; i < triggers; ++i) {
      const auto stream = trigger_stream(webhook, random_.event_id(clock_.now()).text());
      Event event;
      *event.mutable_webhook_triggered()->mutable_data() =
          vault_.seal(**vault_.get(webhook_stream), stream, 1, R"({"order":"PR-1"})");
      append(stream, std::move(event), {});
    }
  }

  void work(bool is_provisioned) {
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
    WorkerOptions options;
    if (is_provisioned) options.provisioning_url = provisioning_url;
    const Worker worker({*log_, *jobs_, calls, clock_, random_}, options, make_send(), give_up);
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

  std::optional<TokenId> newest_zapier_token() {
    std::optional<TokenId> newest;
    for (const auto& event : log_->read(0, log_->head())) {
      const auto& recorded = event.recorded.event();
      if (recorded.has_token_created() && recorded.token_created().extension() == ZAPIER)
        newest = TokenId::parse(recorded.token_created().token_id());
    }
    return newest;
  }

  void append(const std::string& stream, Event event, std::vector<VaultWrite> vault_writes,
              const Actor& actor = operator_actor()) {
    AppendRequest request;
    request.streams.push_back({stream, log_->version_of(stream), {}});
    request.streams.back().events.push_back({random_.event_id(clock_.now()), std::move(event)});
    request.metadata.actor = actor;
    request.vault_writes = std::move(vault_writes);
    append(std::move(request));
  }
  void append(AppendRequest request) {
    if (request.metadata.actor.id().empty()) request.metadata.actor = operator_actor();
    request.metadata.recorded_at = clock_.now();
    const auto appended = append_and_wait(*log_, std::move(request));
    if (!appended) give_up(appended.error().message);
  }

  void add_webhook(WebhookId id, const Actor& actor) {
    const auto stream = stream_of(id);
    auto [key, vault_write] = vault_.make(stream);
    WebhookDelivery delivery;
    delivery.set_external_url("http://receiver/1");
    Event event;
    auto& created = *event.mutable_webhook_created();
    created.set_webhook_id(id.text());
    created.set_account_id(vendor(1).text());
    created.set_object_class("fulfillment_request");
    created.set_http_method("POST");
    created.set_active(true);
    *created.mutable_delivery() = vault_.seal(key, stream, 1, delivery.SerializeAsString());
    append(stream, std::move(event), {vault_write}, actor);
  }

  static MakeSend make_send() {
    return [](boost::asio::io_context&) {
      return Send([](OutboundRequest request) -> boost::asio::awaitable<OutboundResult> {
        const bool is_provisioning = request.target->url() == provisioning_url;
        for (const auto& [name, value] : request.headers) {
          if (name == "webhook-id") say((is_provisioning ? "provision " : "call ") + value + "\n");
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
  if (argc < 2) return 2;
  const std::set<std::string> wanted(argv + 2, argv + argc);
  mintmark::testing::Work work(argv[1]);
  work.tell_events("found");
  if (wanted.contains("tokens")) work.fill();
  if (wanted.contains("trigger")) work.trigger();
  work.work(wanted.contains("provision"));
  work.tell_events("holds");
  work.tell_deliveries();
  if (wanted.contains("rebuild")) work.rebuild();
}
