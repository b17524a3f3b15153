#include "worker/worker.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

namespace mintmark {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto prune_interval = 1min;
constexpr std::size_t pruned_at_once_max = 500;
constexpr std::size_t recorded_at_once_max = 128;

// Few enough to be reached by the calls that are under way at once.
std::size_t recorded_at_once(std::size_t concurrency) {
  return std::clamp<std::size_t>(concurrency / 2, 1, recorded_at_once_max);
}

}  // namespace

Worker::Worker(const WorkerServices& services, WorkerOptions options, const MakeSend& make_send,
               std::function<void(const std::string&)> on_failure)
    : services_(services),
      options_(std::move(options)),
      on_failure_(std::move(on_failure)),
      provisioning_host_(host_of_call(options_.provisioning_url)),
      send_(std::make_shared<const Send>(make_send(context_))),
      outcomes_(
          context_, services_.log, services_.jobs, services_.clock, services_.random, services_.make_timer,
          recorded_at_once(options_.concurrency), [this] { pump(); },
          [this](const std::string& reason) { end(reason); }),
      due_timer_(services_.make_timer(context_)),
      prune_timer_(services_.make_timer(context_)),
      drain_timer_(services_.make_timer(context_)) {
  for (const auto webhook : services_.jobs.failing_webhooks()) failing_webhooks_.insert(webhook);
  services_.jobs.when_planned([this] { wake(); });
  asio::post(context_, [this] {
    start_pruning(0us);
    pump();
  });
  if (options_.drive == Drive::kCaller) return;
  pool_.emplace(1);
  thread_ = std::thread([this] {
    const auto work = asio::make_work_guard(context_);
    context_.run();
  });
}

Worker::~Worker() {
  services_.jobs.when_planned({});
  if (options_.drive == Drive::kCaller) return;
  asio::post(context_, [this] {
    stopping_ = true;
    drain_timer_->start(options_.drain, [this] {
      drained_ = true;
      stop_when_idle();
    });
    stop_when_idle();
  });
  thread_.join();
  pool_->join();
}

bool Worker::step() {
  context_.restart();  // it stops whenever it runs out of work
  return context_.poll_one() > 0;
}

// From any thread; posts once until it has been seen.
void Worker::wake() {
  if (woken_.exchange(true)) return;
  asio::post(context_, [this] {
    woken_ = false;
    pump();
  });
}

void Worker::end(const std::string& reason) {
  if (std::exchange(ended_, true)) return;
  on_failure_(reason);
}

// Claims what there is room for.
void Worker::pump() {
  if (stopping_) return stop_when_idle();
  if (ended_) return;
  try {
    // What waits to be recorded is bounded too: a log that takes nothing stops the calls.
    while (under_way_.size() + outcomes_.pending() < 2 * options_.concurrency &&
           under_way_.size() < options_.concurrency) {
      auto claim =
          services_.jobs.claim(options_.lease, [this](const JobSubject& subject) { return admit(subject); });
      if (!claim) return arm(services_.jobs.next_due());
      const auto subject = subject_of(claim->key());
      under_way_.emplace(subject, false);
      asio::co_spawn(context_, run(std::move(*claim)), [this, subject](const std::exception_ptr& thrown) {
        try {
          leave(subject);
          if (thrown) std::rethrow_exception(thrown);
        } catch (const std::exception& error) {
          end(error.what());
        }
        wake();
      });
    }
  } catch (const std::exception& error) {
    end(error.what());
  }
}

void Worker::arm(std::optional<Time> due) {
  if (!due) return;
  // The clock may be another than the timer's: it is asked again soon.
  const auto now = services_.clock.now();
  const auto wait = std::clamp<std::chrono::microseconds>(*due - now, 1ms, 200ms);
  const bool fires_early_enough = armed_until_ && *armed_until_ > now && *armed_until_ <= now + wait;
  if (fires_early_enough) return;
  armed_until_ = now + wait;
  due_timer_->start(wait, [this] {
    armed_until_.reset();
    pump();
  });
}

void Worker::start_pruning(std::chrono::microseconds wait) {
  prune_timer_->start(wait, [this] {
    if (stopping_ || ended_) return;
    asio::co_spawn(context_, prune(), [this](const std::exception_ptr& thrown) {
      try {
        if (thrown) std::rethrow_exception(thrown);
      } catch (const std::exception& error) {
        end(error.what());
      }
    });
  });
}

asio::awaitable<void> Worker::prune() {
  std::size_t pruned = 0;
  auto work = [this, &pruned]() -> Result<void> {
    pruned = services_.jobs.prune(services_.clock.now() - options_.history, pruned_at_once_max);
    services_.calls.forget_deleted();
    return {};
  };
  const auto done = co_await on_pool(std::move(work));
  if (!done) throw std::logic_error("pruning answers a failure");
  std::erase_if(host_of_webhook_,
                [this](const auto& entry) { return !services_.jobs.subscription(entry.first); });
  std::erase_if(failing_webhooks_, [this](auto webhook) { return !services_.jobs.subscription(webhook); });
  start_pruning(pruned == pruned_at_once_max ? std::chrono::milliseconds(10) : prune_interval);
}

bool Worker::is_full(const std::string& host) const {
  const auto found = hosts_.find(host);
  return found != hosts_.end() && found->second.under_way >= options_.concurrency_per_host;
}

// A subject whose lane has its fill waits until one of the lane's calls has ended, and one with a call under
// way until that has. Webhooks that were never called go ahead: nothing is known of them yet.
bool Worker::admit(const JobSubject& subject) {
  if (const auto busy = under_way_.find(subject); busy != under_way_.end()) {
    busy->second = true;
    return false;
  }
  using enum JobSubject::Group;
  const std::string* host = nullptr;
  bool fails = false;
  if (subject.group == kDeliveries || subject.group == kTests) {
    const auto known = host_of_webhook_.find(subject.target);
    if (known != host_of_webhook_.end()) host = &known->second;
    fails = failing_webhooks_.contains(subject.target);
  } else if (subject.group == kConnections && !options_.provisioning_url.empty()) {
    host = &provisioning_host_;
    fails = provisioning_fails_;
  }
  if (fails && failing_.under_way >= failing_max()) {
    failing_.set_aside.push_back(subject);
    return false;
  }
  if (!host || !is_full(*host)) return true;
  hosts_.at(*host).set_aside.push_back(subject);
  return false;
}

void Worker::leave(Lane& lane) {
  --lane.under_way;
  // One for the place that is free; all where nobody else's end would let them in.
  do {
    if (lane.set_aside.empty()) return;
    services_.jobs.readmit(lane.set_aside.front());
    lane.set_aside.pop_front();
  } while (lane.under_way == 0);
}

void Worker::leave(const JobSubject& subject) {
  const auto ended = under_way_.extract(subject);
  if (ended.mapped()) services_.jobs.readmit(subject);
}

// The log still answers to the context: that is waited for in any case.
void Worker::stop_when_idle() {
  if (outcomes_.appending()) return;
  const bool idle = under_way_.empty() && outcomes_.pending() == 0;
  if (!idle && !drained_ && !ended_) return;
  if (!idle) {
    spdlog::warn("{} jobs under way and {} outcomes are left for the next start", under_way_.size(),
                 outcomes_.pending());
  }
  context_.stop();
}

}  // namespace mintmark
