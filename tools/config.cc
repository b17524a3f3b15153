#include "tools/config.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <optional>
#include <regex>
#include <sstream>
#include <system_error>

#include <boost/url/parse.hpp>
#include <fmt/format.h>
#include <toml++/toml.h>

#include "domain/limits.h"
#include "tools/modules_file.h"
#include "tools/setting_values.h"
#include "worker/outbound_policy.h"
#include "worker/outbound_url.h"

namespace mintmark {
namespace {

Result<void> set_listen(Config& config, const std::string& value) {
  auto listen = parse_listen_address(value);
  if (!listen) return std::unexpected(std::move(listen.error()));
  config.address = std::move(listen->address);
  config.port = listen->port;
  return {};
}

Result<void> set_metrics_listen(Config& config, const std::string& value) {
  auto listen = parse_listen_address(value);
  if (!listen) return std::unexpected(std::move(listen.error()));
  config.metrics_address = std::move(listen->address);
  config.metrics_port = listen->port;
  return {};
}

Result<void> set_threads(Config& config, const std::string& value) {
  constexpr std::size_t threads_max = 60;  // below AuthorizationIndex::readers_max
  const auto threads = parse_number<std::size_t>(value);
  if (!threads || *threads > threads_max) return fail(ErrorKind::kInvalid, "must be 0 to 60");
  config.threads = *threads;
  return {};
}

Result<void> set_secure_cookies(Config& config, const std::string& value) {
  return set_flag(config.secure_cookies, value);
}

// Only what can stand before a path: no query, fragment, user or password.
Result<void> set_public_url(Config& config, const std::string& value) {
  const auto url = boost::urls::parse_uri(value);
  const bool is_base =
      !url.has_error() &&
      (url->scheme_id() == boost::urls::scheme::http || url->scheme_id() == boost::urls::scheme::https) &&
      !url->host().empty() && !url->has_userinfo() && !url->has_query() && !url->has_fragment();
  if (!is_base)
    return fail(ErrorKind::kInvalid, "must be an http or https URL, such as https://tokens.example.com");
  config.public_url = value.substr(0, value.find_last_not_of('/') + 1);
  return {};
}

Result<void> set_slow_guessing(Config& config, const std::string& value) {
  return set_flag(config.slow_guessing, value);
}

Result<void> set_log_level(Config& config, const std::string& value) {
  constexpr std::array levels = {"debug", "info", "warn", "error"};
  if (std::ranges::find(levels, value) == levels.end()) {
    return fail(ErrorKind::kInvalid, "must be debug, info, warn or error");
  }
  config.log_level = value;
  return {};
}

Result<void> set_key_file(Config& config, const std::string& value) {
  if (value.empty()) return fail(ErrorKind::kInvalid, "must be a path");
  config.key_file = value;
  return {};
}

Result<void> set_modules_file(Config& config, const std::string& value) {
  auto modules = read_modules_file(value);
  if (!modules) return std::unexpected(std::move(modules.error()));
  config.modules = std::move(*modules);
  return {};
}

Result<void> set_request_rate(Config& config, const std::string& value) {
  const auto rate = parse_number<std::uint32_t>(value);
  if (!rate || *rate > limits::request_rate_max) return fail(ErrorKind::kInvalid, "must be 0 to 1000000");
  config.request_rate = *rate;
  return {};
}

Result<void> set_request_burst(Config& config, const std::string& value) {
  const auto burst = parse_number<std::uint32_t>(value);
  if (!burst || *burst == 0 || *burst > limits::request_rate_max) {
    return fail(ErrorKind::kInvalid, "must be 1 to 1000000");
  }
  config.request_burst = *burst;
  return {};
}

Result<void> set_tree_heads_file(Config& config, const std::string& value) {
  if (value.empty()) return fail(ErrorKind::kInvalid, "must be a path");
  config.tree_heads_file = value;
  return {};
}

Result<void> set_tree_head_key_file(Config& config, const std::string& value) {
  if (value.empty()) return fail(ErrorKind::kInvalid, "must be a path");
  config.tree_head_key_file = value;
  return {};
}

Result<void> set_tree_head_interval(Config& config, const std::string& value) {
  return set_interval(config.tree_head_interval_s, value);
}

Result<void> set_usage_interval(Config& config, const std::string& value) {
  return set_interval(config.usage_interval_s, value);
}

Result<void> set_verify_rate(Config& config, const std::string& value) {
  constexpr std::uint32_t rate_max = 10'000'000;
  const auto rate = parse_number<std::uint32_t>(value);
  if (!rate || *rate > rate_max) return fail(ErrorKind::kInvalid, "must be 0 to 10000000");
  config.verify_rate = *rate;
  return {};
}

Result<void> set_provisioning_url(Config& config, const std::string& value) {
  if (value.find('#') != std::string::npos || !parse_outbound_url(value))
    return fail(ErrorKind::kInvalid, "must be an http or https URL without user, password and fragment");
  config.provisioning_url = value;
  return {};
}

// The file holds the secret and perhaps a line's end.
Result<void> set_provisioning_secret_file(Config& config, const std::string& value) {
  std::ifstream file(value, std::ios::binary);
  std::string secret;
  std::getline(file, secret, '\0');  // whole, with the ends of its lines
  secret.erase(secret.find_last_not_of("\r\n") + 1);
  if (!file || secret.size() < limits::provisioning_secret_bytes_min ||
      secret.size() > limits::provisioning_secret_bytes_max) {
    return fail(ErrorKind::kInvalid,
                fmt::format("must be a file that holds a secret of {} to {} bytes",
                            limits::provisioning_secret_bytes_min, limits::provisioning_secret_bytes_max));
  }
  config.provisioning_secret = std::move(secret);
  return {};
}

Result<void> set_webhook_concurrency(Config& config, const std::string& value) {
  return set_count(config.webhook_concurrency, value, limits::worker_concurrency_max);
}

Result<void> set_webhook_concurrency_per_host(Config& config, const std::string& value) {
  return set_count(config.webhook_concurrency_per_host, value, limits::worker_concurrency_max);
}

Result<void> set_webhook_timeout(Config& config, const std::string& value) {
  return set_count(config.webhook_timeout, value, limits::webhook_timeout_s_max);
}

Result<void> set_webhook_history(Config& config, const std::string& value) {
  return set_count(config.webhook_history, value, limits::webhook_history_days_max);
}

Result<void> set_trusted_proxies(Config& config, const std::string& value) {
  return set_networks(config.trusted_proxies, value);
}

Result<void> set_webhook_networks(Config& config, const std::string& value) {
  return set_networks(config.webhook_networks, value);
}

Result<void> set_webhook_ports(Config& config, const std::string& value) {
  std::vector<std::uint16_t> ports;
  for (const auto& text : split_list(value)) {
    const auto port = parse_number<std::uint16_t>(text);
    if (!port) return fail(ErrorKind::kInvalid, "must be ports, separated by commas; 0 for any");
    ports.push_back(*port);
  }
  if (ports.empty()) return fail(ErrorKind::kInvalid, "must be ports, separated by commas; 0 for any");
  config.webhook_ports = std::move(ports);
  return {};
}

Result<void> set_webhook_ca_file(Config& config, const std::string& value) {
  if (!holds_certificates(value)) return fail(ErrorKind::kInvalid, "must be a file of certificates in PEM");
  config.webhook_ca_file = value;
  return {};
}

constexpr std::array setting_table = std::to_array<Setting>({
    {"listen", "ADDRESS:PORT that the server listens on (127.0.0.1:8080); [ADDRESS]:PORT for IPv6",
     set_listen},
    {"threads", "threads that serve requests; 0 is one a core (0)", set_threads},
    {"secure_cookies", "true where people reach the console over https (false)", set_secure_cookies},
    {"trusted_proxies",
     "networks of the gateways whose X-Forwarded-For tells the client: 10.0.0.0/8,::1/128 (none)",
     set_trusted_proxies},
    {"public_url", "the URL under which clients reach the server (http://ADDRESS:PORT of `listen`)",
     set_public_url},
    {"log_level", "debug, info, warn or error (info)", set_log_level},
    {"modules_file", "TOML file that maps the protected API's paths to modules (the platform's own)",
     set_modules_file},
    {"key_file", "the file with the key-encryption key (DIR/keys/key-encryption-key)", set_key_file},
    {"tree_heads_file", "the file that signed tree heads are appended to (DIR/tree-heads)",
     set_tree_heads_file},
    {"tree_head_key_file", "the file with the key that signs tree heads (tree-head-key beside the key file)",
     set_tree_head_key_file},
    {"tree_head_interval", "seconds from one signed tree head to the next; 0 is only on demand (3600)",
     set_tree_head_interval},
    {"usage_interval", "seconds from one record of when tokens were used last to the next; 0 is none (3600)",
     set_usage_interval},
    {"verify_rate", "events a second that are read again in the background; 0 is none (1000)",
     set_verify_rate},
    {"request_rate", "requests a second that one token or person may send; 0 is no limit (200)",
     set_request_rate},
    {"slow_guessing", "false where something in front slows down the guessing of keys and passwords (true)",
     set_slow_guessing},
    {"request_burst", "requests that one token or person may send at once (400)", set_request_burst},
    {"metrics_listen", "ADDRESS:PORT that metrics for Prometheus are served on, to anybody (nowhere)",
     set_metrics_listen},
    {"provisioning_url", "URL that is told of new and deleted Zapier tokens, and has to agree to new ones",
     set_provisioning_url},
    {"provisioning_secret_file", "file with the secret that signs the calls to the provisioning URL (none)",
     set_provisioning_secret_file},
    {"webhook_concurrency", "calls to webhooks under way at once (256)", set_webhook_concurrency},
    {"webhook_concurrency_per_host", "of them to one host and port (64)", set_webhook_concurrency_per_host},
    {"webhook_timeout", "seconds that a whole call may take (30)", set_webhook_timeout},
    {"webhook_networks", "networks that calls may go to beside public addresses: 10.0.0.0/8,::1/128 (none)",
     set_webhook_networks},
    {"webhook_ports", "ports that calls may go to; 0 for any (80,443)", set_webhook_ports},
    {"webhook_ca_file", "certificates in PEM that calls trust beside the system's (none)",
     set_webhook_ca_file},
    {"webhook_history", "days that deliveries are shown for (30)", set_webhook_history},
});

Result<void> apply(Config& config, std::string_view name, const std::string& value, std::string_view where) {
  const auto setting = std::ranges::find(setting_table, name, &Setting::name);
  if (setting == setting_table.end()) {
    return fail(ErrorKind::kInvalid, fmt::format("{}: there is no setting {}.", where, name));
  }
  const auto set = setting->set(config, value);
  if (set) return {};
  return fail(ErrorKind::kInvalid, fmt::format("{}: {} {}.", where, name, set.error().messages.front()));
}

// A TOML value in the text form that settings take.
std::optional<std::string> text_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  return std::nullopt;
}

Result<void> apply_file(Config& config, const std::string& path) {
  toml::table table;
  try {
    table = toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    std::ostringstream place;
    place << error.source().begin;
    return fail(ErrorKind::kInvalid, fmt::format("{}: {} ({}).", path, error.description(), place.str()));
  }
  for (const auto& [key, node] : table) {
    const auto text = text_of(node);
    if (!text)
      return fail(ErrorKind::kInvalid, fmt::format("{}: {} has a value of a wrong kind.", path, key.str()));
    if (auto applied = apply(config, key.str(), *text, path); !applied) return applied;
  }
  return {};
}

// Whether it is one of those that Kubernetes gives every pod beside a Service named mintmark or mintmark-…
// (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables). PORT alone is
// such a one only with a URL: else it is somebody's wrong setting.
bool is_of_kubernetes(const std::string& name, std::string_view value) {
  static const std::regex certain(
      "([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|"
      "PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)");
  if (std::regex_match(name, certain)) return true;
  return (name == "PORT" || name.ends_with("_PORT")) && value.find("://") != std::string_view::npos;
}

Result<void> apply_environment(Config& config, const char* const* environment) {
  constexpr std::string_view prefix = "MINTMARK_";
  for (; *environment; ++environment) {
    const std::string_view variable(*environment);
    if (!variable.starts_with(prefix)) continue;
    const auto equals = variable.find('=');
    std::string name(variable.substr(prefix.size(), equals - prefix.size()));
    if (is_of_kubernetes(name, variable.substr(equals + 1))) continue;
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const auto where = fmt::format("environment, {}", variable.substr(0, equals));
    auto applied = apply(config, name, std::string(variable.substr(equals + 1)), where);
    if (!applied) return applied;
  }
  return {};
}

}  // namespace

