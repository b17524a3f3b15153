#include "tools/worker_settings.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "domain/limits.h"
#include "worker/outbound_client.h"

namespace mintmark {

OutboundPolicy outbound_policy(const Config& config) {
  OutboundPolicy policy;
  policy.allowed_networks = config.webhook_networks;
  policy.allowed_ports = config.webhook_ports;
  policy.total_time_max = config.webhook_timeout;
  policy.connect_time_max =
      std::min<std::chrono::milliseconds>(policy.connect_time_max, policy.total_time_max);
  policy.first_byte_time_max =
      std::min<std::chrono::milliseconds>(policy.first_byte_time_max, policy.total_time_max);
  policy.idle_connections_per_host_max = config.webhook_concurrency_per_host;
  policy.idle_connections_max = 2 * config.webhook_concurrency;
  policy.extra_ca_file = config.webhook_ca_file;
  return policy;
}

WorkerOptions worker_options(const Config& config) {
  WorkerOptions options;
  options.concurrency = config.webhook_concurrency;
  options.concurrency_per_host = config.webhook_concurrency_per_host;
  // No call outlives its lease.
  options.lease = 2 * config.webhook_timeout + std::chrono::seconds(30);
  options.drain = limits::shutdown_drain_time_max;
  options.history = config.webhook_history;
  options.provisioning_url = config.provisioning_url;
  options.provisioning_secret = config.provisioning_secret;
  return options;
}

MakeSend make_send(const Config& config) {
  return [policy = outbound_policy(config)](boost::asio::io_context& context) {
    return Send([client = std::make_shared<OutboundClient>(context, policy)](OutboundRequest request) {
      return client->send(std::move(request));
    });
  };
}

}  // namespace mintmark
