#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "eventstore/clock.h"
#include "eventstore/event_log.h"
#include "eventstore/random.h"
#include "worker/job_store.h"
#include "worker/timer.h"

namespace mintmark {

// Records what came of deliveries in the log, many in one event: what an event costs on its way through log
// and projections is shared. So an outcome waits a few milliseconds for others, and for the append under way.
// Each is recorded once: the expected version of the stream tells whether anybody else recorded
// something that we have not seen, and then what has been recorded meanwhile is left out. One thread, the
// context's.
class DeliveryLog {
 public:
  // All must outlive it. `batch` outcomes wait for no more, where no append is under way. `on_change` is told
  // when something has been recorded, `on_failure` when the log has failed.
  DeliveryLog(boost::asio::io_context& context, EventLog& log, JobStore& jobs, const Clock& clock,
              Random& random, const MakeTimer& make_timer, std::size_t batch, std::function<void()> on_change,
              std::function<void(const std::string& reason)> on_failure);

  void add(DeliveryAttempt attempt);
  // What is not durable yet.
  std::size_t pending() const { return waiting_.size() + under_way_.size(); }
  // The log will still call back: the context has to live and run until then.
  bool appending() const { return appending_; }

 private:
  void gather();
  void append();
  void take(const AppendResult& result);
  void try_again();
  void catch_up();

  boost::asio::io_context& context_;
  EventLog& log_;
  JobStore& jobs_;
  const Clock& clock_;
  Random& random_;
  const std::function<void()> on_change_;
  const std::function<void(const std::string&)> on_failure_;
  const std::size_t batch_;
  const std::unique_ptr<Timer> timer_;         // until what is under way is tried again
  const std::unique_ptr<Timer> linger_timer_;  // until what waits has waited for long enough
  std::uint64_t version_;
  std::deque<DeliveryAttempt> waiting_;
  std::vector<DeliveryAttempt> under_way_;
  bool lingering_ = false;
  bool busy_ = false;       // under_way_ is not settled
  bool appending_ = false;  // the log has it
};

}  // namespace mintmark
