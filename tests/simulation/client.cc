#include "tests/simulation/client.h"

#include <array>
#include <utility>

#include "tests/simulation/trace.h"

namespace mintmark::testing {
namespace {

constexpr int attempts_max = 8;
constexpr std::size_t tokens_max = 40;
constexpr std::size_t webhooks_max = 4;

std::string_view name_of(AppendError::Kind kind) {
  switch (kind) {
    case AppendError::Kind::kConflict:
      return "a conflict";
    case AppendError::Kind::kKeyReused:
      return "a key that is used";
    case AppendError::Kind::kBusy:
      return "too much to do";
    case AppendError::Kind::kDiskFull:
      return "a full disk";
    case AppendError::Kind::kUnknown:
      return "an unknown outcome";
    case AppendError::Kind::kInvalid:
      break;
  }
  return "an invalid request";
}

}  // namespace

std::string SimulatedClient::step(Node& node) {
  if (!operation_) {
    if (finishing_) return "";
    begin();
  }
  if (phase_ == Phase::kDeciding) return decide_and_append(node);
  if (phase_ == Phase::kAppending) return waiting_->appended ? take_answer(node) : "";
  if (!waiting_->shown) return "";
  if (!*waiting_->shown) return end("stored, and shown some time");
  if (operation_->kind == Kind::kDeleteToken) {
    shadow_.acknowledge_deletion(TokenId::from_value(operation_->target));
  }
  return end("done");
}

void SimulatedClient::lose_node() {
  waiting_.reset();
  if (!operation_ || phase_ == Phase::kDeciding) return;
  // Without a key nobody can ask what came of it.
  if (!operation_->key) operation_.reset();
  phase_ = Phase::kDeciding;
}

void SimulatedClient::begin() {
  auto& dice = world_.dice;
  phase_ = Phase::kDeciding;
  if (dice.one_in(12)) {
    const auto& other = crowd_[dice.below(crowd_.size())]->operation_;
    if (other && other->key) {
      operation_ = *other;
      operation_->attempts = 0;
      return;
    }
  }
  Operation operation;
  auto tokens = shadow_.tokens();
  auto webhooks = shadow_.webhooks();
  const auto chance = dice.below(20);
  if (webhooks.empty() || (chance == 0 && webhooks.size() < webhooks_max)) {
    operation.kind = Kind::kCreateWebhook;
    operation.target = world_.random.below(WebhookId::value_end);
  } else if (chance < 7) {
    operation.kind = chance < 5   ? Kind::kTriggerWebhook
                     : chance < 6 ? Kind::kActivateWebhook
                                  : Kind::kTriggerWebhook;
    if (dice.one_in(30)) operation.kind = Kind::kDeleteWebhook;
    operation.target = dice.pick(webhooks).value();
  } else if (tokens.empty() || (chance < 10 && tokens.size() < tokens_max)) {
    operation.kind = Kind::kCreateToken;
    operation.target = world_.random.below(TokenId::value_end);
  } else {
    static constexpr std::array kinds{Kind::kRenameToken,     Kind::kRotateToken,   Kind::kRenewToken,
                                      Kind::kDeactivateToken, Kind::kActivateToken, Kind::kDeleteToken};
    operation.kind = kinds[dice.below(kinds.size())];
    operation.target = dice.pick(tokens).value();
  }
  if (dice.one_in(2)) {
    const auto name = fmt::format("{}-{}", number_, ++keys_made_);
    operation.key = IdempotencyKey{"key " + name, "request " + name};
  }
  operation_ = std::move(operation);
}

std::string SimulatedClient::end(const std::string& how) {
  const auto said = fmt::format("client {} has its {} on {} {}", number_, static_cast<int>(operation_->kind),
                                operation_->target, how);
  operation_.reset();
  waiting_.reset();
  return said;
}

std::string SimulatedClient::decide_and_append(Node& node) {
  if (operation_->key) {
    const auto earlier = node.log().find_idempotency_key(operation_->key->key_hash);
    if (earlier) return wait_until_shown(node, earlier->committed.last);
  }
  if (++operation_->attempts > attempts_max) return end("given up");
  std::uint64_t version = 0;
  auto planned = plan(node, version);
  if (!planned) return end("refused: " + planned.error().messages.front());
  if (planned->events.empty()) return end("found done");
  AppendRequest request;
  request.streams.push_back({planned->stream, version, {}});
  const auto now = world_.time.now();
  for (auto& event : planned->events) {
    const auto id = world_.random.event_id(now);
    if (event.has_token_created() || event.has_token_rotated() || event.has_token_renewed()) {
      shadow_.keep_secret(std::string(id.view()), *planned->secret);
    }
    request.streams.back().events.push_back({id, std::move(event)});
  }
  request.metadata.actor.set_kind(Actor::USER);
  request.metadata.actor.set_id(fmt::format("client {}", number_));
  request.metadata.recorded_at = now;
  request.idempotency_key = operation_->key;
  request.vault_writes = std::move(planned->vault_writes);
  request.frees_space = planned->frees_space;
  phase_ = Phase::kAppending;
  waiting_ = std::make_shared<Waiting>();
  node.log().append(std::move(request),
                    [waiting = waiting_](AppendResult result) { waiting->appended = std::move(result); });
  return fmt::format("client {} asks for {} on {}, version {}", number_, static_cast<int>(operation_->kind),
                     operation_->target, version);
}

std::string SimulatedClient::take_answer(Node& node) {
  const auto result = *waiting_->appended;
  if (result) return wait_until_shown(node, result->last);
  const auto kind = result.error().kind;
  phase_ = Phase::kDeciding;
  if (kind == AppendError::Kind::kConflict) return fmt::format("client {} meets a conflict", number_);
  require(kind != AppendError::Kind::kInvalid && kind != AppendError::Kind::kKeyReused,
          fmt::format("an append is answered with {}", name_of(kind)));
  if (kind == AppendError::Kind::kUnknown && operation_->key) {
    return fmt::format("client {} does not know its outcome", number_);
  }
  return end(fmt::format("ended by {}", name_of(kind)));
}

std::string SimulatedClient::wait_until_shown(Node& node, Position position) {
  phase_ = Phase::kShowing;
  waiting_ = std::make_shared<Waiting>();
  node.projector().when_reached(position, [waiting = waiting_](bool reached) { waiting->shown = reached; });
  return fmt::format("client {} has its {} on {} stored at {}", number_, static_cast<int>(operation_->kind),
                     operation_->target, position);
}

}  // namespace mintmark::testing
