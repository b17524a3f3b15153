#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "domain/error.h"
#include "eventstore/clock.h"
#include "eventstore/drive.h"
#include "eventstore/event_log.h"
#include "eventstore/random.h"
#include "worker/attempts.h"
#include "worker/delivery_log.h"
#include "worker/job_store.h"
#include "worker/send.h"
#include "worker/timer.h"
#include "worker/webhook_calls.h"

namespace mintmark {

// What the worker works with. Everything must outlive it. `jobs` must have planned the log as it stands at
// the start: else what an earlier worker has recorded last would be done again.
struct WorkerServices {
  EventLog& log;
  JobStore& jobs;
  WebhookCalls& calls;
  const Clock& clock;
  Random& random;
  MakeTimer make_timer = make_steady_timer;
};

struct WorkerOptions {
  std::size_t concurrency = 256;                                // calls under way at once
  std::size_t concurrency_per_host = 64;                        // of them to one host and port
  std::chrono::milliseconds lease = std::chrono::seconds(120);  // longer than any call may take
  std::chrono::milliseconds drain = std::chrono::seconds(10);   // what a stop waits for calls under way
  std::chrono::hours history = std::chrono::hours(30 * 24);     // what was finished is shown for so long
  std::string provisioning_url;                                 // empty: Zapier tokens need nobody's word
  std::string provisioning_secret;                              // empty: calls to it are not signed
  Drive drive =
      Drive::kOwnThreads;  // kCaller: without a provisioning URL, whose calls wait on the system's clock
};

// Attempts since the start.
struct WorkerCounters {
  std::atomic<std::uint64_t> succeeded = 0;
  std::atomic<std::uint64_t> failed = 0;  // and to be attempted again
  std::atomic<std::uint64_t> given_up = 0;
  std::atomic<std::uint64_t> stale = 0;  // of jobs that were cancelled, or another's, meanwhile
};

// Does the jobs. One thread makes the calls, any number at a time within bounds; another appends what needs
// an append of its own. It may be killed anywhere: what was not recorded is done again.
//
// A job's way: claim (memory) → call → settle (memory; the webhook's next may go ahead) → record (the log, in
// batches) → plan (the projector; the job is done, or due later, in the store).
class Worker {
 public:
  // `on_failure` is told once, from one of its threads, where it has to give up.
  Worker(const WorkerServices& services, WorkerOptions options, const MakeSend& make_send,
         std::function<void(const std::string& reason)> on_failure);
  // Claims nothing more, waits for calls under way and their records, for options.drain at most; whatever is
  // under way then is done again after the next start. With Drive::kCaller it waits for nothing, and the log
  // may not answer it any more.
  ~Worker();

  // With Drive::kCaller: does the next thing that is to be done now; false where there is none.
  bool step();

  const WorkerCounters& counters() const { return counters_; }

 private:
  // Calls that share a bound: those to one host, or those to where the last call has failed.
  struct Lane {
    std::size_t under_way = 0;
    std::deque<JobSubject> set_aside;
  };
  // A call's places in its lanes, freed with it.
  class Places;

  void wake();
  void pump();
  void arm(std::optional<Time> due);
  void start_pruning(std::chrono::microseconds wait);
  boost::asio::awaitable<void> prune();
  bool admit(const JobSubject& subject);
  bool is_full(const std::string& host) const;
  void leave(Lane& lane);
  void leave(const JobSubject& subject);
  std::size_t failing_max() const { return std::max<std::size_t>(1, options_.concurrency / 2); }
  void end(const std::string& reason);
  void stop_when_idle();

  boost::asio::awaitable<void> run(Claim claim);
  boost::asio::awaitable<void> deliver(const Claim& claim);
  boost::asio::awaitable<Result<WebhookCalls::Call>> make_call(const Claim& claim, Time now);
  boost::asio::awaitable<void> connect(const Claim& claim);
  boost::asio::awaitable<void> connect_provisioned(const Claim& claim);
  boost::asio::awaitable<bool> provision(const Claim& claim, OutboundRequest request, Time started);
  boost::asio::awaitable<void> record(const Claim& claim, std::function<Result<void>()> work);
  boost::asio::awaitable<void> do_locally(const Claim& claim);
  boost::asio::awaitable<Result<void>> on_pool(std::function<Result<void>()> work);
  bool give_back_unless_done(const Claim& claim, const Result<void>& done);
  void complete(const Claim& claim);
  void count(const AttemptEnd& attempt, bool again);

  const WorkerServices services_;
  const WorkerOptions options_;
  const std::function<void(const std::string&)> on_failure_;
  WorkerCounters counters_;
  std::atomic<bool> woken_ = false;
  // The rest belongs to the context's thread.
  std::unordered_map<std::string, Lane> hosts_;
  std::unordered_map<std::uint32_t, std::string> host_of_webhook_;
  std::unordered_set<std::uint32_t> failing_webhooks_;  // whose last call has failed
  const std::string provisioning_host_;
  bool provisioning_fails_ = false;  // its last call has failed
  Lane failing_;                     // for all that fails: it must not take every place
  // What is being done, and whether more of it was put off meanwhile. A job may lose its claim while its call
  // is still under way: the subject's next waits for that.
  std::unordered_map<JobSubject, bool> under_way_;
  std::optional<Time> armed_until_;  // due_timer_'s, by the clock that jobs are due by
  bool stopping_ = false;
  bool drained_ = false;  // the time for draining is over
  bool ended_ = false;
  boost::asio::io_context context_{1};
  std::shared_ptr<const Send> send_;
  DeliveryLog outcomes_;
  const std::unique_ptr<Timer> due_timer_;
  const std::unique_ptr<Timer> prune_timer_;
  const std::unique_ptr<Timer> drain_timer_;
  std::optional<boost::asio::thread_pool> pool_;
  std::thread thread_;
};

}  // namespace mintmark
