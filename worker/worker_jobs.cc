// What the worker does with a job that it has claimed.
#include <algorithm>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "eventstore/crash_point.h"
#include "worker/worker.h"
#include "worker/zapier.h"

namespace mintmark {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// Where the log takes nothing now, or a webhook is about to be gone.
constexpr auto give_back_delay = 1s;
constexpr auto record_delay = 250ms;

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

class Worker::Places {
 public:
  Places(Worker& worker, std::string host, bool is_failing)
      : worker_(worker), host_(std::move(host)), is_failing_(is_failing) {
    ++worker_.hosts_[host_].under_way;
    if (is_failing_) ++worker_.failing_.under_way;
  }
  ~Places() {
    if (is_failing_) worker_.leave(worker_.failing_);
    const auto host = worker_.hosts_.find(host_);
    worker_.leave(host->second);
    if (host->second.under_way == 0) worker_.hosts_.erase(host);
  }
  Places(const Places&) = delete;
  Places& operator=(const Places&) = delete;

 private:
  Worker& worker_;
  const std::string host_;
  const bool is_failing_;
};

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

// What a token's event says is read from all of the token's stream: on the other thread.
asio::awaitable<Result<WebhookCalls::Call>> Worker::make_call(const Claim& claim, Time now) {
  const auto webhook = services_.jobs.subscription(claim.job.key().target());
  if (!webhook) co_return fail(ErrorKind::kNotFound, "Webhook not found.");
  const auto kind = claim.job.event_kind();
  if (kind == Event::kWebhookTriggered || kind == Event::kWebhookTestRequested) {
    co_return services_.calls.make(claim.job, webhook->version(), now);
  }
  std::optional<Result<WebhookCalls::Call>> call;
  auto make = [this, &claim, &webhook, now, &call]() -> Result<void> {
    call = services_.calls.make(claim.job, webhook->version(), now);
    return {};
  };
  const auto made = co_await on_pool(std::move(make));
  if (!made) co_return std::unexpected(made.error());
  co_return std::move(call).value();
}

asio::awaitable<void> Worker::deliver(const Claim& claim) {
  const auto started = services_.clock.now();
  const auto key = claim.key();
  auto call = co_await make_call(claim, started);
  if (!call && call.error().kind == ErrorKind::kNotFound) {
    // Deleted a moment ago: a plan that cancels the job is on its way.
    services_.jobs.give_back(claim, give_back_delay);
    co_return;
  }
  OutboundResult result{OutboundResponse{0, {}}, 0us};
  AttemptEnd end{ATTEMPT_UNSENDABLE, 0, {}};
  if (call) {
    if (auto& known = host_of_webhook_[key.target]; known != call->host) known = call->host;
    if (is_full(call->host)) {
      services_.jobs.give_back(claim, 0ms);
      co_return;
    }
    const Places places(*this, call->host, failing_webhooks_.contains(key.target));
    const auto send = send_;
    auto sent = (*send)(std::move(call->request));
    result = co_await std::move(sent);
    crash_point("call answered");
    end = end_of(result);
    if (end.failure == ATTEMPT_SUCCEEDED) {
      failing_webhooks_.erase(key.target);
    } else {
      failing_webhooks_.insert(key.target);
    }
  }
  const auto attempts = claim.job.attempts() + 1 - claim.job.round_begin();
  std::optional<Time> next;
  if (end.failure != ATTEMPT_SUCCEEDED && key.kind == DELIVER_WEBHOOK) {
    next = next_attempt(attempts, end, started + result.duration, services_.random);
  }
  if (services_.jobs.settle(claim, end.failure == ATTEMPT_SUCCEEDED)) {
    count(end, next.has_value());
  } else {
    counters_.stale.fetch_add(1, std::memory_order_relaxed);
    // Cancelled meanwhile, perhaps with its webhook, the call shows all the same: unless another has recorded
    // this attempt.
    const auto job = services_.jobs.find(key);
    const bool is_told = !job || job->status() == StoredJob::DONE || job->attempts() != claim.job.attempts();
    if (is_told) co_return;
  }
  crash_point("job settled");
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

// Where the disk is full it is given back too, and finds nothing left to do but this.
void Worker::complete(const Claim& claim) {
  try {
    services_.jobs.complete(claim);
  } catch (const JobsFull& error) {
    spdlog::warn("job {} will be done again: {}", job_id(claim.key()), error.what());
    services_.jobs.give_back(claim, give_back_delay);
  }
}

asio::awaitable<void> Worker::do_locally(const Claim& claim) {
  auto work = [this, &claim]() -> Result<void> {
    auto& [log, jobs, calls, clock, random, make_timer] = services_;
    const bool follows = claim.job.key().kind() == FOLLOW_TOKEN;
    return follows ? let_webhooks_follow(log, jobs, clock, random, claim.job)
                   : stop_webhook(log, jobs, clock, random, claim.job);
  };
  const auto done = co_await on_pool(std::move(work));
  crash_point("webhooks changed");
  if (!give_back_unless_done(claim, done)) complete(claim);
}

// Has it recorded, however often the log has to be asked: what was called is not called again for that.
asio::awaitable<void> Worker::record(const Claim& claim, std::function<Result<void>()> work) {
  for (;;) {
    auto once = work;
    const auto done = co_await on_pool(std::move(once));
    if (done) co_return;
    if (done.error().kind == ErrorKind::kOutcomeUnknown) throw std::runtime_error("the log has failed");
    services_.jobs.extend(claim, options_.lease);
    asio::steady_timer timer(context_, record_delay);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

// Tells the provisioning URL. False where it did not take it; that is recorded then.
asio::awaitable<bool> Worker::provision(const Claim& claim, OutboundRequest request, Time started) {
  const auto send = send_;
  auto sent = (*send)(std::move(request));
  const auto result = co_await std::move(sent);
  crash_point("provisioning answered");
  const auto end = end_of(result);
  provisioning_fails_ = end.failure != ATTEMPT_SUCCEEDED;
  const auto attempts = claim.job.attempts() + 1 - claim.job.round_begin();
  const auto next = end.failure == ATTEMPT_SUCCEEDED
                        ? std::nullopt
                        : next_attempt(attempts, end, started + result.duration, services_.random);
  count(end, next.has_value());
  if (end.failure == ATTEMPT_SUCCEEDED) co_return true;
  if (!services_.jobs.settle(claim, false)) co_return false;
  ZapierProvisioningFailed failed;
  describe(failed, claim, started, result.duration, end, next);
  auto work = [this, &claim, failed = std::move(failed)] {
    return record_provisioning_failure(services_.log, services_.clock, services_.random, claim.job, failed);
  };
  co_await record(claim, std::move(work));
  co_return false;
}

asio::awaitable<void> Worker::connect_provisioned(const Claim& claim) {
  if (is_full(provisioning_host_)) {
    services_.jobs.give_back(claim, 0ms);
    co_return;
  }
  const Places places(*this, provisioning_host_, provisioning_fails_);
  const auto started = services_.clock.now();
  std::optional<OutboundRequest> request;
  auto look = [this, &claim, started, &request]() -> Result<void> {
    if (is_connection_due(services_.log, claim.key(), true)) {
      request = provisioning_call(services_.log, claim.job, options_.provisioning_url,
                                  options_.provisioning_secret, started);
    }
    return {};
  };
  const auto looked = co_await on_pool(std::move(look));
  if (looked && request) {
    const bool taken = co_await provision(claim, std::move(*request), started);
    if (!taken) co_return;
    auto work = [this, &claim] {
      return record_connection(services_.log, services_.clock, services_.random, claim.job, true);
    };
    co_await record(claim, std::move(work));
  }
  crash_point("provisioned connection recorded");
  complete(claim);
}

asio::awaitable<void> Worker::connect(const Claim& claim) {
  if (!options_.provisioning_url.empty()) co_return co_await connect_provisioned(claim);
  auto work = [this, &claim]() -> Result<void> {
    if (!is_connection_due(services_.log, claim.key(), false)) return {};
    return record_connection(services_.log, services_.clock, services_.random, claim.job, false);
  };
  const auto done = co_await on_pool(std::move(work));
  crash_point("connection recorded");
  if (!give_back_unless_done(claim, done)) complete(claim);
}

}  // namespace mintmark
