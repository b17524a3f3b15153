#include <chrono>
#include <utility>

#include "tests/simulation/client.h"

// What each operation asks for, as api/token_service.cc and api/webhook_service.cc do.
namespace mintmark::testing {
namespace {

std::string_view as_text(const Secret& secret) {
  return {reinterpret_cast<const char*>(secret.bytes.data()), secret.bytes.size()};
}

template <class Aggregate>
Aggregate fold(const std::vector<StoredEvent>& stream) {
  Aggregate aggregate;
  for (const auto& event : stream) evolve(aggregate, event.recorded.event());
  return aggregate;
}

}  // namespace

Result<SimulatedClient::Plan> SimulatedClient::plan(Node& node, std::uint64_t& version) {
  return operation_->kind < Kind::kCreateWebhook ? plan_token(node, version) : plan_webhook(node, version);
}

NewCredentials SimulatedClient::make_credentials(Node& node, const DataKey& key, TokenId id,
                                                 Extension extension, std::uint64_t version, Secret& secret) {
  const auto subject = stream_of(id);
  secret = world_.random.secret();
  NewCredentials credentials{
      node.peppers().digest(secret), node.vault().seal(key, subject, version, as_text(secret)), {}, {}};
  if (extension == ZAPIER) {
    const auto handle = world_.random.secret();
    credentials.handle_digest = node.peppers().digest(handle);
    credentials.handle = node.vault().seal(key, subject, version, as_text(handle));
  }
  return credentials;
}

// Never whole seconds, as nobody's dates are.
std::chrono::microseconds SimulatedClient::random_life() {
  return std::chrono::milliseconds(world_.dice.between(60'000, 1'800'000)) + std::chrono::microseconds(1);
}

Result<SimulatedClient::Plan> SimulatedClient::plan_token(Node& node, std::uint64_t& version) {
  const auto id = TokenId::from_value(operation_->target);
  const auto now = world_.time.now();
  Plan planned{stream_of(id), {}, {}, false, {}};
  const auto stream = node.log().read_stream(planned.stream, 0);
  version = stream.size();
  const auto token = fold<Token>(stream);
  Secret secret{};
  std::optional<DataKey> key;
  const auto kind = operation_->kind;
  if (kind == Kind::kCreateToken) {
    auto [made, vault_write] = node.vault().make(planned.stream);
    key = made;
    planned.vault_writes.push_back(std::move(vault_write));
  } else if (kind == Kind::kRotateToken || kind == Kind::kRenewToken) {
    if (token.status == TokenStatus::kDeleted) return fail(ErrorKind::kNotFound, "Token not found.");
    const auto kept = node.vault().get(planned.stream);
    if (!kept) return std::unexpected(kept.error());
    if (!*kept) return fail(ErrorKind::kUnavailable, "The token's data key is missing.");
    key = *kept;
  }
  const auto due = decide(token, ComeDue{now});
  const auto next_version = version + (due ? due->size() : 0) + 1;
  const auto extension = token.extension == ZAPIER ? ZAPIER : CUSTOM;
  auto events = [&]() -> Result<std::vector<Event>> {
    switch (kind) {
      case Kind::kCreateToken: {
        const auto wanted = operation_->target % 3 == 0 ? ZAPIER : CUSTOM;
        CreateToken command{.id = id,
                            .account = AccountId::from_value(AccountType::kVendor, 1),
                            .extension = wanted,
                            .name = "Billing",
                            .description = "",
                            .external_id = "",
                            .expires_at = {},
                            .now = now,
                            .credentials = make_credentials(node, *key, id, wanted, 1, secret),
                            .permissions = {}};
        if (operation_->target % 2 == 0) command.expires_at = now + random_life();
        return decide(token, command);
      }
      case Kind::kRotateToken:
        return decide(token, RotateToken{make_credentials(node, *key, id, extension, next_version, secret),
                                         {.at = {}, .never = world_.dice.one_in(2)},
                                         now});
      case Kind::kRenewToken:
        return decide(token, RenewToken{make_credentials(node, *key, id, extension, next_version, secret),
                                        {.at = {}, .never = world_.dice.one_in(2)},
                                        now});
      case Kind::kDeactivateToken:
        return decide(token, DeactivateToken{now});
      case Kind::kActivateToken:
        return decide(token, ActivateToken{now});
      case Kind::kDeleteToken:
        planned.vault_writes.push_back(Vault::destroy(planned.stream));
        planned.frees_space = true;
        return decide(token, DeleteToken{});
      case Kind::kRenameToken:
      case Kind::kCreateWebhook:
      case Kind::kActivateWebhook:
      case Kind::kDeleteWebhook:
      case Kind::kTriggerWebhook:
        break;
    }
    return decide(token,
                  UpdateToken{.name = fmt::format("Name {}", version), .description = {}, .external_id = {}});
  }();
  if (!events) return std::unexpected(std::move(events.error()));
  planned.events = std::move(*events);
  planned.secret = secret;
  return planned;
}

Result<SimulatedClient::Plan> SimulatedClient::plan_webhook(Node& node, std::uint64_t& version) {
  const auto id = WebhookId::from_value(operation_->target);
  Plan planned{stream_of(id), {}, {}, false, {}};
  const auto stream = node.log().read_stream(planned.stream, 0);
  version = stream.size();
  const auto webhook = fold<Webhook>(stream);
  auto events = [&]() -> Result<std::vector<Event>> {
    if (operation_->kind == Kind::kCreateWebhook) {
      auto [key, vault_write] = node.vault().make(planned.stream);
      planned.vault_writes.push_back(std::move(vault_write));
      CreateWebhook command{id, AccountId::from_value(AccountType::kVendor, 1), {}, {}, {}};
      command.fields.label = "Orders";
      command.fields.object_class = operation_->target % 3 == 0 ? "fulfillment_request" : "token";
      command.delivery.set_external_url(
          fmt::format("http://receiver-{}/{}", operation_->target % 2, id.text()));
      command.delivery.set_jwt_secret("a secret of the webhook's");
      command.sealed = node.vault().seal(key, planned.stream, 1, command.delivery.SerializeAsString());
      return decide(webhook, command);
    }
    if (operation_->kind == Kind::kDeleteWebhook) {
      planned.vault_writes.push_back(Vault::destroy(planned.stream));
      planned.frees_space = true;
      return decide(webhook, DeleteWebhook{});
    }
    if (operation_->kind == Kind::kActivateWebhook) {
      UpdateWebhook command{webhook.fields, {}, {}};
      command.fields.active = !webhook.fields.active || world_.dice.one_in(2);
      return decide(webhook, command);
    }
    const auto key = node.vault().get(planned.stream);
    if (!key) return std::unexpected(key.error());
    if (!*key) return fail(ErrorKind::kNotFound, "Webhook not found.");
    // In a stream of its own, so that triggers do not wait for each other, nor for a change of the webhook.
    planned.stream = trigger_stream(id, world_.random.event_id(world_.time.now()).text());
    version = 0;
    return decide(webhook, TriggerWebhook{node.vault().seal(**key, planned.stream, 1, "{}")});
  }();
  if (!events) return std::unexpected(std::move(events.error()));
  planned.events = std::move(*events);
  return planned;
}

}  // namespace mintmark::testing
