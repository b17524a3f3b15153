#pragma once

#include <cstdint>
#include <functional>
#include <memory>
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
#include "projections/extension_list.h"
#include "projections/webhook_list.h"
#include "worker/jobs.pb.h"
#include "worker/outbound_client.h"
#include "worker/outbound_policy.h"
#include "worker/outbound_target.h"
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

  // What calls may do, for check_url(): by default what OutboundPolicy says. Before anything else is called.
  void set_policy(OutboundPolicy policy) { policy_ = std::move(policy); }
  // kInvalid where no call may go to the URL, as far as can be told without asking anybody: its form, its
  // port, and its host where that is an address.
  Result<void> check_url(std::string_view url) const;
  // Whose names tokens of accounts' own types show. Before anything else is called; it must outlive this.
  void set_extensions(const ExtensionList& extensions) { extensions_ = &extensions; }
  // Where clients reach us, once that is known. Before anything else is called.
  void set_public_url(std::string public_url) { public_url_ = std::move(public_url); }

  struct Call {
    OutboundRequest request;
    std::string host;  // and port, each in one spelling: what calls are bounded by
  };
  // The call that the delivery makes now, signed. `version` is the webhook's as planning knows it: what is
  // kept in memory of an earlier one is read anew. kNotFound where the webhook is no more; kUnavailable where
  // what is stored does not open.
  Result<Call> make(const StoredJob& delivery, std::uint64_t version, Time now);
  // Its method and body alone.
  struct Shown {
    std::string method;
    std::string body;
  };
  Result<Shown> show(const StoredJob& delivery);
  // Drops what is kept in memory of webhooks that are no more.
  void forget_deleted();

 private:
  // What a webhook's calls are made of.
  struct Opened {
    std::uint64_t version;
    DataKey key;
    std::string webhook_id;
    std::shared_ptr<const OutboundTarget> target;
    std::string host;
    std::string body_begin;    // the members that are the same in every call
    boost::json::object data;  // as it is configured
    WebhookSecrets secrets;
  };
  using OpenedPointer = std::shared_ptr<const Opened>;
  Result<OpenedPointer> open(WebhookId webhook, std::uint64_t version);
  Result<OpenedPointer> read(WebhookId webhook, std::uint64_t version);
  Result<std::string> data(const StoredJob& delivery, const Opened& opened);
  Result<std::string> body(const StoredJob& delivery, const Opened& opened);

  EventLog& log_;
  Vault& vault_;
  const WebhookList& webhooks_;
  std::string public_url_;
  OutboundPolicy policy_;
  const ExtensionList* extensions_ = nullptr;
  const SignCall sign_;
  std::mutex mutex_;
  std::unordered_map<std::uint32_t, OpenedPointer> opened_;  // by webhook; guarded by mutex_
};

// A token as its event has left it: what webhooks and the provisioning URL are told. Never its values. A type
// of the account's own has the name that `extensions` tells, none without them.
boost::json::object token_data(EventLog& log, const std::string& stream, std::uint64_t version,
                               const ExtensionList* extensions = nullptr);

// Host and port of a URL, by which calls are bounded; the text as it is where it is no URL.
std::string host_of_call(const std::string& url);

}  // namespace mintmark
