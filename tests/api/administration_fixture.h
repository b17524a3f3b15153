#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/api_instance.h"
#include "tests/support/temporary_folder.h"
#include "tools/instance.h"

namespace mintmark::testing {

class KeptLines final : public LineOutput {
 public:
  awaitable<void> write(std::vector<std::string> more) override {
    lines.insert(lines.end(), more.begin(), more.end());
    co_return;
  }
  std::vector<std::string> lines;
};

// A whole instance in a temporary folder, for operators.
class AdministrationTest : public ::testing::Test {
 protected:
  AdministrationTest() {
    config_.data = folder_.file("data");
    if (const auto made = Instance::create(config_); !made)
      throw std::runtime_error(made.error().messages.front());
    open();
  }

  void open() {
    instance_.reset();
    auto instance = Instance::open(config_, [](const std::string&) {});
    if (!instance) throw std::runtime_error(instance.error().messages.front());
    instance_ = std::move(*instance);
  }

  Result<boost::json::object> administer(boost::json::object command) {
    output_.lines.clear();
    return run(instance_->administration->run("olga", std::move(command), output_));
  }
  // A command that must succeed.
  boost::json::object done(boost::json::object command) {
    auto result = administer(std::move(command));
    if (!result) throw std::runtime_error(result.error().messages.front());
    return std::move(*result);
  }
  std::string open_account(const std::string& name = "Acme") {
    return std::string(done({{"command", "account.open"}, {"name", name}}).at("account").as_string());
  }

  TemporaryFolder folder_;
  Config config_;
  std::unique_ptr<Instance> instance_;
  KeptLines output_;
};

}  // namespace mintmark::testing
