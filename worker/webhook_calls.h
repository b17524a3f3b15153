#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "domain/error.h"
#include "domain/time.h"
#include "eventstore/event_log.h"
#include "eventstore/vault.h"
#include "projections/webhook_list.h"
#include "worker/jobs.pb.h"
#include "worker/outbound_client.h"
#include "worker/webhook_signature.h"

namespace mintmark {

// Makes the headers that prove who calls.
using SignCall = std::function<std::vector<std::pair<std::string, std::string>>(
    const WebhookSecrets& secrets, std::string_view webhook_id, std::string_view message_id, Time now,
    std::string_view body)>;

// The calls that deliveries make (CONTRACT.md, Webhook call). What goes out in a call's body is fixed by the
// event that called for it, but for the webhook's own fields: so each attempt says the same. Thread-safe;
// everything reads the log, the vault and the webhooks: it blocks on disk.
class WebhookCalls {
 public:
  // All must outlive it. `public_url` is where clients reach us; empty where nobody has said it.
  WebhookCalls(EventLog& log, Vault& vault, const WebhookList& webhooks, std::string public_url,
               SignCall sign = sign_webhook_call)
      : log_(log),
        vault_(vault),
        webhooks_(webhooks),
        public_url_(std::move(public_url)),
        sign_(std::move(sign)) {}

  struct Call {
    OutboundRequest request;
    std::string host;  // and port: what calls are bounded by
  };
  // The call that the delivery makes now, signed. kNotFound where the webhook is no more; kUnavailable where
  // what is stored does not open.
  Result<Call> make(const StoredJob& delivery, Time now);
  // Its method and body alone.
  struct Shown {
    std::string method;
    std::string body;
  };
  Result<Shown> show(const StoredJob& delivery);
  // Drops what is kept in memory of webhooks that are no more.
  void forget_deleted();

 private:
  struct Opened {
    std::uint64_t version = 0;
    DataKey key{};
    WebhookDelivery delivery;
  };
  Result<Opened> open(const WebhookRow& row);
  Result<boost::json::object> data(const StoredJob& delivery, const Opened& opened);
  Result<std::string> body(const StoredJob& delivery, const WebhookRow& row, const Opened& opened);

  EventLog& log_;
  Vault& vault_;
  const WebhookList& webhooks_;
  const std::string public_url_;
  const SignCall sign_;
  std::mutex mutex_;
  std::unordered_map<std::uint32_t, Opened> opened_;  // by webhook; guarded by mutex_
};

// A token as its event has left it: what webhooks and the provisioning URL are told. Never its values.
boost::json::object token_data(EventLog& log, const std::string& stream, std::uint64_t version);

}  // namespace mintmark
