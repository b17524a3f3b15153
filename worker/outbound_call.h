#pragma once

#include <chrono>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/intrusive/list.hpp>

#include "worker/outbound_client.h"
#include "worker/outbound_connection.h"
#include "worker/outbound_lookup.h"
#include "worker/outbound_policy.h"
#include "worker/outbound_pool.h"
#include "worker/outbound_url.h"

namespace mintmark {

class OutboundCall;

using OutboundCallHook =
    boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
using OutboundCalls = boost::intrusive::list<OutboundCall, boost::intrusive::base_hook<OutboundCallHook>,
                                             boost::intrusive::constant_time_size<false>>;

// What the calls of one client share. Of the context's thread.
struct OutboundShared {
  boost::asio::io_context& context;
  const OutboundPolicy& policy;
  boost::asio::ssl::context& tls;
  Lookups& lookups;
  OutboundPool& pool;
  OutboundCalls& calls;
};

// One call under way. There is no timer per step: each sets a deadline, and the client's sweep ends what is
// late, whatever it waits for.
class OutboundCall : public OutboundCallHook {
 public:
  using Clock = OutboundConnection::Clock;
  using Outcome = std::expected<OutboundResponse, OutboundError>;

  // Enters itself among the calls.
  OutboundCall(OutboundShared shared, Clock::time_point started);
  OutboundCall(const OutboundCall&) = delete;
  OutboundCall& operator=(const OutboundCall&) = delete;

  // It must live until that is through.
  boost::asio::awaitable<Outcome> run(const OutboundRequest& request);

  // Ends the step under way where its deadline has passed. For the sweep.
  void enforce_deadline(Clock::time_point now);

 private:
  using Made = std::expected<void, OutboundError>;

  void set_deadline(Clock::time_point deadline);
  std::unexpected<OutboundError> fail(OutboundFailure failure, std::string reason) const;
  boost::asio::awaitable<std::expected<std::vector<boost::asio::ip::address>, OutboundError>> find_addresses(
      const OutboundUrl& url, Clock::time_point until);
  boost::asio::awaitable<Made> open(const OutboundUrl& url);
  boost::asio::awaitable<Made> connect(const std::vector<boost::asio::ip::address>& addresses,
                                       std::uint16_t port, Clock::time_point until);
  boost::asio::awaitable<Outcome> exchange(const OutboundRequest& request, const OutboundUrl& url,
                                           const std::string& message);

  OutboundShared shared_;
  const Clock::time_point end_;
  Clock::time_point deadline_;
  bool timed_out_ = false;
  bool answer_begun_ = false;
  Lookups::Waiting* waiting_ = nullptr;
  std::unique_ptr<OutboundConnection> connection_;
};

}  // namespace mintmark
