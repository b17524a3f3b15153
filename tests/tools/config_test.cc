#include "tools/config.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <fstream>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/log_folder.h"

namespace mintmark::config_test {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryFolder;
using testing::write_file;

class ConfigTest : public ::testing::Test {
 protected:
  ConfigTest() { std::filesystem::create_directories(data_); }

  Result<Config> load(const Flags& flags = {}, const std::string& config_file = "") {
    std::vector<const char*> environment;
    environment.reserve(environment_.size() + 1);
    for (const auto& variable : environment_) environment.push_back(variable.c_str());
    environment.push_back(nullptr);
    return load_config(data_, config_file, flags, environment.data());
  }
  void write(const std::string& text) { write_file(data_ + "/mintmark.toml", text); }
  std::string refusal(const Flags& flags = {}, const std::string& config_file = "") {
    const auto config = load(flags, config_file);
    if (config) return "";
    EXPECT_EQ(config.error().kind, ErrorKind::kInvalid);
    return config.error().messages.front();
  }

  TemporaryFolder folder_;
  const std::string data_ = folder_.file("data");
  std::vector<std::string> environment_ = {"PATH=somewhere", "MINTMAR=1"};
};

TEST_F(ConfigTest, WithoutAnythingTheDefaultsHold) {
  const auto config = load();
  ASSERT_TRUE(config);
  EXPECT_EQ(config->data, data_);
  EXPECT_EQ(config->address, "127.0.0.1");
  EXPECT_EQ(config->port, 8080);
  EXPECT_EQ(config->threads, 0);
  EXPECT_FALSE(config->secure_cookies);
  EXPECT_EQ(config->log_level, "info");
  EXPECT_EQ(config->key_path(), data_ + "/keys/key-encryption-key");
}

struct GoodValue {
  std::string setting;
  std::string value;
  // What it does, and the defaults do not.
  std::function<bool(const Config&)> has_effect;
};

// One for each setting; `modules` and `secret` are files.
std::vector<GoodValue> good_values(const std::string& modules, const std::string& secret) {
  using C = const Config&;
  const std::string authorities = "/etc/ssl/certs/ca-certificates.crt";
  return {
      {"listen", "0.0.0.0:1", [](C c) { return c.address == "0.0.0.0" && c.port == 1; }},
      {"threads", "3", [](C c) { return c.threads == 3; }},
      {"secure_cookies", "true", [](C c) { return c.secure_cookies; }},
      {"public_url", "https://a.example", [](C c) { return c.endpoint(1) == "https://a.example"; }},
      {"trusted_proxies", "10.0.0.0/8", [](C c) { return c.trusted_proxies.size() == 1; }},
      {"log_level", "warn", [](C c) { return c.log_level == "warn"; }},
      {"modules_file", modules, [](C c) { return c.modules.modules().size() == 1; }},
      {"key_file", "k", [](C c) { return c.key_path() == "k"; }},
      {"tree_heads_file", "/mnt/heads", [](C c) { return c.tree_heads_path() == "/mnt/heads"; }},
      {"tree_head_key_file", "/mnt/key", [](C c) { return c.tree_head_key_path() == "/mnt/key"; }},
      {"tree_head_interval", "9", [](C c) { return c.tree_head_interval_s == 9; }},
      {"usage_interval", "60", [](C c) { return c.usage_interval_s == 60; }},
      {"verify_rate", "10", [](C c) { return c.verify_rate == 10; }},
      {"request_rate", "7", [](C c) { return c.request_rate == 7; }},
      {"request_burst", "8", [](C c) { return c.request_burst == 8; }},
      {"slow_guessing", "false", [](C c) { return !c.slow_guessing; }},
      {"metrics_listen", "[::1]:2", [](C c) { return c.metrics_address == "::1" && c.metrics_port == 2; }},
      {"provisioning_url", "http://b.example/x",
       [](C c) { return c.provisioning_url == "http://b.example/x"; }},
      {"provisioning_secret_file", secret,
       [](C c) { return c.provisioning_secret == "sixteen bytes or more"; }},
      {"webhook_concurrency", "11", [](C c) { return c.webhook_concurrency == 11; }},
      {"webhook_concurrency_per_host", "12", [](C c) { return c.webhook_concurrency_per_host == 12; }},
      {"webhook_timeout", "13", [](C c) { return c.webhook_timeout == std::chrono::seconds(13); }},
      {"webhook_networks", "10.0.0.0/8", [](C c) { return c.webhook_networks.size() == 1; }},
      {"webhook_ports", "8080", [](C c) { return c.webhook_ports == std::vector<std::uint16_t>{8080}; }},
      {"webhook_ca_file", authorities, [authorities](C c) { return c.webhook_ca_file == authorities; }},
      {"webhook_history", "14", [](C c) { return c.webhook_history == std::chrono::days(14); }},
  };
}

TEST_F(ConfigTest, TheFileTheEnvironmentAndFlagsSetEverySetting) {
  const auto modules = folder_.file("modules.toml");
  write_file(modules, "[[module]]\nid = \"MD-0001\"\nname = \"A\"\nrules = [\"/a\"]\n");
  const auto secret = folder_.file("secret");
  write_file(secret, "sixteen bytes or more\n");
  const auto good = good_values(modules, secret);
  std::set<std::string, std::less<>> named;
  for (const auto& [setting, value, has_effect] : good) {
    SCOPED_TRACE(setting);
    named.insert(setting);
    const auto defaults = load();
    ASSERT_TRUE(defaults);
    EXPECT_FALSE(has_effect(*defaults));
    const bool plain =
        value == "true" || value == "false" || value.find_first_not_of("0123456789") == value.npos;
    write(setting + " = " + (plain ? value : '"' + value + '"') + "\n");
    const auto from_file = load();
    EXPECT_TRUE(from_file && has_effect(*from_file));
    write("");
    std::string variable = "MINTMARK_" + setting;
    std::ranges::transform(variable, variable.begin(), [](unsigned char c) { return std::toupper(c); });
    environment_.push_back(variable + "=" + value);
    const auto from_environment = load();
    EXPECT_TRUE(from_environment && has_effect(*from_environment));
    environment_.pop_back();
    const auto from_flags = load({{setting, value}});
    EXPECT_TRUE(from_flags && has_effect(*from_flags));
  }
  for (const auto& setting : settings()) EXPECT_TRUE(named.contains(setting.name)) << setting.name;
}

TEST_F(ConfigTest, ClientsAreToldThePublicUrlOrTheAddressThatItListensOn) {
  EXPECT_EQ(load({{"public_url", "https://tokens.example.com/"}})->endpoint(1), "https://tokens.example.com");
  EXPECT_EQ(load({{"public_url", "http://a.example:81/mint/"}})->endpoint(1), "http://a.example:81/mint");
  EXPECT_EQ(load()->endpoint(8081), "http://127.0.0.1:8081");
  EXPECT_EQ(load({{"listen", "0.0.0.0:0"}})->endpoint(5), "http://127.0.0.1:5");
  EXPECT_EQ(load({{"listen", "[::]:0"}})->endpoint(5), "http://[::1]:5");
}

TEST_F(ConfigTest, TheEnvironmentCountsMoreThanTheFileAndFlagsMoreThanBoth) {
  write("threads = 1\nlog_level = \"warn\"\nlisten = \"10.0.0.1:1\"\n");
  environment_.emplace_back("MINTMARK_THREADS=2");
  environment_.emplace_back("MINTMARK_LOG_LEVEL=error");
  const auto config = load({{"threads", "3"}});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->threads, 3);
  EXPECT_EQ(config->log_level, "error");
  EXPECT_EQ(config->address, "10.0.0.1");
}

