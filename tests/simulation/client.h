#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/node.h"
#include "tests/simulation/shadow.h"

namespace mintmark::testing {

// Somebody who uses the product as the API does: reads a stream, decides, appends at the version that it
// read, waits until the projections show it, and then has its answer. One operation after the other; one that
// was cut off is asked again under its idempotency key, where it has one.
class SimulatedClient {
 public:
  // All clients that may repeat each other's requests.
  using Crowd = std::vector<std::unique_ptr<SimulatedClient>>;

  SimulatedClient(std::size_t number, World& world, Shadow& shadow, const Crowd& crowd)
      : number_(number), world_(world), shadow_(shadow), crowd_(crowd) {}

  // Does the next thing; tells what. Empty where there is nothing but to wait.
  std::string step(Node& node);
  // Its node is gone: what was under way has an unknown end.
  void lose_node();
  // Asks for nothing new any more.
  void finish() { finishing_ = true; }
  bool is_idle() const { return !operation_; }

 private:
  enum class Kind : std::uint8_t {
    kCreateToken,
    kRenameToken,
    kRotateToken,
    kRenewToken,
    kDeactivateToken,
    kActivateToken,
    kDeleteToken,
    kCreateWebhook,
    kActivateWebhook,
    kDeleteWebhook,
    kTriggerWebhook,
  };
  struct Operation {
    Kind kind = Kind::kCreateToken;
    std::uint32_t target = 0;  // the digits of the token's or webhook's id
    std::optional<IdempotencyKey> key;
    int attempts = 0;
  };
  enum class Phase : std::uint8_t { kDeciding, kAppending, kShowing };
  // What is under way outlives neither its operation nor its node.
  struct Waiting {
    std::optional<AppendResult> appended;
    std::optional<bool> shown;
  };
  struct Plan {
    std::string stream;
    std::vector<Event> events;
    std::vector<VaultWrite> vault_writes;
    bool frees_space = false;
    std::optional<Secret> secret;
  };

  void begin();
  std::string decide_and_append(Node& node);
  std::string take_answer(Node& node);
  std::string wait_until_shown(Node& node, Position position);
  std::string end(const std::string& how);

  Result<Plan> plan(Node& node, std::uint64_t& version);
  Result<Plan> plan_token(Node& node, std::uint64_t& version);
  Result<Plan> plan_webhook(Node& node, std::uint64_t& version);
  std::chrono::microseconds random_life();
  NewCredentials make_credentials(Node& node, const DataKey& key, TokenId id, Extension extension,
                                  std::uint64_t version, Secret& secret);

  const std::size_t number_;
  World& world_;
  Shadow& shadow_;
  const Crowd& crowd_;
  std::optional<Operation> operation_;
  Phase phase_ = Phase::kDeciding;
  std::shared_ptr<Waiting> waiting_;
  std::uint32_t keys_made_ = 0;
  bool finishing_ = false;
};

}  // namespace mintmark::testing
