#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "domain/error.h"
#include "domain/limits.h"

namespace mintmark {

// Threads for what blocks: reads from disk, or the hashing of passwords. Thread-safe.
class BlockingPool {
 public:
  // At most `jobs_max` jobs run and wait at once.
  explicit BlockingPool(std::size_t threads, std::size_t jobs_max = limits::blocking_queue_max)
      : jobs_max_(jobs_max), pool_(threads) {}
  // Finishes what is queued.
  ~BlockingPool() { pool_.join(); }

  // Runs `work`, which returns a Result, on a thread of the pool and resumes the caller on its own executor.
  // kUnavailable where there are as many jobs as there may be. What `work` throws is thrown here.
  template <class Work>
  boost::asio::awaitable<std::invoke_result_t<Work>> run(Work work) {
    using R = std::invoke_result_t<Work>;
    if (jobs_.fetch_add(1) >= jobs_max_) {
      jobs_.fetch_sub(1);
      co_return fail(ErrorKind::kUnavailable, "The server is busy; try again.");
    }
    auto initiate = [this](auto handler, Work job) {
      auto executor = boost::asio::prefer(boost::asio::get_associated_executor(handler),
                                          boost::asio::execution::outstanding_work.tracked);
      boost::asio::post(
          pool_, [this, executor, handler = std::move(handler), job = std::move(job)]() mutable {
            std::exception_ptr thrown;
            std::optional<R> result;
            try {
              result.emplace(job());
            } catch (...) {
              thrown = std::current_exception();  // rethrown where run() is awaited
            }
            jobs_.fetch_sub(1);
            boost::asio::post(executor,
                              [handler = std::move(handler), thrown, result = std::move(result)]() mutable {
                                std::move(handler)(thrown, std::move(result));
                              });
          });
    };
    auto result = co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>,
                                                       void(std::exception_ptr, std::optional<R>)>(
        std::move(initiate), boost::asio::use_awaitable, std::move(work));
    co_return std::move(*result);
  }

  // How many run or wait.
  std::size_t jobs() const { return jobs_; }

 private:
  const std::size_t jobs_max_;
  std::atomic<std::size_t> jobs_ = 0;
  boost::asio::thread_pool pool_;
};

}  // namespace mintmark