TEST_F(ConfigTest, AFileThatWasNamedCountsInsteadOfTheFolders) {
  write("threads = 1\n");
  write_file(folder_.path() / "other.toml", "log_level = \"warn\"\n");
  const auto config = load({}, folder_.file("other.toml"));
  ASSERT_TRUE(config);
  EXPECT_EQ(config->threads, 0);
  EXPECT_EQ(config->log_level, "warn");
}

TEST_F(ConfigTest, AFileThatWasNamedMustBeThere) {
  EXPECT_THAT(refusal({}, folder_.file("missing.toml")), HasSubstr("missing.toml"));
}

TEST_F(ConfigTest, AnUnknownSettingIsRefusedWithItsNameAndPlace) {
  write("listne = \"x\"\n");
  EXPECT_THAT(refusal(), HasSubstr(data_ + "/mintmark.toml: there is no setting listne."));
  write("");
  EXPECT_EQ(refusal({{"no_such", "1"}}), "flags: there is no setting no_such.");
  environment_.emplace_back("MINTMARK_LISTNE=x");
  EXPECT_EQ(refusal(), "environment, MINTMARK_LISTNE: there is no setting listne.");
}

TEST_F(ConfigTest, WhatKubernetesTellsOfServicesOfThisNameIsNoSetting) {
  for (const auto variable :
       {"SERVICE_HOST=10.96.1.2", "SERVICE_PORT=80", "SERVICE_PORT_HTTP=80", "PORT=tcp://10.96.1.2:80",
        "PORT_80_TCP=tcp://10.96.1.2:80", "PORT_80_TCP_PROTO=tcp", "PORT_80_TCP_PORT=80",
        "PORT_80_TCP_ADDR=10.96.1.2", "METRICS_SERVICE_HOST=10.96.1.3", "METRICS_PORT=udp://10.96.1.3:9",
        "METRICS_PORT_9_UDP_ADDR=10.96.1.3"}) {
    environment_.push_back(std::string("MINTMARK_") + variable);
  }
  environment_.emplace_back("MINTMARK_THREADS=2");
  const auto config = load();
  ASSERT_TRUE(config) << config.error().messages.front();
  EXPECT_EQ(config->threads, 2);
  environment_.emplace_back("MINTMARK_PORT=8080");
  EXPECT_EQ(refusal(), "environment, MINTMARK_PORT: there is no setting port.");
}

