#include "worker/outbound_call.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "worker/outbound_message.h"
#include "worker/outbound_response.h"
#include "worker/outbound_target.h"

namespace mintmark {
namespace {

namespace asio = boost::asio;

constexpr std::size_t addresses_tried_max = 4;

}  // namespace

OutboundCall::OutboundCall(OutboundShared shared, Clock::time_point started)
    : shared_(shared), end_(started + shared.policy.total_time_max), deadline_(end_) {
  shared_.calls.push_back(*this);
}

void OutboundCall::set_deadline(Clock::time_point deadline) {
  deadline_ = std::min(deadline, end_);
  timed_out_ = false;
}

void OutboundCall::enforce_deadline(Clock::time_point now) {
  if (timed_out_ || now < deadline_) return;
  timed_out_ = true;
  if (waiting_ != nullptr) waiting_->give_up();
  if (connection_) connection_->close();
}

// What a step fails with after its deadline says nothing; that it was late does.
std::unexpected<OutboundError> OutboundCall::fail(OutboundFailure failure, std::string reason) const {
  if (timed_out_) return std::unexpected(OutboundError{OutboundFailure::kTimeout, "It took too long."});
  return std::unexpected(OutboundError{failure, std::move(reason)});
}

asio::awaitable<OutboundCall::Outcome> OutboundCall::run(const OutboundRequest& request) {
  const auto& url = request.target->parsed();
  if (!url) co_return std::unexpected(url.error());
  if (auto refused = refuse_headers(request.headers)) {
    co_return std::unexpected(OutboundError{OutboundFailure::kInvalidUrl, std::move(*refused)});
  }
  if (auto checked = check_policy(*url, shared_.policy); !checked) {
    co_return std::unexpected(std::move(checked.error()));
  }
  const auto message = serialize_message(request);
  connection_ = shared_.pool.take({url->tls, url->host, url->port}, Clock::now());
  if (connection_) {
    auto outcome = co_await exchange(request, *url, message);
    const bool was_dead = !outcome && outcome.error().failure == OutboundFailure::kClosed && !answer_begun_;
    if (!was_dead) co_return outcome;
  }
  const auto opened = co_await open(*url);
  if (!opened) co_return std::unexpected(opened.error());
  co_return co_await exchange(request, *url, message);
}

asio::awaitable<std::expected<std::vector<asio::ip::address>, OutboundError>> OutboundCall::find_addresses(
    const OutboundUrl& url, Clock::time_point until) {
  if (url.address) co_return std::vector{*url.address};  // checked with the URL
  set_deadline(until);
  Lookups::Waiting waiting(shared_.context);
  waiting_ = &waiting;
  auto found = co_await shared_.lookups.find(waiting, url.host);
  waiting_ = nullptr;
  if (!found) co_return fail(OutboundFailure::kUnresolved, "Its host's name has not been looked up.");
  if (!*found) {
    co_return fail(OutboundFailure::kUnresolved, fmt::format("Its host is not found: {}", found->error()));
  }
  if ((*found)->empty()) co_return fail(OutboundFailure::kUnresolved, "Its host has no address.");
  for (const auto& address : **found) {
    const auto refused = refuse_address(address, shared_.policy.allowed_networks);
    if (refused) {
      co_return fail(OutboundFailure::kAddressRefused, fmt::format("Its host leads to {}.", *refused));
    }
  }
  co_return std::move(**found);
}

asio::awaitable<OutboundCall::Made> OutboundCall::open(const OutboundUrl& url) {
  const auto until = std::min(Clock::now() + shared_.policy.connect_time_max, end_);
  const auto addresses = co_await find_addresses(url, until);
  if (!addresses) co_return std::unexpected(addresses.error());
  auto connected = co_await connect(*addresses, url.port, until);
  if (!connected || !url.tls) co_return connected;
  set_deadline(until);
  auto reason = co_await connection_->secure(shared_.tls, url);
  if (!reason.empty()) co_return fail(OutboundFailure::kTls, std::move(reason));
  co_return Made();
}

// One after the other; an address that does not answer leaves the next its share of the time.
asio::awaitable<OutboundCall::Made> OutboundCall::connect(const std::vector<asio::ip::address>& addresses,
                                                          std::uint16_t port, Clock::time_point until) {
  Made made = fail(OutboundFailure::kConnect, "It has no address.");
  const auto tried = std::min(addresses.size(), addresses_tried_max);
  for (std::size_t i = 0; i < tried; ++i) {
    const auto now = Clock::now();
    set_deadline(now + (until - now) / static_cast<std::int64_t>(tried - i));
    connection_ = std::make_unique<OutboundConnection>(shared_.context);
    const auto error = co_await connection_->connect({addresses[i], port});
    if (!error && !timed_out_) co_return Made();
    made = fail(OutboundFailure::kConnect, error.message());
  }
  co_return made;
}

asio::awaitable<OutboundCall::Outcome> OutboundCall::exchange(const OutboundRequest& request,
                                                              const OutboundUrl& url,
                                                              const std::string& message) {
  set_deadline(end_);
  answer_begun_ = false;
  auto error = co_await connection_->write(message);
  // A receiver may answer and close before it has read everything: then the answer counts.
  if (error && timed_out_) co_return fail(OutboundFailure::kClosed, error.message());
  set_deadline(Clock::now() + shared_.policy.first_byte_time_max);
  OutboundResponseParser parser(request.target->method() == "HEAD");
  while (!parser.done() && !parser.failure() &&
         parser.body_bytes() <= shared_.policy.response_body_bytes_max) {
    error = co_await connection_->read();
    const bool begun = parser.started();
    const bool answered = parser.response().has_value();
    connection_->consume(parser.parse(connection_->received()));
    answer_begun_ = parser.started();
    if (error && !parser.done()) parser.parse_end();
    if (error) break;
    if (!answered && parser.response()) {
      set_deadline(Clock::now() + shared_.policy.body_time_max);
    } else if (!begun) {
      set_deadline(end_);
    }
  }
  if (!parser.response()) {
    if (parser.failure() == OutboundFailure::kTooLarge || error == asio::error::no_buffer_space) {
      co_return fail(OutboundFailure::kTooLarge, "The head of its answer is too large.");
    }
    if (parser.failure()) co_return fail(OutboundFailure::kMalformed, "Its answer is not HTTP.");
    co_return fail(OutboundFailure::kClosed, "It closed the connection before it had answered.");
  }
  const bool reusable =
      !error && !timed_out_ && parser.done() && parser.keeps_connection() && connection_->received().empty();
  if (reusable) shared_.pool.keep({url.tls, url.host, url.port}, std::move(connection_), Clock::now());
  connection_.reset();
  co_return *parser.response();
}

}  // namespace mintmark
