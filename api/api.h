#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/http/application.h"
#include "api/request_counters.h"
#include "api/routes.h"
#include "api/services.h"
#include "worker/outbound_address.h"

namespace mintmark {

// Mintmark as an HTTP application: forward-auth on the hot path, all else by the table of routes.
class Api final : public http::Application {
 public:
  // `services` must outlive it. `trusted_proxies` are the networks of the gateways in front of it
  // (api/client_address.h).
  explicit Api(Services& services, const ThrottleOptions& throttle = {},
               std::vector<AddressRange> trusted_proxies = {})
      : services_(services),
        throttle_(services.clock, services.random, throttle),
        trusted_proxies_(std::move(trusted_proxies)) {}

  bool answer_now(const http::Request& request, std::size_t thread, bool keep_alive,
                  std::string& out) override;
  awaitable<http::Response> answer(const http::Request& request, std::size_t thread) override;
  http::Response refusal(http::ProtocolError error) override;
  http::Response internal_error(std::string_view what) override;

  const RequestCounters& counters() const { return counters_; }

 private:
  awaitable<http::Response> route(const http::Request& request, std::size_t thread, Caller caller);
  // Calls the handler, and adds what reads and what changes have in common: positions and versions.
  awaitable<http::Response> answer_read(Context& context, const RouteMatch& match, std::size_t thread);
  awaitable<http::Response> answer_change(Context& context, const RouteMatch& match, std::size_t thread);

  // The answer to somebody at that address whom we do not know.
  http::Response refuse(const http::Request& request, const std::string& address, const Error& error);

  Services& services_;
  Throttle throttle_;
  const std::vector<AddressRange> trusted_proxies_;
  RequestCounters counters_;
};

}  // namespace mintmark