TEST_F(ConfigTest, AFileThatIsNoTomlIsRefusedWithThePlace) {
  write("threads = 1\nlisten = \n");
  EXPECT_THAT(refusal(), HasSubstr("line 2"));
}

TEST_F(ConfigTest, AValueOfAWrongKindIsRefused) {
  for (const auto value : {"[1]", "{ a = 1 }", "1.5", "2001-01-01"}) {
    write(std::string("threads = ") + value + "\n");
    EXPECT_THAT(refusal(), HasSubstr("threads has a value of a wrong kind.")) << value;
  }
}

TEST_F(ConfigTest, AModulesFileMapsPathsToModules) {
  const auto path = data_ + "/modules.toml";
  const auto load_modules = [&](const std::string& text) {
    std::ofstream(path) << text;
    return refusal({{"modules_file", path}});
  };
  EXPECT_EQ(load_modules(
                "unmapped_paths = \"allow\"\n[[module]]\nid = \"MD-0001\"\nname = \"A\"\nrules = [\"/a\"]\n"),
            "");
  EXPECT_THAT(load_modules("unmapped_paths = \"maybe\"\n"), HasSubstr("unmapped_paths must be"));
  EXPECT_THAT(load_modules("modules = 1\n"), HasSubstr("there is no modules"));
  EXPECT_THAT(load_modules("[[module]]\nid = \"MD-1\"\nname = \"A\"\n"), HasSubstr("its id must be MD-0001"));
  EXPECT_THAT(load_modules("[[module]]\nid = \"MD-0001\"\nname = \"A\"\nrules = [1]\n"),
              HasSubstr("a module's rules must be strings"));
  EXPECT_THAT(load_modules("[[module]]\nid = \"MD-0001\"\nname = \"A\"\nrules = [\"a\"]\n"),
              HasSubstr("its path must be /segment/"));
  EXPECT_THAT(load_modules("[[module]]\ncolour = \"red\"\n"), HasSubstr("a module has no colour"));
  EXPECT_THAT(load_modules("="), HasSubstr("which says"));
  EXPECT_THAT(refusal({{"modules_file", data_ + "/none.toml"}}), HasSubstr("flags: modules_file names"));
}

