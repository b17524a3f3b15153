#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <optional>
#include <thread>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "api/admin_socket.h"
#include "api/api.h"
#include "api/http/server.h"
#include "api/metrics.h"
#include "domain/limits.h"
#include "tools/commands.h"
#include "tools/instance.h"
#include "tools/process.h"
#include "tools/upkeep.h"
#include "tools/worker_settings.h"
#include "worker/token_expiry.h"
#include "worker/usage_recorder.h"

namespace mintmark {
namespace {

// Ends the main thread's wait: a signal, or the first failure of something that must not fail.
class StopRequest {
 public:
  // From here on a signal ends the wait, and before it the process: an opening may last as long as a replay
  // of the whole log, and the log is safe whenever it is cut short.
  void take_signals() {
    signals_.emplace(context_, SIGINT, SIGTERM);
    signals_->async_wait([this](const boost::system::error_code& code, int) {
      if (!code) context_.stop();
    });
  }
  void wait() { context_.run(); }

  // From any thread.
  void fail(const std::string& reason) {
    spdlog::critical("stopping: {}", reason);
    failed_ = true;
    context_.stop();
  }
  bool failed() const { return failed_; }

 private:
  boost::asio::io_context context_{1};
  std::optional<boost::asio::signal_set> signals_;
  std::atomic<bool> failed_ = false;
};

std::string shown_address(const std::string& address, std::uint16_t port) {
  return address.find(':') == std::string::npos ? fmt::format("{}:{}", address, port)
                                                : fmt::format("[{}]:{}", address, port);
}

// Clients must not take the descriptors that the log, the views and the worker need: a log that cannot open
// its next file stops the server. What is kept back is more than those have ever been seen to use.
std::size_t connections_per_thread(const Config& config, std::size_t open_files_max, std::size_t threads) {
  constexpr std::size_t kept_for_files = 256;
  const auto kept = kept_for_files + 3 * config.webhook_concurrency;  // calls, and connections kept open
  const auto left = open_files_max - std::min(open_files_max, kept);
  const auto connections = std::max(left, open_files_max / 4) / threads;
  return std::clamp<std::size_t>(connections, 1, limits::connections_per_thread_max);
}

// Listens; serves once started.
Result<std::unique_ptr<http::Server>> listen(const http::ServerOptions& options,
                                             http::Application& application) {
  try {
    return std::make_unique<http::Server>(options, application);
  } catch (const boost::system::system_error& error) {
    return fail(ErrorKind::kUnavailable,
                fmt::format("cannot listen on {}: {}.", shown_address(options.address, options.port),
                            error.code().message()));
  }
}

http::ServerOptions server_options(const Config& config, std::size_t open_files_max) {
  http::ServerOptions options;
  options.address = config.address;
  options.port = config.port;
  options.threads = config.threads > 0 ? config.threads : std::max(1U, std::thread::hardware_concurrency());
  options.connections_per_thread_max = connections_per_thread(config, open_files_max, options.threads);
  options.warn = [](const std::string& line) { spdlog::warn("{}", line); };
  return options;
}

http::ServerOptions metrics_server_options(const Config& config) {
  http::ServerOptions options;
  options.address = config.metrics_address;
  options.port = config.metrics_port;
  options.connections_per_thread_max = limits::metrics_connections_max;
  return options;
}

int serve(const Config& config, bool as_json) {
  if (auto checked = AdminSocket::check_path(config.admin_socket_path()); !checked)
    return report(checked.error());
  spdlog::set_level(spdlog::level::from_str(config.log_level));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v", spdlog::pattern_time_type::utc);
  const auto open_files_max = raise_open_files_limit();
  ignore_closed_pipes();
  StopRequest stop;
  const auto on_failure = [&](const std::string& reason) { stop.fail(reason); };
  // Destroyed last: what still runs on other threads may answer to their io threads until then.
  Result<std::unique_ptr<http::Server>> server;
  Result<std::unique_ptr<http::Server>> metrics_server;

  auto instance = Instance::open(config, on_failure);
  if (!instance) return report(instance.error());
  stop.take_signals();
  if (const auto kept = (*instance)->log->keep_reserve(limits::reserve_disk_bytes); !kept)
    spdlog::warn("{}", kept.error().messages.front());
  Services& services = *(*instance)->services;
  Api api(services, {config.request_rate, config.request_burst, config.slow_guessing},
          config.trusted_proxies);
  server = listen(server_options(config, open_files_max), api);
  if (!server) return report(server.error());
  // The port is known now, and nothing that tells it has started.
  services.public_url = config.endpoint((*server)->port());
  services.told_url = config.public_url;
  services.calls.set_public_url(services.public_url);
  Worker worker({services.log, services.jobs, services.calls, services.clock, services.random},
                worker_options(config), make_send(config), on_failure);
  const TokenExpiry expiry(services.log, services.token_list, services.projector, services.clock,
                           services.random, on_failure);
  Upkeep::Options upkept{std::chrono::seconds(config.tree_head_interval_s), config.verify_rate};
  upkept.vault_problem = [&services](const VaultRow& row) { return services.vault.row_problem(row); };
  const Upkeep upkeep({*(*instance)->log, *(*instance)->tree_heads, services.authorization_index,
                       config.index_snapshot_path(), services.clock, services.damage_found,
                       services.signed_position, services.verified_at_s},
                      std::move(upkept));
  // After the upkeep, so that the last signed tree head has what this records at the end.
  std::optional<UsageRecorder> usage;
  if (config.usage_interval_s > 0) {
    usage.emplace(services.log, services.authorization_index, services.projector, services.clock,
                  services.random, std::chrono::seconds(config.usage_interval_s), on_failure);
  }
  AdminSocket admin_socket(config.admin_socket_path(), *(*instance)->administration);
  MetricsPage metrics({services, api, worker.counters(), (*server)->connections(), config.data});
  if (!config.metrics_address.empty()) {
    metrics_server = listen(metrics_server_options(config), metrics);
    if (!metrics_server) return report(metrics_server.error());
    (*metrics_server)->start();
    spdlog::info("metrics are at http://{}/metrics",
                 shown_address(config.metrics_address, (*metrics_server)->port()));
  }
  (*server)->start();
  spdlog::info("mintmark {} serves http://{} from {} ({} events)", MINTMARK_VERSION,
               shown_address(config.address, (*server)->port()), config.data, services.log.head());
  if (as_json) {
    fmt::print("{}\n", boost::json::serialize(boost::json::object{{"url", services.public_url}}));
    std::fflush(stdout);
  }
  stop.wait();
  spdlog::info("stopping");
  (*server)->stop(limits::shutdown_drain_time_max);
  if (*metrics_server) (*metrics_server)->stop(limits::shutdown_drain_time_max);
  return stop.failed() ? kFailed : kDone;
}

}  // namespace

void add_serve(CLI::App& program, int& exit_code) {
  auto* command = program.add_subcommand("serve", "Serve the API until SIGINT or SIGTERM");
  auto options = std::make_shared<CommonOptions>();
  auto as_json = std::make_shared<bool>(false);
  options->add_to(*command);
  command->add_flag("--json", *as_json, "Print {\"url\": …}, where clients reach it, once it serves");
  command->callback([options, as_json, &exit_code] {
    const auto config = options->load();
    exit_code = config ? serve(*config, *as_json) : report(config.error());
  });
}

}  // namespace mintmark
