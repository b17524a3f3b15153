#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "domain/token.h"
#include "domain/webhook.h"
#include "projections/authorization_index.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/receivers.h"

namespace mintmark::testing {

// What must be true of the world, worked out from the published events alone and from what its clients were
// told. Throws Violation where the product says otherwise.
class Shadow {
 public:
  explicit Shadow(const SimulatedReceivers& receivers) : receivers_(receivers) {}

  // A client has made this secret for the event of that id.
  void keep_secret(const std::string& event_id, const Secret& secret) { secrets_[event_id] = secret; }
  // A client was told that the token is deleted.
  void acknowledge_deletion(TokenId token) { deleted_.insert(token.value()); }

  void take(const StoredEvent& event);
  // A receiver is called.
  void check_call(const std::string& message) const;
  // No secret of a token whose deletion was acknowledged is let in, and its data key is destroyed. The answer
  // has waited for the projections, so this holds at every moment, however far they are behind.
  void check_deleted(const AuthorizationIndex& index, EventLog& log, Time now) const;
  // For projections at the log's head: every secret that there ever was is let in if and only if its token's
  // events say so.
  void check_index(const AuthorizationIndex& index, Time now) const;

  std::vector<TokenId> tokens() const;  // those that are not deleted
  std::vector<WebhookId> webhooks() const;
  std::vector<WebhookId> webhooks_ever() const;
  // Events that call for a delivery by themselves: position → webhook.
  const std::map<Position, std::uint32_t>& triggers() const { return triggers_; }
  const std::set<std::string>& done() const { return done_; }
  std::size_t deletions() const { return deleted_.size(); }
  // Triggers whose webhook was deleted or stopped between the decision and the event.
  const std::map<Position, std::uint32_t>& late_triggers() const { return late_triggers_; }

 private:
  struct KnownToken {
    Token state;
    std::vector<Secret> earlier;
    std::optional<Secret> current;
    std::optional<Secret> renewed;
  };

  void take_trigger(const Recorded& recorded, std::uint32_t webhook);
  void take_secret(const Recorded& recorded, KnownToken& token);
  void take_attempt(const DeliveryAttempt& attempt);
  static void check(AuthorizationIndex::Verdict found, bool may, TokenId id, std::string_view which);

  const SimulatedReceivers& receivers_;
  std::map<std::string, Secret> secrets_;  // by event id
  std::map<std::uint32_t, KnownToken> tokens_;
  std::map<std::uint32_t, Webhook> webhooks_;
  std::set<std::uint32_t> deleted_;  // as clients were told
  std::map<Position, std::uint32_t> triggers_;
  std::map<Position, std::uint32_t> late_triggers_;
  std::set<std::string> late_messages_;
  std::map<Position, std::string> event_ids_;
  std::map<std::string, std::uint32_t> attempts_;  // by message
  std::set<std::string> done_;                     // messages whose success is recorded
};

}  // namespace mintmark::testing
