#include "tools/commands.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include "api/admin_socket.h"
#include "tools/instance.h"

namespace mintmark {
namespace {

namespace json = boost::json;

std::string operator_name() {
  const auto* entry = ::getpwuid(::geteuid());
  return entry ? entry->pw_name : fmt::format("uid {}", ::geteuid());
}

class DirectOutput final : public LineOutput {
 public:
  explicit DirectOutput(const std::function<void(const std::string&)>& line) : line_(line) {}
  awaitable<void> write(std::vector<std::string> lines) override {
    for (const auto& line : lines) line_(line);
    co_return;
  }

 private:
  const std::function<void(const std::string&)>& line_;
};

Result<json::object> run_here(const Config& config, const json::object& command,
                              const std::function<void(const std::string&)>& line) {
  auto instance =
      Instance::open(config, [](const std::string& reason) { fmt::print(stderr, "{}\n", reason); });
  if (!instance) return std::unexpected(instance.error());
  boost::asio::io_context context(1);
  DirectOutput output(line);
  Result<json::object> result;
  auto running = (*instance)->administration->run(operator_name(), command, output);
  boost::asio::co_spawn(context, std::move(running),
                        [&result](const std::exception_ptr& thrown, Result<json::object> outcome) {
                          if (thrown) std::rethrow_exception(thrown);
                          result = std::move(outcome);
                        });
  context.run();
  return result;
}

}  // namespace

void CommonOptions::add_to(CLI::App& command) {
  command.add_option("--data", data_, "The data folder")->capture_default_str();
  command.add_option("--config", config_file_,
                     "The configuration file (DIR/mintmark.toml, where there is one)");
  for (const auto& setting : settings()) {
    std::string flag = "--" + std::string(setting.name);
    std::ranges::replace(flag, '_', '-');
    command.add_option_function<std::string>(
        flag, [this, name = std::string(setting.name)](const std::string& value) { flags_[name] = value; },
        std::string(setting.help));
  }
}

Result<Config> CommonOptions::load() const {
  return load_config(data_, config_file_, flags_, environ);
}

int report(const Error& error) {
  for (const auto& message : error.messages) fmt::print(stderr, "mintmark: {}\n", message);
  return error.kind == ErrorKind::kInvalid ? kUsage : kFailed;
}

Result<json::object> administer(const Config& config, const json::object& command,
                                const std::function<void(const std::string&)>& line) {
  if (const auto client = AdminClient::connect(config.admin_socket_path())) return client->run(command, line);
  return run_here(config, command, line);
}

void add_admin_callback(CLI::App& app, int& exit_code, AdminCommand command) {
  auto options = std::make_shared<CommonOptions>();
  options->add_to(app);
  auto as_json = std::make_shared<bool>(false);
  app.add_flag("--json", *as_json, "Print the result as one JSON object");
  app.callback([options, as_json, command = std::move(command), &exit_code] {
    exit_code = run_admin_command(*options, *as_json, command);
  });
}

int run_admin_command(const CommonOptions& options, bool as_json, const AdminCommand& command) {
  const auto config = options.load();
  if (!config) return report(config.error());
  json::object object{{"command", command.name}};
  command.members(object);
  const auto result = administer(*config, object, [](const std::string& line) { fmt::print("{}\n", line); });
  if (!result) return report(result.error());
  if (as_json) {
    fmt::print("{}\n", json::serialize(*result));
  } else {
    command.print(*result);
  }
  return kDone;
}

}  // namespace mintmark
