#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "eventstore/clock.h"
#include "eventstore/event_log.h"
#include "eventstore/random.h"
#include "worker/job_store.h"

namespace mintmark {

// Does what events call for outside. One thread plans: it follows the log from the store's checkpoint and
// writes jobs. One thread runs them, in order. Both may be killed anywhere: planning is atomic, running is
// harmless to repeat.
class Worker {
 public:
  // All must outlive the worker. `on_failure` is told once by each thread that has to give up.
  Worker(EventLog& log, JobStore& jobs, const Clock& clock, Random& random,
         std::function<void(const std::string& reason)> on_failure);
  // Ends both threads after the job at hand.
  ~Worker();

 private:
  void plan(const std::stop_token& stop);
  void run(const std::stop_token& stop);
  void run(const Claim& claim);
  void wait_for_jobs(const std::stop_token& stop);
  void guard(void (Worker::*loop)(const std::stop_token&), const std::stop_token& stop);

  EventLog& log_;
  JobStore& jobs_;
  const Clock& clock_;
  Random& random_;
  const std::function<void(const std::string&)> on_failure_;
  std::mutex mutex_;
  std::condition_variable_any planned_;
  bool new_jobs_ = false;  // guarded by mutex_
  std::jthread planner_;
  std::jthread runner_;
};

}  // namespace mintmark
