#include "api/scans.h"

#include <atomic>
#include <cstddef>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include "tests/support/api_instance.h"

namespace mintmark::scans_test {
namespace {

using http::RequestBuilder;
using namespace ::mintmark::testing;

// Lists that an account keeps busy until they are let go.
class Busy {
 public:
  Busy(Scans& scans, AccountId account, std::size_t count)
      : thread_([this, &scans, account, count] {
          for (std::size_t i = 0; i < count; ++i) {
            boost::asio::co_spawn(context_, one(scans, account), boost::asio::detached);
          }
          boost::asio::post(context_, [this] { begun_.count_down(); });
          context_.run();
        }) {
    begun_.wait();
  }
  ~Busy() { let_go(); }

  // Returns once every thread is busy with one of them.
  void await_running() { running_.wait(); }
  void let_go() {
    if (!may_end_.try_wait()) may_end_.count_down();
  }

 private:
  awaitable<void> one(Scans& scans, AccountId account) {
    auto work = [this]() -> Result<http::Response> {
      if (started_.fetch_add(1) < thread_count_) running_.count_down();
      may_end_.wait();
      return http::Response{};
    };
    co_await scans.answer(account, std::move(work));
  }

  const std::ptrdiff_t thread_count_ = static_cast<std::ptrdiff_t>(Scans::thread_count());
  boost::asio::io_context context_;
  std::atomic<std::ptrdiff_t> started_ = 0;
  std::latch begun_{1};
  std::latch running_{thread_count_};
  std::latch may_end_{1};
  std::jthread thread_;
};

class ScansTest : public ::testing::Test {
 protected:
  http::Response list(const std::string& query) {
    return instance_.call(
        RequestBuilder("GET", "/public/v1/" + query).header("Authorization", "ApiKey " + key_));
  }

  ApiInstance instance_;
  const AccountId account_ = instance_.open_account("Acme");
  const std::string key_ = instance_.create_token(account_).value.key->text();
};

// It would not end if anything here waited for the busy threads.
TEST_F(ScansTest, WhatLooksThroughNothingDoesNotWaitForWhatLooksThroughAll) {
  Busy busy(instance_.services->scans, vendor(7), Scans::thread_count() + 3);
  busy.await_running();
  EXPECT_EQ(list("auth/tokens").status, 200);
  EXPECT_EQ(list("auth/tokens?limit=10&offset=5&select(-events)").status, 200);
  EXPECT_EQ(list("events?limit=2").status, 200);
  EXPECT_EQ(list("events?object.id=" + account_.text()).status, 200);
  EXPECT_EQ(list("modules?name=x").status, 200);
  EXPECT_NE(instance_.create_token(account_).row.token_id(), "");
}

TEST_F(ScansTest, AnAccountHasItsShareOfThemAndNoMore) {
  const Busy busy(instance_.services->scans, account_, limits::scans_per_account_max);
  for (const auto* refused : {"auth/tokens?name=x", "auth/tokens?ordering(name)", "auth/tokens?search=x",
                              "auth/tokens?offset=1001", "events?type=TokenCreated"}) {
    const auto response = list(refused);
    EXPECT_EQ(response.status, 429) << refused;
    EXPECT_EQ(header_of(response, "Retry-After"), "1") << refused;
  }
  EXPECT_EQ(list("auth/tokens").status, 200);
}

TEST_F(ScansTest, AllAccountsTogetherHaveNoMoreThanThereMayBe) {
  std::vector<std::unique_ptr<Busy>> busy;
  for (std::uint32_t i = 0; i < limits::scans_max / limits::scans_per_account_max; ++i) {
    busy.push_back(
        std::make_unique<Busy>(instance_.services->scans, vendor(10 + i), limits::scans_per_account_max));
  }
  EXPECT_EQ(list("auth/tokens?name=x").status, 503);
  for (const auto& one : busy) one->let_go();
  busy.clear();
  EXPECT_EQ(list("auth/tokens?name=x").status, 200);
}

}  // namespace
}  // namespace mintmark::scans_test
