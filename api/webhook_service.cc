#include "api/webhook_service.h"

#include "api/commands.h"
#include "api/count_limit.h"
#include "domain/limits.h"
#include "worker/job_store.h"
#include "worker/webhook_calls.h"

namespace mintmark {
namespace {

void merge(const WebhookInput& input, WebhookFields& fields) {
  if (input.type) fields.type = *input.type;
  if (input.object_class) fields.object_class = *input.object_class;
  if (input.label) fields.label = *input.label;
  if (input.description) fields.description = *input.description;
  if (input.product_id) fields.product_id = *input.product_id;
  if (input.http_method) fields.http_method = *input.http_method;
  if (input.active) fields.active = *input.active;
}

// All but the secret.
void merge(const WebhookInput& input, WebhookDelivery& delivery) {
  if (input.external_url) delivery.set_external_url(*input.external_url);
  if (input.data) delivery.set_data(*input.data);
  if (!input.headers) return;
  delivery.clear_headers();
  for (const auto& [name, value] : *input.headers) {
    auto& header = *delivery.add_headers();
    header.set_name(name);
    header.set_value(value);
  }
}

Result<WebhookDelivery> open_sealed(const DataKey& key, const std::string& subject, std::uint64_t version,
                                    const Sealed& sealed) {
  const auto opened = Vault::open(key, subject, version, sealed);
  WebhookDelivery delivery;
  if (!opened || !delivery.ParseFromString(*opened)) {
    return fail(ErrorKind::kUnavailable, "The webhook does not open under its data key.");
  }
  return delivery;
}

Result<DataKey> webhook_data_key(Services& services, const std::string& subject) {
  const auto key = services.vault.get(subject);
  if (!key) return std::unexpected(key.error());
  if (!*key) return not_found("Webhook");
  return **key;
}

// The newest delivery of the stream.
Result<WebhookDelivery> newest_delivery(const DataKey& key, const LoadedStream& loaded) {
  const Sealed* sealed = nullptr;
  const Recorded* event = nullptr;
  for (const auto& stored : loaded.events) {
    const auto& kind = stored.recorded.event();
    if (kind.has_webhook_created()) sealed = &kind.webhook_created().delivery();
    if (kind.webhook_updated().has_delivery()) sealed = &kind.webhook_updated().delivery();
    if (kind.has_webhook_created() || kind.webhook_updated().has_delivery()) event = &stored.recorded;
  }
  if (!sealed) return not_found("Webhook");
  return open_sealed(key, event->stream(), event->version(), *sealed);
}

Result<Decision> decision_of(Result<std::vector<Event>> events, std::vector<VaultWrite> vault_writes = {}) {
  if (!events) return std::unexpected(std::move(events.error()));
  return Decision{std::move(*events), std::move(vault_writes), {}, false};
}

CountLimit limit_of(Services& services, AccountId account) {
  return {.stream = "count-webhooks-" + account.text(),
          .max = limits::webhooks_per_account_max,
          .refusal = fmt::format("An account has at most {} webhooks.", limits::webhooks_per_account_max),
          .view = services.webhooks,
          .shows =
              [&services](const std::string& id) {
                const auto known = WebhookId::parse(id);
                return known && services.webhooks.find(*known).has_value();
              },
          .count = [&services, account] { return services.webhooks.of(account).size(); }};
}

Result<Decision> decide_creation(Services& services, const Caller& caller, WebhookId id,
                                 const WebhookInput& input, const LoadedStream& loaded) {
  if (const auto checked = services.calls.check_url(input.external_url.value_or("")); !checked) {
    return std::unexpected(checked.error());
  }
  const auto subject = stream_of(id);
  CreateWebhook command{.id = id, .account = caller.account, .fields = {}, .delivery = {}, .sealed = {}};
  command.delivery.set_jwt_secret(services.random.secret().hex());
  command.delivery.set_data("{}");
  merge(input, command.fields);
  merge(input, command.delivery);
  if (input.jwt_secret) command.delivery.set_jwt_secret(*input.jwt_secret);
  auto [data_key, vault_write] = services.vault.make(subject);
  command.sealed =
      services.vault.seal(data_key, subject, loaded.version + 1, command.delivery.SerializeAsString());
  auto decision = decision_of(decide(fold<Webhook>(loaded), command), {std::move(vault_write)});
  if (!decision) return decision;
  const auto counted = count_in(services, limit_of(services, caller.account), id.text(), *decision);
  if (!counted) return std::unexpected(counted.error());
  return decision;
}

Result<Decision> decide_update(Services& services, const Caller& caller, WebhookId id,
                               const WebhookInput& input, const LoadedStream& loaded) {
  const auto webhook = fold<Webhook>(loaded);
  if (!webhook.exists || webhook.account != caller.account) return not_found("Webhook");
  const auto subject = stream_of(id);
  const auto data_key = webhook_data_key(services, subject);
  if (!data_key) return std::unexpected(data_key.error());
  const auto present = newest_delivery(*data_key, loaded);
  if (!present) return std::unexpected(present.error());
  UpdateWebhook command{.fields = webhook.fields, .delivery = {}, .sealed = {}};
  merge(input, command.fields);
  auto wanted = *present;
  merge(input, wanted);
  // One that the operator has come to refuse since may stay, so that all else can be changed.
  if (wanted.external_url() != present->external_url()) {
    const auto checked = services.calls.check_url(wanted.external_url());
    if (!checked) return std::unexpected(checked.error());
  }
  if (input.jwt_secret) rotate_secret(wanted, *input.jwt_secret, services.clock.now());
  const auto bytes = wanted.SerializeAsString();
  if (bytes != present->SerializeAsString()) {
    command.sealed = services.vault.seal(*data_key, subject, loaded.version + 1, bytes);
    command.delivery = std::move(wanted);
  }
  return decision_of(decide(webhook, command));
}

// The webhook as its row tells it: nobody has to read its stream, or to be the only one, to call for a call.
Result<Webhook> shown_webhook(Services& services, const Caller& caller, WebhookId id) {
  const auto row = services.webhooks.find(id);
  if (!row || row->account_id() != caller.account.text()) return not_found("Webhook");
  Webhook webhook;
  webhook.exists = webhook.taken = true;
  webhook.account = caller.account;
  webhook.fields.active = row->active();
  webhook.paused = row->paused();
  return webhook;
}

Result<Decision> decide_trigger(Services& services, const Caller& caller, WebhookId id,
                                const std::string& stream, const std::string& data) {
  const auto webhook = shown_webhook(services, caller, id);
  if (!webhook) return std::unexpected(webhook.error());
  const auto waits = services.jobs.subscription(id.value());
  if (waits && waits->waiting() >= limits::deliveries_waiting_max) {
    return fail(ErrorKind::kConflict, fmt::format("{} deliveries to this webhook are waiting already.",
                                                  limits::deliveries_waiting_max));
  }
  const auto data_key = webhook_data_key(services, stream_of(id));
  if (!data_key) return std::unexpected(data_key.error());
  return decision_of(decide(*webhook, TriggerWebhook{services.vault.seal(*data_key, stream, 1, data)}));
}

Result<Decision> decide_test(Services& services, const Caller& caller, WebhookId id) {
  const auto webhook = shown_webhook(services, caller, id);
  if (!webhook) return std::unexpected(webhook.error());
  const auto waiting = services.jobs.waiting_of({JobSubject::Group::kTests, id.value()}).size();
  if (waiting >= limits::tests_waiting_max) {
    return fail(ErrorKind::kConflict,
                fmt::format("{} tests of this webhook are waiting already.", limits::tests_waiting_max));
  }
  return decision_of(decide(*webhook, TestWebhook{}));
}

std::string new_trigger_stream(Services& services, WebhookId id) {
  return trigger_stream(id, services.random.event_id(services.clock.now()).text());
}

awaitable<Result<ChangedWebhook>> change(Services& services, const Caller& caller, WebhookId id,
                                         std::string stream, Decide decide_this) {
  auto written = co_await write(services, caller, std::move(stream), std::move(decide_this));
  if (!written) co_return std::unexpected(std::move(written.error()));
  co_return ChangedWebhook{id, written->committed.last};
}

}  // namespace

awaitable<Result<ChangedWebhook>> create_webhook(Services& services, const Caller& caller,
                                                 WebhookInput input) {
  // A random id may be taken: then the next one.
  for (;;) {
    const auto id = WebhookId::from_value(services.random.below(WebhookId::value_end));
    Decide decide_this = [&services, &caller, id, &input](const LoadedStream& loaded) {
      return decide_creation(services, caller, id, input, loaded);
    };
    auto written = co_await write(services, caller, stream_of(id), std::move(decide_this));
    if (written && !written->repeated) co_return ChangedWebhook{id, written->committed.last};
    if (written) {
      auto read_back = [&services, committed = written->committed]() -> Result<ChangedWebhook> {
        const auto earlier = services.log.read(committed.first - 1, 1).front().recorded;
        const auto made = WebhookId::parse(earlier.event().webhook_created().webhook_id());
        if (!made) return not_found("Webhook");
        return ChangedWebhook{*made, committed.last};
      };
      co_return co_await services.blocking.run(std::move(read_back));
    }
    const bool taken = written.error().kind == ErrorKind::kTaken;
    if (!taken) co_return std::unexpected(std::move(written.error()));
  }
}

awaitable<Result<ChangedWebhook>> update_webhook(Services& services, const Caller& caller, WebhookId id,
                                                 WebhookInput input) {
  Decide decide_this = [&services, &caller, id, &input](const LoadedStream& loaded) {
    return decide_update(services, caller, id, input, loaded);
  };
  co_return co_await change(services, caller, id, stream_of(id), std::move(decide_this));
}

awaitable<Result<ChangedWebhook>> delete_webhook(Services& services, const Caller& caller, WebhookId id) {
  Decide decide_this = [&caller, id](const LoadedStream& loaded) -> Result<Decision> {
    const auto webhook = fold<Webhook>(loaded);
    if (webhook.account != caller.account) return not_found("Webhook");
    auto decision = decision_of(decide(webhook, DeleteWebhook{}), {Vault::destroy(stream_of(id))});
    if (decision) decision->frees_space = true;
    return decision;
  };
  co_return co_await change(services, caller, id, stream_of(id), std::move(decide_this));
}

awaitable<Result<ChangedWebhook>> trigger_webhook(Services& services, const Caller& caller, WebhookId id,
                                                  std::string data) {
  const auto stream = new_trigger_stream(services, id);
  Decide decide_this = [&services, &caller, id, &stream, &data](const LoadedStream&) {
    return decide_trigger(services, caller, id, stream, data);
  };
  co_return co_await change(services, caller, id, stream, std::move(decide_this));
}

awaitable<Result<ChangedWebhook>> test_webhook(Services& services, const Caller& caller, WebhookId id) {
  Decide decide_this = [&services, &caller, id](const LoadedStream&) {
    return decide_test(services, caller, id);
  };
  co_return co_await change(services, caller, id, new_trigger_stream(services, id), std::move(decide_this));
}

Result<WebhookDelivery> open_delivery(Services& services, const WebhookRow& row) {
  const auto id = WebhookId::parse(row.webhook_id());
  if (!id) return not_found("Webhook");
  const auto subject = stream_of(*id);
  const auto data_key = webhook_data_key(services, subject);
  if (!data_key) return std::unexpected(data_key.error());
  return open_sealed(*data_key, subject, row.delivery_version(), row.delivery());
}

}  // namespace mintmark
