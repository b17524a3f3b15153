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

// The threads for what blocks: reads from disk, password hashing. Thread-safe.
class BlockingPool {
 public:
  explicit BlockingPool(std::size_t threads) : pool_(threads) {}
  // Finishes what is queued.
  ~BlockingPool() { pool_.join(); }

  // Runs `work`, which returns a Result, on a thread of the pool and resumes the caller on its own executor.
  // kUnavailable where limits::blocking_queue_max jobs wait already. What `work` throws is thrown here.
  template <class Work>
  boost::asio::awaitable<std::invoke_result_t<Work>> run(Work work) {
    using R = std::invoke_result_t<Work>;
    if (waiting_.fetch_add(1) >= limits::blocking_queue_max) {
      waiting_.fetch_sub(1);
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
            waiting_.fetch_sub(1);
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

 private:
  std::atomic<std::size_t> waiting_ = 0;
  boost::asio::thread_pool pool_;
};

}  // namespace mintmark
