#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "api/authentication.h"
#include "api/conditions.h"
#include "api/errors.h"
#include "api/event_query.h"
#include "api/event_representation.h"
#include "api/handlers.h"
#include "api/http/body_source.h"

// Server-sent events (HTML, 9.2): an account's events as they happen.
//
// A stream that waits costs a timer and a place in the audit index's feed. An event wakes the streams of its
// account alone. Each then reads what has come since, asks anew who it is for, and waits again; so a client
// that reads slowly is behind, and nothing is kept for it.
namespace mintmark {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using Clock = std::chrono::steady_clock;

// An event and no comment: of a comment, scripts in browsers do not hear.
constexpr auto heartbeat_event = "event: heartbeat\ndata: {}\n\n";

// Before it asks again for what the server was too busy for.
constexpr std::chrono::milliseconds busy_pause{250};

// A wait that another thread may end.
class Wakeup {
 public:
  explicit Wakeup(asio::any_io_executor executor) : executor_(std::move(executor)), timer_(executor_) {}

  // From any thread, as long as somebody holds `self`.
  static void wake(const std::shared_ptr<Wakeup>& self) {
    if (self->posted_.exchange(true)) return;
    asio::post(self->executor_, [waiting = std::weak_ptr(self)] {
      const auto alive = waiting.lock();
      if (!alive) return;
      alive->posted_ = false;
      alive->woken_ = true;
      alive->timer_.cancel();
    });
  }

  // The rest on the executor's thread. Whether it was woken since it was last asked:
  bool take() { return std::exchange(woken_, false); }
  void end_wait() {
    woken_ = true;
    timer_.cancel();
  }
  // Until it is woken, at the latest until then; at once where it was woken already.
  awaitable<void> wait(Clock::time_point until) {
    if (woken_) co_return;
    timer_.expires_at(until);
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }

 private:
  asio::any_io_executor executor_;
  asio::steady_timer timer_;
  std::atomic<bool> posted_ = false;
  bool woken_ = false;
};

class EventStream final : public http::BodySource {
 public:
  EventStream(const Context& context, std::shared_ptr<Wakeup> wakeup, StreamSlots::Slot slot)
      : services_(context.services),
        request_(context.request),
        thread_(context.thread),
        caller_(context.caller),
        slot_(std::move(slot)),
        wakeup_(std::move(wakeup)),
        subscription_(services_.audit.feed(), caller_.account, [this] { Wakeup::wake(wakeup_); }) {}

  // To be called before the first next(): where it begins.
  void begin(std::uint64_t next, Position position) {
    next_ = next;
    greeting_ = fmt::format("retry: {}\nid: {}\n\n",
                            std::chrono::milliseconds(limits::event_stream_retry).count(), position);
  }

  awaitable<std::optional<std::string>> next() override;
  void end_soon() override {
    ending_ = true;
    wakeup_->end_wait();
  }

 private:
  // Whether the caller may still read; kUnavailable where that cannot be told now. Sets ends_at_.
  awaitable<Result<void>> check_caller();
  // The account's next events as they are sent, perhaps none, and what next_ is behind them. Blocks.
  struct Batch {
    std::string text;
    std::uint64_t next = 1;
  };
  Batch read_batch() const;

