#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include "domain/webhook.h"
#include "eventstore/memory_log.h"
#include "projections/projector.h"
#include "tests/support/fake_clock.h"
#include "tests/support/history.h"
#include "tests/support/scripted_log.h"
#include "tests/support/view_folder.h"
#include "worker/job_planner.h"
#include "worker/rocksdb_job_store.h"
#include "worker/worker.h"

namespace mintmark::testing {

// The other side of every call: answers as its scripts say, 200 where there is none, and remembers who
// called. Thread-safe but for send().
class Receivers {
 public:
  struct Call {
    std::string url;
    std::string body;
    std::map<std::string, std::string> headers;
  };
  using Answer = std::expected<OutboundResponse, OutboundError>;

  // What the URL answers next, one call after the other.
  void script(const std::string& url, std::vector<Answer> answers) {
    const std::scoped_lock lock(mutex_);
    scripts_[url] = {answers.begin(), answers.end()};
  }
  // Calls get no answer until let_go().
  void hold(bool held) {
    const std::scoped_lock lock(mutex_);
    held_ = held;
    changed_.notify_all();
  }
  std::vector<Call> await(std::size_t number) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::seconds(30), [&] { return calls_.size() >= number; }))
      throw std::runtime_error("only " + std::to_string(calls_.size()) + " calls came");
    return calls_;
  }
  std::size_t count() const {
    const std::scoped_lock lock(mutex_);
    return calls_.size();
  }
  std::size_t most_at_once() const {
    const std::scoped_lock lock(mutex_);
    return most_at_once_;
  }

  MakeSend make_send() {
    return [this](boost::asio::io_context& context) {
      return Send([this, &context](OutboundRequest request) { return send(context, std::move(request)); });
    };
  }

 private:
  boost::asio::awaitable<OutboundResult> send(boost::asio::io_context& context, OutboundRequest request) {
    namespace asio = boost::asio;
    const auto answer = begin(request);
    while (is_held()) {
      asio::steady_timer timer(context, std::chrono::milliseconds(1));
      co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    }
    const std::scoped_lock lock(mutex_);
    --at_once_;
    co_return OutboundResult{answer, std::chrono::milliseconds(3)};
  }
  Answer begin(const OutboundRequest& request) {
    const std::scoped_lock lock(mutex_);
    const auto& target = *request.target;
    Call call{target.url(), request.body, {target.headers().begin(), target.headers().end()}};
    call.headers.insert(request.headers.begin(), request.headers.end());
    calls_.push_back(std::move(call));
    most_at_once_ = std::max(most_at_once_, ++at_once_);
    changed_.notify_all();
    auto& script = scripts_[target.url()];
    if (script.empty()) return OutboundResponse{200, {}};
    auto answer = script.front();
    script.pop_front();
    return answer;
  }
  bool is_held() {
    const std::scoped_lock lock(mutex_);
    return held_;
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Call> calls_;
  std::map<std::string, std::deque<Answer>> scripts_;
  std::size_t at_once_ = 0;
  std::size_t most_at_once_ = 0;
  bool held_ = false;
};

inline Receivers::Answer status(int code, std::optional<std::chrono::seconds> retry_after = {}) {
  return OutboundResponse{code, retry_after};
}

// A worker over a log in memory, with receivers of the test's making and a clock that stands still.
class WorkerFixture : public ::testing::Test {
 protected:
  WorkerFixture() { clock_.advance(std::chrono::hours(1)); }  // behind what History records
  ~WorkerFixture() override { worker_.reset(); }

  void start(WorkerOptions options = {}) {
    worker_ = std::make_unique<Worker>(WorkerServices{log_, *jobs_, calls_, clock_, random_}, options,
                                       receivers_.make_send(), [this](const std::string& reason) {
                                         const std::scoped_lock lock(mutex_);
                                         failure_ = reason;
                                       });
  }
  void stop() { worker_.reset(); }

