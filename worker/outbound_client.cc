#include "worker/outbound_client.h"

#include <algorithm>
#include <stdexcept>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>
#include <openssl/ssl.h>

#include "worker/outbound_call.h"

namespace mintmark {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

constexpr milliseconds sweep_interval_min{5};
constexpr milliseconds sweep_interval_max{250};

milliseconds sweep_interval(const OutboundPolicy& policy) {
  const auto finest = std::min(
      {policy.total_time_max, policy.connect_time_max, policy.first_byte_time_max, policy.body_time_max});
  return std::clamp(finest / 4, sweep_interval_min, sweep_interval_max);
}

asio::ssl::context make_tls(const OutboundPolicy& policy) {
  asio::ssl::context tls(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(tls.native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(tls.native_handle(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  tls.set_verify_mode(asio::ssl::verify_peer);
  tls.set_default_verify_paths();
  if (!policy.extra_ca_file.empty()) {
    boost::system::error_code error;
    tls.load_verify_file(policy.extra_ca_file, error);
    if (error)
      throw std::runtime_error(fmt::format("{}: holds no certificates in PEM", policy.extra_ca_file));
  }
  return tls;
}

}  // namespace

bool holds_certificates(const std::string& path) {
  asio::ssl::context tls(asio::ssl::context::tls_client);
  boost::system::error_code error;
  tls.load_verify_file(path, error);
  return !error;
}

// What outlives the client while calls are under way.
class OutboundClient::Calls : public std::enable_shared_from_this<Calls> {
 public:
  Calls(asio::io_context& context, OutboundPolicy policy)
      : context_(context),
        policy_(std::move(policy)),
        tls_(make_tls(policy_)),
        lookups_(context, policy_.resolve),
        pool_(policy_),
        timer_(context) {}

  // Holds on to what the call needs from now on, not from when it starts to run.
  static asio::awaitable<OutboundResult> send(std::shared_ptr<Calls> calls, OutboundRequest request) {
    const auto started = OutboundCall::Clock::now();
    OutboundCall call(
        {calls->context_, calls->policy_, calls->tls_, calls->lookups_, calls->pool_, calls->under_way_},
        started);
    calls->start_sweeping();
    auto outcome = co_await call.run(request);
    const auto duration = OutboundCall::Clock::now() - started;
    co_return OutboundResult{std::move(outcome),
                             std::chrono::duration_cast<std::chrono::microseconds>(duration)};
  }

  void end() {
    ended_ = true;
    pool_.clear();
    if (under_way_.empty()) timer_.cancel();
  }

 private:
  void start_sweeping() {
    if (sweeping_) return;
    sweeping_ = true;
    timer_.expires_after(sweep_interval(policy_));
    timer_.async_wait([calls = weak_from_this()](const boost::system::error_code&) {
      if (const auto self = calls.lock()) self->sweep();
    });
  }

  // Goes on while there is anything to end; so a context without calls runs dry.
  void sweep() {
    sweeping_ = false;
    const auto now = OutboundCall::Clock::now();
    for (auto& call : under_way_) call.enforce_deadline(now);
    pool_.expire(now);
    if (ended_) pool_.clear();
    if (!under_way_.empty() || pool_.size() > 0) start_sweeping();
  }

  asio::io_context& context_;
  const OutboundPolicy policy_;
  asio::ssl::context tls_;
  Lookups lookups_;
  OutboundPool pool_;
  OutboundCalls under_way_;
  asio::steady_timer timer_;
  bool sweeping_ = false;
  bool ended_ = false;
};

OutboundClient::OutboundClient(asio::io_context& context, OutboundPolicy policy)
    : calls_(std::make_shared<Calls>(context, std::move(policy))) {}

OutboundClient::~OutboundClient() {
  calls_->end();
}

asio::awaitable<OutboundResult> OutboundClient::send(OutboundRequest request) {
  return Calls::send(calls_, std::move(request));
}

}  // namespace mintmark
