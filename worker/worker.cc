#include "worker/worker.h"

#include <algorithm>
#include <exception>
#include <future>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "eventstore/crash_point.h"
#include "worker/zapier.h"

namespace mintmark {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// Where the log takes nothing now, or a webhook is about to be gone.
constexpr auto give_back_delay = 1s;
constexpr auto prune_interval = 1min;
constexpr std::size_t pruned_at_once_max = 10'000;

AttemptFailure failure_of(OutboundFailure failure) {
  switch (failure) {
    case OutboundFailure::kInvalidUrl:
      return ATTEMPT_INVALID_URL;
    case OutboundFailure::kAddressRefused:
      return ATTEMPT_ADDRESS_REFUSED;
    case OutboundFailure::kPortRefused:
      return ATTEMPT_PORT_REFUSED;
    case OutboundFailure::kUnresolved:
      return ATTEMPT_UNRESOLVED;
    case OutboundFailure::kConnect:
      return ATTEMPT_NOT_CONNECTED;
    case OutboundFailure::kTls:
      return ATTEMPT_TLS;
    case OutboundFailure::kTimeout:
      return ATTEMPT_TIMED_OUT;
    case OutboundFailure::kClosed:
      return ATTEMPT_CLOSED;
    case OutboundFailure::kMalformed:
      return ATTEMPT_MALFORMED;
    case OutboundFailure::kTooLarge:
      return ATTEMPT_TOO_LARGE;
  }
  return ATTEMPT_MALFORMED;
}

// 2xx alone is a success: redirections are not followed.
AttemptEnd end_of(const OutboundResult& result) {
  if (!result.outcome) return {failure_of(result.outcome.error().failure), 0, {}};
  const auto status = static_cast<std::uint32_t>(result.outcome->status);
  const bool success = status >= 200 && status < 300;
  return {success ? ATTEMPT_SUCCEEDED : ATTEMPT_STATUS, status, result.outcome->retry_after};
}

template <class Attempt>
void describe(Attempt& attempt, const Claim& claim, Time started, std::chrono::microseconds duration,
              const AttemptEnd& end, std::optional<Time> next) {
  *attempt.mutable_job() = claim.job.key();
  attempt.set_attempt(claim.job.attempts() + 1);
  attempt.set_started_at_us(started.time_since_epoch().count());
  attempt.set_duration_us(static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0)));
  attempt.set_status(end.status);
  attempt.set_failure(end.failure);
  if (next) attempt.set_next_attempt_at_us(next->time_since_epoch().count());
}

}  // namespace

class Worker::HostSlot {
 public:
  HostSlot(Worker& worker, std::string host) : worker_(worker), host_(std::move(host)) {
    ++worker_.hosts_[host_].under_way;
  }
  ~HostSlot() { worker_.leave(host_); }
  HostSlot(const HostSlot&) = delete;
  HostSlot& operator=(const HostSlot&) = delete;

 private:
  Worker& worker_;
  const std::string host_;
};