  static std::string url_of(std::uint32_t webhook, const std::string& host = "receiver") {
    return "http://" + host + "/" + std::to_string(webhook);
  }
  Position add_webhook(std::uint32_t number, const std::string& url,
                       const std::string& object_class = "fulfillment_request") {
    const auto subject = stream_of(WebhookId::from_value(number));
    WebhookDelivery delivery;
    delivery.set_external_url(url);
    delivery.set_jwt_secret("s3cret");
    delivery.set_data(R"({"configured":1,"order":"none"})");
    auto& header = *delivery.add_headers();
    header.set_name("X-Key");
    header.set_value("value");
    auto [key, vault_write] = vault_.make(subject);
    keys_[number] = key;
    Event event;
    auto& created = *event.mutable_webhook_created();
    created.set_webhook_id(WebhookId::from_value(number).text());
    created.set_account_id(vendor(1).text());
    created.set_object_class(object_class);
    created.set_label("Orders");
    created.set_http_method("POST");
    created.set_active(true);
    *created.mutable_delivery() = vault_.seal(key, subject, 1, delivery.SerializeAsString());
    return history_.add(subject, event, {vault_write});
  }
  Position trigger(std::uint32_t webhook, const std::string& data = R"({"order":"PR-1"})") {
    return trigger_on(trigger_stream(WebhookId::from_value(webhook), std::to_string(memory_.head())), webhook,
                      data);
  }
  // On that stream, at its end.
  Position trigger_on(const std::string& stream, std::uint32_t webhook, const std::string& data) {
    Event event;
    *event.mutable_webhook_triggered()->mutable_data() =
        vault_.seal(keys_.at(webhook), stream, memory_.version_of(stream) + 1, data);
    return history_.add(stream, event);
  }
  Position happen(TokenId token, Event event) { return history_.add(token, std::move(event)); }

  // Waits until something holds, which only the worker, or the projector, can bring about.
  void await(const std::function<bool()>& holds, const std::string& what) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!holds()) {
      if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("not reached: " + what);
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, std::chrono::milliseconds(1));
    }
  }
  // The delivery's job, once it has that status.
  StoredJob await_job(Position position, std::uint32_t webhook, StoredJob::Status wanted,
                      JobKind kind = DELIVER_WEBHOOK) {
    const JobKey key{position, kind, webhook};
    const auto found = [&] { return jobs_->find(key).value_or(StoredJob()); };
    await([&] { return found().status() == wanted; }, StoredJob::Status_Name(wanted));
    return found();
  }
  StoredJob await_attempts(Position position, std::uint32_t webhook, std::uint32_t number,
                           JobKind kind = DELIVER_WEBHOOK) {
    const JobKey key{position, kind, webhook};
    const auto found = [&] { return jobs_->find(key).value_or(StoredJob()); };
    await([&] { return found().attempts() >= number; }, "attempts");
    return found();
  }
  std::vector<Event::KindCase> kinds(const std::string& stream) {
    std::vector<Event::KindCase> kinds;
    for (const auto& event : memory_.read_stream(stream, 0)) {
      kinds.push_back(event.recorded.event().kind_case());
    }
    return kinds;
  }
  void await_kind(const std::string& stream, Event::KindCase kind) {
    await(
        [&] {
          const auto all = kinds(stream);
          return std::ranges::find(all, kind) != all.end();
        },
        "event " + std::to_string(kind));
  }
  // Attempts that are recorded as successes, for each job.
  std::map<std::string, int> recorded_successes() {
    std::map<std::string, int> successes;
    for (const auto& event : memory_.read_stream("deliveries", 0)) {
      for (const auto& attempt : event.recorded.event().webhook_deliveries_recorded().attempts()) {
        if (attempt.failure() == ATTEMPT_SUCCEEDED) ++successes[job_id(key_of(attempt.job()))];
      }
    }
    return successes;
  }

  FakeClock clock_;
  SystemRandom random_;
  MemoryLog memory_{event_id(1)};
  ScriptedLog log_{memory_};
  History history_{memory_};
  Vault vault_{memory_, KeyEncryptionKey{}, random_};
  std::map<std::uint32_t, DataKey> keys_;
  ViewFolder views_;
  WebhookList webhooks_{views_.store().live(WebhookList::projection_name)};
  std::unique_ptr<RocksDbJobStore> jobs_ = RocksDbJobStore::open(views_.file("jobs"), clock_).value();
  JobPlanner planner_{memory_, *jobs_};
  WebhookCalls calls_{
      memory_, vault_, webhooks_, "https://tokens.example.com",
      [](const WebhookSecrets&, std::string_view webhook, std::string_view message, Time, std::string_view) {
        return std::vector<std::pair<std::string, std::string>>{{"webhook-id", std::string(message)},
                                                                {"signed-for", std::string(webhook)}};
      }};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string failure_;  // guarded by mutex_
  Receivers receivers_;
  Projector projector_{
      memory_, {&webhooks_, &planner_}, [](const std::string& reason) { ADD_FAILURE() << reason; }};
  std::unique_ptr<Worker> worker_;
};

}  // namespace mintmark::testing
