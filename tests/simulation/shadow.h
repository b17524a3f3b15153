#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "domain/token.h"
#include "domain/webhook.h"
#include "projections/authorization_index.h"
#include "tests/simulation/dice.h"
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
  // A key with an end from its first day is refused from then on, however far the projections are behind.
  void check_ended(const AuthorizationIndex& index, Time now) const;
  // For projections at the log's head: every secret that there ever was is let in if and only if its token's
  // events say so.
  void check_index(const AuthorizationIndex& index, Time now) const;

  // Somebody uses a key of one of the tokens, as the API's check does; tells what came of it.
  std::string use_key(const AuthorizationIndex& index, Dice& dice, Time now);
  // A process begins: it remembers no use.
  void begin_life();
  // What this process's life saw used and is not deleted has a use of this life recorded: the last one, or
  // one in the LastUse's resolution before it, unless the clock was set meanwhile.
  void check_uses_recorded(bool clock_was_set) const;
  // A token whose end, or whose old value's, has come and is not recorded.
  std::optional<TokenId> find_overdue(Time now) const;

  std::vector<TokenId> tokens() const;  // those that are not deleted
  std::vector<WebhookId> webhooks() const;
  std::vector<WebhookId> webhooks_ever() const;
  // Events that call for a delivery by themselves: position → webhook.
  const std::map<Position, std::uint32_t>& triggers() const { return triggers_; }
  const std::set<std::string>& done() const { return done_; }
  std::size_t deletions() const { return deleted_.size(); }
  std::size_t expiries() const { return expiries_; }
  std::size_t uses() const { return uses_recorded_; }
  // Triggers whose webhook was deleted or stopped between the decision and the event.
  const std::map<Position, std::uint32_t>& late_triggers() const { return late_triggers_; }

 private:
  struct KnownToken {
    Token state;
    std::vector<Secret> earlier;
    std::optional<Secret> current;
    std::optional<Secret> renewed;
    bool expired = false;                       // is recorded of the current value
    std::vector<std::pair<Secret, Time>> ends;  // of keys that had one when they were made
  };
  // Of one token in one process's life.
  struct Use {
    Time last;
    std::set<Time> recorded = {};
  };

  void take_trigger(const Recorded& recorded, std::uint32_t webhook);
  void take_secret(const Recorded& recorded, KnownToken& token);
  static void take_due(const Recorded& recorded, KnownToken& token);
  void take_use(const TokenUse& use);
  void take_attempt(const DeliveryAttempt& attempt);
  static void check(AuthorizationIndex::Verdict found, bool may, TokenId id, std::string_view which);

  const SimulatedReceivers& receivers_;
  std::map<std::string, Secret> secrets_;  // by event id
  std::map<std::uint32_t, KnownToken> tokens_;
  std::map<std::uint32_t, Webhook> webhooks_;
  std::set<std::uint32_t> deleted_;  // as clients were told
  std::size_t expiries_ = 0;
  std::map<std::pair<std::uint32_t, Time>, std::size_t> uses_left_;  // that are not recorded, by the second
  std::map<std::uint32_t, Use> used_in_life_;
  std::size_t uses_recorded_ = 0;
  std::map<Position, std::uint32_t> triggers_;
  std::map<Position, std::uint32_t> late_triggers_;
  std::set<std::string> late_messages_;
  std::map<Position, std::string> event_ids_;
  std::map<std::string, std::uint32_t> attempts_;  // by message
  std::set<std::string> done_;                     // messages whose success is recorded
};

}  // namespace mintmark::testing