  Services& services_;
  const http::Request& request_;
  const std::size_t thread_;
  const Caller caller_;
  const StreamSlots::Slot slot_;
  const std::shared_ptr<Wakeup> wakeup_;
  const AccountFeed::Subscription subscription_;  // gone before wakeup_
  const EventQuery everything_ = EventQuery::compile(ListQuery{}).value();
  std::uint64_t next_ = 1;  // the number of the account's next event to send
  std::string greeting_;
  bool ending_ = false;
  const std::chrono::milliseconds heartbeat_ = services_.event_stream_heartbeat;
  Clock::time_point heartbeat_at_ = Clock::now() + heartbeat_;
  Clock::time_point ends_at_ = Clock::time_point::max();
};

awaitable<Result<void>> EventStream::check_caller() {
  auto authenticated = co_await authenticate(services_, request_, thread_, caller_);
  if (!authenticated) co_return std::unexpected(std::move(authenticated.error()));
  const auto& caller = authenticated->caller;
  if (caller.account != caller_.account) co_return fail(ErrorKind::kForbidden, "Another account's by now.");
  auto permitted = check_modules(services_, caller, request_);
  if (!permitted) co_return permitted;
  if (authenticated->ends_at) {
    ends_at_ = Clock::now() + (*authenticated->ends_at - services_.clock.now());
  }
  co_return check_access(caller, Access::kRead);
}

EventStream::Batch EventStream::read_batch() const {
  const auto slice = everything_.slice(services_.audit, caller_.account, next_, UINT64_MAX);
  Batch batch{"", slice.next};
  for (const auto& event : EventRepresentation(services_, caller_.account).events(slice.positions)) {
    batch.text += fmt::format("id: {}\nevent: change\ndata: {}\n\n",
                              event.at("position").to_number<Position>(), json::serialize(event));
  }
  return batch;
}

// The caller is asked for behind the reading: what has ended the session or the token was projected before it
// could be read here, so that it ends the stream too and is not sent any more.
awaitable<std::optional<std::string>> EventStream::next() {
  if (!greeting_.empty()) co_return std::exchange(greeting_, {});
  while (!ending_) {
    wakeup_->take();
    auto read = [this]() -> Result<Batch> { return read_batch(); };
    auto batch = co_await services_.blocking.run(std::move(read));
    auto may = Result<void>();
    if (batch) may = co_await check_caller();
    const auto now = Clock::now();
    const bool busy = !batch || (!may && may.error().kind == ErrorKind::kUnavailable);
    if (busy) {
      co_await wakeup_->wait(now + busy_pause);
      continue;
    }
    if (!may) break;
    next_ = batch->next;
    if (batch->text.empty() && now >= heartbeat_at_) batch->text = heartbeat_event;
    if (!batch->text.empty()) {
      heartbeat_at_ = now + heartbeat_;
      co_return std::move(batch->text);
    }
    co_await wakeup_->wait(std::min(heartbeat_at_, ends_at_));
  }
  co_return std::nullopt;
}

// Behind which position the client wants to read on; nothing where it says nothing of it.
Result<std::optional<Position>> read_start(const http::Request& request) {
  const auto parameter = find_parameter(request, "after");
  if (!parameter) return std::unexpected(parameter.error());
  // What a client sends by itself when it connects anew is later than what it was first told to ask for.
  const auto last = request.header("Last-Event-ID");
  const auto text = last ? last : std::optional<std::string_view>(*parameter);
  if (!text) return std::nullopt;
  const auto position = parse_position(*text);
  if (!position) {
    return fail(ErrorKind::kInvalid,
                fmt::format("{}: Must be a position, a whole number.", last ? "Last-Event-ID" : "after"));
  }
  return position;
}

// The account's events up to where a stream begins: how many they are, and the last one's position.
struct Start {
  std::uint64_t count = 0;
  Position position = 0;
};
Start find_start(const AuditIndex& index, AccountId account, std::optional<Position> after) {
  auto trail = index.trail(account);
  Start start{after ? trail.count_up_to(*after) : trail.count(), 0};
  if (start.count == 0) return start;
  trail.forward(start.count, [&start](std::uint64_t, const AuditEntry& entry) {
    start.position = entry.position;
    return false;
  });
  return start;
}

}  // namespace

awaitable<http::Response> stream_events(Context& context) {
  const auto after = read_start(context.request);
  if (!after) co_return error_response(after.error());
  auto slot = context.services.stream_slots.enter(context.caller.account);
  if (!slot) co_return no_stream_slot(slot.error());
  const auto executor = co_await asio::this_coro::executor;
  auto wakeup = std::make_shared<Wakeup>(executor);
  // It is in the feed before anybody looks where it begins: nothing is missed.
  const auto stream = std::make_shared<EventStream>(context, std::move(wakeup), std::move(*slot));
  auto find = [&context, &after]() -> Result<Start> {
    return find_start(context.services.audit, context.caller.account, *after);
  };
  const auto start = co_await context.services.blocking.run(std::move(find));
  if (!start) co_return error_response(start.error());
  stream->begin(start->count + 1, start->position);
  http::Response response{200, "text/event-stream", "", {{"Cache-Control", "no-store"}}};
  response.headers.emplace_back("X-Accel-Buffering", "no");  // nginx passes each event on at once
  response.source = stream;
  co_return response;
}

}  // namespace mintmark
