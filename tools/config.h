#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/module_table.h"
#include "domain/error.h"
#include "worker/outbound_address.h"

namespace mintmark {

// Where everything is and how the server runs. From, in rising precedence: defaults, DIR/mintmark.toml (or
// the file that --config names), environment variables, flags.
struct Config {
  std::string data;  // the data folder
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;
  std::size_t threads = 0;  // io threads; 0: one a core
  bool secure_cookies = false;
  std::vector<AddressRange> trusted_proxies;  // whose X-Forwarded-For tells where a request comes from
  std::string public_url;  // without a slash at its end; empty: that of the address it listens on
  std::string log_level = "info";
  std::string key_file;  // empty: DIR/keys/key-encryption-key
  ModuleTable modules = ModuleTable::standard();

  std::uint32_t request_rate = 200;  // a second, for each token or person; 0: no limit
  std::uint32_t request_burst = 400;
  bool slow_guessing = true;

  std::string tree_heads_file;                // empty: DIR/tree-heads
  std::string tree_head_key_file;             // empty: tree-head-key beside the key-encryption key
  std::uint32_t tree_head_interval_s = 3600;  // 0: only on demand
  std::uint32_t usage_interval_s = 3600;      // 0: when tokens were used is not recorded
  std::uint32_t verify_rate = 1000;           // events a second, in the background; 0: not at all

  std::string metrics_address;  // empty: metrics are served nowhere
  std::uint16_t metrics_port = 0;

  std::string provisioning_url;     // empty: Zapier tokens need nobody's word
  std::string provisioning_secret;  // that calls to it are signed with; empty: they are not
  std::size_t webhook_concurrency = 256;
  std::size_t webhook_concurrency_per_host = 64;
  std::chrono::seconds webhook_timeout = std::chrono::seconds(30);
  std::vector<AddressRange> webhook_networks;  // that calls may go to beside the public ones
  std::vector<std::uint16_t> webhook_ports = {80, 443};
  std::string webhook_ca_file;  // certificates in PEM that are trusted beside the system's; empty: none
  std::chrono::days webhook_history = std::chrono::days(30);

  // Under which clients reach a server that listens on `listening_port`.
  std::string endpoint(std::uint16_t listening_port) const;

  std::string log_path() const { return data + "/log"; }
  std::string views_path() const { return data + "/views"; }
  std::string jobs_path() const { return data + "/jobs"; }
  std::string index_snapshot_path() const { return data + "/authorization-index"; }
  std::string admin_socket_path() const { return data + "/admin.sock"; }
  std::string key_path() const { return key_file.empty() ? data + "/keys/key-encryption-key" : key_file; }
  std::string tree_head_key_path() const;
  std::string tree_heads_path() const {
    return tree_heads_file.empty() ? data + "/tree-heads" : tree_heads_file;
  }
};

// A setting by its name in the file (listen); its variable is MINTMARK_LISTEN, its flag --listen.
struct Setting {
  std::string_view name;
  std::string_view help;
  // Takes the value in its text form; fails with what is wrong with it.
  Result<void> (*set)(Config& config, const std::string& value);
};
std::span<const Setting> settings();

// Flags as they were given: setting → value.
using Flags = std::map<std::string, std::string>;

// Reads file and environment under the flags. kInvalid, naming the setting and where it stands, for an
// unknown or a bad one; kUnavailable where the data folder is not to be read. `environment` is environ's
// form: NAME=value, ended by null.
Result<Config> load_config(const std::string& data, const std::string& config_file, const Flags& flags,
                           const char* const* environment);

}  // namespace mintmark
