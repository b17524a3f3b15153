#include "worker/timer.h"

#include <utility>

#include <boost/asio/steady_timer.hpp>

namespace mintmark {
namespace {

class SteadyTimer final : public Timer {
 public:
  explicit SteadyTimer(boost::asio::io_context& context) : timer_(context) {}

  void start(std::chrono::microseconds time, std::function<void()> done) override {
    timer_.expires_after(time);
    timer_.async_wait([done = std::move(done)](const boost::system::error_code& code) {
      if (!code) done();
    });
  }

 private:
  boost::asio::steady_timer timer_;
};

}  // namespace

std::unique_ptr<Timer> make_steady_timer(boost::asio::io_context& context) {
  return std::make_unique<SteadyTimer>(context);
}

}  // namespace mintmark
