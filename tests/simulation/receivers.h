#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "tests/simulation/dice.h"
#include "tests/simulation/trace.h"
#include "worker/send.h"

namespace mintmark::testing {

// The other side of every call: a call waits until answer_one(), and is answered as the seed says, or not at
// all. Knows what each message was answered with.
class SimulatedReceivers {
 public:
  // Told of each call's message as it comes in.
  std::function<void(const std::string& message)> on_call = [](const std::string&) {};

  MakeSend make_send() {
    return [this](boost::asio::io_context&) {
      return Send([this](OutboundRequest request) { return send(std::move(request)); });
    };
  }

  std::size_t waiting() const { return calls_.size(); }
  // From here on everything is answered 200.
  void please() { pleased_ = true; }
  // Answers one of those that wait; tells how.
  std::string answer_one(Dice& dice) {
    const auto at = static_cast<std::ptrdiff_t>(dice.below(calls_.size()));
    auto call = std::move(calls_[static_cast<std::size_t>(at)]);
    calls_.erase(calls_.begin() + at);
    auto [said, outcome] = outcome_of(call.message, dice);
    call.answer({std::move(outcome), std::chrono::milliseconds(dice.between(1, 5000))});
    return fmt::format("{} is answered {}", call.message, said);
  }
  // Their process is gone.
  void drop_calls() { calls_.clear(); }

  // Whether a receiver has ever taken the message.
  bool has_taken(const std::string& message) const { return taken_.contains(message); }
  std::size_t taken() const { return taken_.size(); }

 private:
  using Outcome = std::expected<OutboundResponse, OutboundError>;
  struct Call {
    std::string message;
    std::move_only_function<void(OutboundResult)> answer;
  };

  std::pair<std::string, Outcome> outcome_of(const std::string& message, Dice& dice) {
    const auto chance = pleased_ ? 0 : dice.below(20);
    const auto error = [](OutboundFailure failure) { return std::unexpected(OutboundError{failure, ""}); };
    if (chance < 11 || chance == 19) taken_.insert(message);
    if (chance < 11) return {"200", OutboundResponse{200, {}}};
    if (chance == 11) return {"410", OutboundResponse{410, {}}};
    if (chance == 12) return {"429", OutboundResponse{429, std::chrono::seconds(dice.between(0, 600))}};
    if (chance < 15) return {"503", OutboundResponse{503, {}}};
    if (chance == 15) return {"301", OutboundResponse{301, {}}};
    if (chance < 18) return {"nothing in time", error(OutboundFailure::kTimeout)};
    if (chance == 18) return {"no connection", error(OutboundFailure::kConnect)};
    return {"200, which gets lost", error(OutboundFailure::kClosed)};
  }

  boost::asio::awaitable<OutboundResult> send(OutboundRequest request) {
    namespace asio = boost::asio;
    std::string message;
    for (const auto& [name, value] : request.headers) {
      if (name == "webhook-id") message = value;
    }
    on_call(message);
    auto initiate = [this](auto handler, std::string called) {
      auto executor =
          asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
      auto answer = [executor, handler = std::move(handler)](OutboundResult result) mutable {
        asio::post(executor, [handler = std::move(handler), result = std::move(result)]() mutable {
          std::move(handler)(std::move(result));
        });
      };
      calls_.push_back({std::move(called), std::move(answer)});
    };
    co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(OutboundResult)>(
        std::move(initiate), asio::use_awaitable, std::move(message));
  }

  std::vector<Call> calls_;
  std::set<std::string> taken_;
  bool pleased_ = false;
};

}  // namespace mintmark::testing