Worker::Worker(const WorkerServices& services, WorkerOptions options, const MakeSend& make_send,
               std::function<void(const std::string&)> on_failure)
    : services_(services),
      options_(std::move(options)),
      on_failure_(std::move(on_failure)),
      send_(std::make_shared<const Send>(make_send(context_))),
      outcomes_(
          context_, services_.log, services_.jobs, services_.clock, services_.random, services_.make_timer,
          [this] { pump(); }, [this](const std::string& reason) { end(reason); }),
      due_timer_(services_.make_timer(context_)),
      prune_timer_(services_.make_timer(context_)),
      drain_timer_(services_.make_timer(context_)) {
  services_.jobs.when_planned([this] { wake(); });
  asio::post(context_, [this] {
    prune();
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
    while (under_way_ + outcomes_.pending() < 2 * options_.concurrency && under_way_ < options_.concurrency) {
      auto claim =
          services_.jobs.claim(options_.lease, [this](const JobSubject& subject) { return admit(subject); });
      if (!claim) return arm(services_.jobs.next_due());
      ++under_way_;
      asio::co_spawn(context_, run(std::move(*claim)), [this](const std::exception_ptr& thrown) {
        --under_way_;
        try {
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
  const auto wait = std::clamp<std::chrono::microseconds>(*due - services_.clock.now(), 1ms, 200ms);
  due_timer_->start(wait, [this] { pump(); });
}

void Worker::prune() {
  if (stopping_ || ended_) return;
  try {
    const auto pruned = services_.jobs.prune(services_.clock.now() - options_.history, pruned_at_once_max);
    services_.calls.forget_deleted();
    std::erase_if(host_of_webhook_,
                  [this](const auto& entry) { return !services_.jobs.subscription(entry.first); });
    const auto wait = pruned == pruned_at_once_max ? std::chrono::milliseconds(10) : prune_interval;
    prune_timer_->start(wait, [this] { prune(); });
  } catch (const std::exception& error) {
    return end(error.what());
  }
}

// A subject whose host has its fill waits until one of the host's calls has ended. Webhooks that were never
// called go ahead: their host is not known yet.
bool Worker::admit(const JobSubject& subject) {
  const bool calls_webhook =
      subject.group == JobSubject::Group::kDeliveries || subject.group == JobSubject::Group::kTests;
  if (!calls_webhook) return true;
  const auto host = host_of_webhook_.find(subject.target);
  if (host == host_of_webhook_.end()) return true;
  const auto found = hosts_.find(host->second);
  if (found == hosts_.end() || found->second.under_way < options_.concurrency_per_host) return true;
  found->second.set_aside.push_back(subject);
  return false;
}

void Worker::leave(const std::string& name) {
  const auto found = hosts_.find(name);
  auto& host = found->second;
  --host.under_way;
  if (!host.set_aside.empty()) {
    services_.jobs.readmit(host.set_aside.front());
    host.set_aside.pop_front();
  }
  if (host.under_way == 0 && host.set_aside.empty()) hosts_.erase(found);
}

// The log still answers to the context: that is waited for in any case.
void Worker::stop_when_idle() {
  if (outcomes_.appending()) return;
  const bool idle = under_way_ == 0 && outcomes_.pending() == 0;
  if (!idle && !drained_ && !ended_) return;
  if (!idle) {
    spdlog::warn("{} jobs under way and {} outcomes are left for the next start", under_way_,
                 outcomes_.pending());
  }
  context_.stop();
}

asio::awaitable<void> Worker::run(Claim claim) {
  crash_point("job claimed");
  switch (claim.job.key().kind()) {
    case DELIVER_WEBHOOK:
    case TEST_WEBHOOK:
      co_return co_await deliver(claim);
    case ISSUE_ZAPIER_CONNECTION:
    case WITHDRAW_ZAPIER_CONNECTION:
      co_return co_await connect(claim);
    case STOP_WEBHOOK:
    case FOLLOW_TOKEN:
      co_return co_await do_locally(claim);
    case JOB_KIND_UNSPECIFIED:
    case JobKind_INT_MIN_SENTINEL_DO_NOT_USE_:
    case JobKind_INT_MAX_SENTINEL_DO_NOT_USE_:
      break;
  }
  throw std::logic_error("a job of an unknown kind");
}

void Worker::count(const AttemptEnd& attempt, bool again) {
  auto& counter = attempt.failure == ATTEMPT_SUCCEEDED ? counters_.succeeded
                  : again                              ? counters_.failed
                                                       : counters_.given_up;
  counter.fetch_add(1, std::memory_order_relaxed);
}

asio::awaitable<void> Worker::deliver(const Claim& claim) {
  const auto started = services_.clock.now();
  const auto key = claim.key();
  auto call = services_.calls.make(claim.job, started);
  if (!call && call.error().kind == ErrorKind::kNotFound) {
    // Deleted a moment ago: a plan that cancels the job is on its way.
    services_.jobs.give_back(claim, give_back_delay);
    co_return;
  }
  OutboundResult result{OutboundResponse{0, {}}, 0us};
  AttemptEnd end{ATTEMPT_UNSENDABLE, 0, {}};
  if (call) {
    host_of_webhook_[key.target] = call->host;
    const auto host = hosts_.find(call->host);
    if (host != hosts_.end() && host->second.under_way >= options_.concurrency_per_host) {
      services_.jobs.give_back(claim, 0ms);
      co_return;
    }
    const HostSlot slot(*this, call->host);
    const auto send = send_;
    auto sent = (*send)(std::move(call->request));
    result = co_await std::move(sent);
    crash_point("call answered");
    end = end_of(result);
  }
  const auto attempts = claim.job.attempts() + 1 - claim.job.round_begin();
  std::optional<Time> next;
  if (end.failure != ATTEMPT_SUCCEEDED && key.kind == DELIVER_WEBHOOK) {
    next = next_attempt(attempts, end, started + result.duration, services_.random);
  }
  if (!services_.jobs.settle(claim, end.failure == ATTEMPT_SUCCEEDED)) {
    counters_.stale.fetch_add(1, std::memory_order_relaxed);
    co_return;
  }
  crash_point("job settled");
  count(end, next.has_value());
  DeliveryAttempt attempt;
  describe(attempt, claim, started, result.duration, end, next);
  attempt.set_triggered(claim.job.event_kind() == Event::kWebhookTriggered);
  outcomes_.add(std::move(attempt));
}

// Runs what blocks on the other thread, where there is one.
asio::awaitable<Result<void>> Worker::on_pool(std::function<Result<void>()> work) {
  auto initiate = [this](auto handler, std::function<Result<void>()> job) {
    auto executor =
        asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
    const auto where = pool_ ? asio::any_io_executor(pool_->get_executor()) : context_.get_executor();
    asio::post(where, [executor, handler = std::move(handler), job = std::move(job)]() mutable {
      std::exception_ptr thrown;
      Result<void> done;
      try {
        done = job();
      } catch (...) {
        thrown = std::current_exception();  // rethrown where it is awaited
      }
      asio::post(executor, [handler = std::move(handler), thrown, done = std::move(done)]() mutable {
        std::move(handler)(thrown, std::move(done));
      });
    });
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>,
                                          void(std::exception_ptr, Result<void>)>(
      std::move(initiate), asio::use_awaitable, std::move(work));
}

// Whether it is given back, to be done again soon.
bool Worker::give_back_unless_done(const Claim& claim, const Result<void>& done) {
  if (done) return false;
  const auto reason = fmt::format("{}", fmt::join(done.error().messages, " "));
  if (done.error().kind == ErrorKind::kOutcomeUnknown) throw std::runtime_error(reason);
  spdlog::warn("job {} will be done again: {}", job_id(claim.key()), reason);
  services_.jobs.give_back(claim, give_back_delay);
  return true;
}

asio::awaitable<void> Worker::do_locally(const Claim& claim) {
  auto work = [this, &claim]() -> Result<void> {
    auto& [log, jobs, calls, clock, random, make_timer] = services_;
    const bool follows = claim.job.key().kind() == FOLLOW_TOKEN;
    return follows ? let_webhooks_follow(log, jobs, clock, random, claim.job)
                   : stop_webhook(log, jobs, clock, random, claim.job);
  };
  const auto done = co_await on_pool(std::move(work));
  crash_point("outcome appended");
  if (!give_back_unless_done(claim, done)) services_.jobs.complete(claim);
}

// Tells the provisioning URL. False where it did not take it; that is recorded then.
asio::awaitable<bool> Worker::provision(const Claim& claim) {
  const auto started = services_.clock.now();
  auto request = provisioning_call(services_.log, claim.job, options_.provisioning_url);
  const auto send = send_;
  auto sent = (*send)(std::move(request));
  const auto result = co_await std::move(sent);
  const auto end = end_of(result);
  const auto attempts = claim.job.attempts() + 1 - claim.job.round_begin();
  const auto next = end.failure == ATTEMPT_SUCCEEDED
                        ? std::nullopt
                        : next_attempt(attempts, end, started + result.duration, services_.random);
  count(end, next.has_value());
  if (end.failure == ATTEMPT_SUCCEEDED) co_return true;
  if (!services_.jobs.settle(claim, false)) co_return false;
  ZapierProvisioningFailed failed;
  describe(failed, claim, started, result.duration, end, next);
  for (;;) {
    auto work = [this, &claim, &failed] {
      return record_provisioning_failure(services_.log, services_.clock, services_.random, claim.job, failed);
    };
    const auto done = co_await on_pool(std::move(work));
    if (done) co_return false;
    if (done.error().kind == ErrorKind::kOutcomeUnknown) throw std::runtime_error("the log has failed");
    asio::steady_timer timer(context_, give_back_delay);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

asio::awaitable<void> Worker::connect(const Claim& claim) {
  if (!is_connection_due(services_.log, claim.key())) {
    services_.jobs.complete(claim);
    co_return;
  }
  if (!options_.provisioning_url.empty()) {
    const bool taken = co_await provision(claim);
    if (!taken) co_return;
  }
  auto work = [this, &claim] {
    return record_connection(services_.log, services_.clock, services_.random, claim.job);
  };
  const auto done = co_await on_pool(std::move(work));
  crash_point("outcome appended");
  if (!give_back_unless_done(claim, done)) services_.jobs.complete(claim);
}

}  // namespace mintmark