TEST_F(ConfigTest, EverySettingRefusesWhatItCannotTake) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> bad = {
      {"listen",
       {"", "localhost", ":8080", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1",
        "127.0.0.1:1 ", "localhost:8080", "127.0.0.256:1"}},
      {"threads", {"", "-1", "61", "two", "1.5", " 1"}},
      {"secure_cookies", {"", "yes", "1", "TRUE"}},
      {"log_level", {"", "trace", "INFO"}},
      {"public_url",
       {"", "tokens.example.com", "ftp://a.example", "https://", "https://u:p@a.example",
        "https://a.example?x", "https://a.example#x", "https://a example"}},
      {"key_file", {""}},
      {"request_rate", {"", "-1", "1000001", "many", "1.5"}},
      {"slow_guessing", {"", "yes", "0", "False"}},
      {"tree_heads_file", {""}},
      {"tree_head_key_file", {""}},
      {"tree_head_interval", {"", "-1", "604801", "1h"}},
      {"usage_interval", {"", "-1", "604801", "1h"}},
      {"verify_rate", {"", "-1", "10000001", "fast"}},
      {"request_burst", {"", "0", "-1", "1000001"}},
      {"provisioning_url", {"", "example.com", "ftp://a", "http://u:p@a", "http://a/#f"}},
      {"webhook_concurrency", {"", "0", "-1", "4097", "many"}},
      {"webhook_concurrency_per_host", {"", "0", "-1", "4097"}},
      {"webhook_timeout", {"", "0", "301", "1.5"}},
      {"trusted_proxies", {"10.0.0.1", "10.0.0.1/8", "10.0.0.0/33", "localhost/8", "::1/128 10.0.0.0/8"}},
      {"webhook_networks", {"10.0.0.0", "10.0.0.0/33", "localhost", "10.0.0.0/8,x"}},
      {"webhook_ports", {"", ",", "x", "65536", "-1", "80,x"}},
      {"webhook_history", {"", "0", "3651"}},
      {"webhook_ca_file", {"", "/", "/dev/null", "/no/such/file"}},
      {"provisioning_secret_file", {"", "/", "/dev/null", "/no/such/file"}},
      {"metrics_listen", {"", "localhost:1", ":8080", "127.0.0.1"}},
  };
  EXPECT_EQ(bad.size() + 1, settings().size());  // modules_file has a test of its own
  for (const auto& [name, values] : bad) {
    for (const auto& value : values) {
      EXPECT_THAT(refusal({{name, value}}), HasSubstr("flags: " + name + " must be")) << value;
    }
  }
}

TEST_F(ConfigTest, WhereWebhooksMayGoIsAListOfNetworksAndPorts) {
  auto config = load();
  EXPECT_TRUE(config->webhook_networks.empty());
  EXPECT_EQ(config->webhook_ports, (std::vector<std::uint16_t>{80, 443}));
  config = load({{"webhook_networks", "10.0.0.0/8, ::1/128"}, {"webhook_ports", "0,8080"}});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->webhook_networks.size(), 2);
  EXPECT_EQ(config->webhook_ports, (std::vector<std::uint16_t>{0, 8080}));
  EXPECT_TRUE(load({{"webhook_networks", ""}})->webhook_networks.empty());
  EXPECT_EQ(load({{"public_url", "https://a.example/x/"}})->public_url, "https://a.example/x");
  EXPECT_EQ(load({{"webhook_timeout", "300"}})->webhook_timeout, std::chrono::seconds(300));
  EXPECT_EQ(load({{"webhook_history", "1"}})->webhook_history, std::chrono::days(1));
}

TEST_F(ConfigTest, ASecretFileHoldsTheSecretAndPerhapsALinesEnd) {
  const auto path = folder_.file("secret");
  write_file(path, "a secret of some length\r\n");
  EXPECT_EQ(load({{"provisioning_secret_file", path}})->provisioning_secret, "a secret of some length");
  write_file(path, "too short\n");
  EXPECT_THAT(refusal({{"provisioning_secret_file", path}}), HasSubstr("must be a file that holds a secret"));
  write_file(path, std::string(1025, 'x'));
  const auto refused = refusal({{"provisioning_secret_file", path}});
  EXPECT_THAT(refused, HasSubstr("of 16 to 1024 bytes"));
  EXPECT_THAT(refused, ::testing::Not(HasSubstr("xxx")));
}

TEST_F(ConfigTest, MetricsAreServedWhereTheOperatorSays) {
  EXPECT_EQ(load()->metrics_address, "");
  const auto config = load({{"metrics_listen", "[::1]:9464"}});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->metrics_address, "::1");
  EXPECT_EQ(config->metrics_port, 9464);
}

TEST_F(ConfigTest, AListenAddressMayBeIpv6) {
  const auto config = load({{"listen", "[::1]:9090"}});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->address, "::1");
  EXPECT_EQ(config->port, 9090);
}

TEST_F(ConfigTest, TheLimitsOfNumbersAreTaken) {
  EXPECT_EQ(load({{"threads", "60"}})->threads, 60);
  EXPECT_EQ(load({{"request_rate", "0"}})->request_rate, 0);
  EXPECT_EQ(load({{"request_rate", "1000000"}})->request_rate, 1'000'000);
  EXPECT_EQ(load({{"request_burst", "1"}})->request_burst, 1);
  EXPECT_EQ(load({{"listen", "0.0.0.0:65535"}})->port, 65535);
  EXPECT_EQ(load({{"listen", "0.0.0.0:0"}})->port, 0);
}

}  // namespace
}  // namespace mintmark::config_test