std::string Config::endpoint(std::uint16_t listening_port) const {
  if (!public_url.empty()) return public_url;
  // What listens everywhere is reached here as well.
  const auto host = address == "0.0.0.0" ? "127.0.0.1" : address == "::" ? "::1" : address;
  return host.find(':') == std::string::npos ? fmt::format("http://{}:{}", host, listening_port)
                                             : fmt::format("http://[{}]:{}", host, listening_port);
}

std::string Config::tree_head_key_path() const {
  if (!tree_head_key_file.empty()) return tree_head_key_file;
  return (std::filesystem::path(key_path()).parent_path() / "tree-head-key").string();
}

std::span<const Setting> settings() {
  return setting_table;
}

Result<Config> load_config(const std::string& data, const std::string& config_file, const Flags& flags,
                           const char* const* environment) {
  if (data.empty()) return fail(ErrorKind::kInvalid, "--data must name a folder.");
  Config config;
  config.data = data;
  auto file = data + "/mintmark.toml";
  std::error_code code;
  const bool is_there = std::filesystem::exists(file, code);
  if (code) return fail(ErrorKind::kUnavailable, fmt::format("{} cannot be read: {}.", data, code.message()));
  if (!config_file.empty()) file = config_file;
  if (!config_file.empty() || is_there) {
    if (auto applied = apply_file(config, file); !applied) return std::unexpected(applied.error());
  }
  if (auto applied = apply_environment(config, environment); !applied)
    return std::unexpected(applied.error());
  for (const auto& [name, value] : flags) {
    if (auto applied = apply(config, name, value, "flags"); !applied) return std::unexpected(applied.error());
  }
  return config;
}

}  // namespace mintmark
