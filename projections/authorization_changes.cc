#include "projections/authorization_changes.h"

#include <algorithm>
#include <expected>
#include <limits>
#include <optional>
#include <unordered_map>
#include <utility>

#include "domain/limits.h"
#include "domain/token.h"

namespace mintmark {
namespace {

constexpr std::string_view token_stream_prefix = "token-";
constexpr std::size_t name_bytes_max = limits::token_name_max * 4 * 3;  // 4 bytes a code point, 3 for %XX
static_assert(name_bytes_max <= NameArena::text_bytes_max);

using Reason = std::unexpected<std::string>;
using Applied = std::expected<void, std::string>;

// Cut to seconds, so never later than the event says; after 2106 comes as 2106.
std::uint32_t expiry_seconds(std::int64_t microseconds) {
  constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(microseconds / 1'000'000, 1, most));
}

class Planner {
 public:
  Planner(const TokenTable& table, const AuthorizationHistory& history) : table_(table), history_(history) {}

  void take(const StoredEvent& stored) {
    const auto& event = stored.recorded.event();
    const auto& stream = stored.recorded.stream();
    if (event.has_account_closed()) return erase_tokens_of(stream);
    const bool ours = concerns_tokens(event) ||
                      (event.kind_case() == Event::KIND_NOT_SET && stream.starts_with(token_stream_prefix));
    if (!ours) return;
    const auto id = id_of(stream);
    if (id && event.has_token_deleted()) return erase(*id);
    if (history_.parked.contains(stream) || changes_.parked.contains(stream)) return;
    const auto applied = id ? apply(*id, event) : Reason("the stream is not a token's");
    if (!applied) park(stream, id, stored.recorded.position(), applied.error());
  }

  AuthorizationChanges changes() && { return std::move(changes_); }

 private:
  static bool concerns_tokens(const Event& event) {
    return event.has_token_created() || event.has_token_updated() || event.has_token_deleted() ||
           event.has_zapier_connection_issued() || event.has_token_activated() ||
           event.has_token_deactivated() || event.has_token_rotated() || event.has_token_renewed() ||
           event.has_token_renewal_completed() || event.has_token_expired() ||
           event.has_permissions_granted() || event.has_permissions_revoked();
  }

  static std::optional<TokenId> id_of(std::string_view stream) {
    if (!stream.starts_with(token_stream_prefix)) return std::nullopt;
    return TokenId::parse(stream.substr(token_stream_prefix.size()));
  }

  // The token's state as of the events planned so far; nothing where it is absent.
  std::optional<TokenState> state(TokenId id) const {
    if (const auto planned = states_.find(id); planned != states_.end()) return planned->second;
    const auto* const entry = table_.find(id);
    if (entry == nullptr) return std::nullopt;
    return table_.state(*entry);
  }

  bool was_deleted(TokenId id) const {
    return history_.deleted.contains(id) || (states_.contains(id) && !states_.at(id));
  }

  Applied apply(TokenId id, const Event& event) {
    if (event.has_token_created()) return create(id, event.token_created());
    if (event.kind_case() == Event::KIND_NOT_SET)
      return Reason("the event's kind is unknown to this program");
    if (!state(id)) {
      if (was_deleted(id)) return {};
      return Reason("the token was never created");
    }
    if (event.has_token_updated()) return rename(id, event.token_updated());
    if (event.has_token_rotated()) return rotate(id, event.token_rotated());
    if (event.has_token_renewed()) return renew(id, event.token_renewed());
    if (event.has_token_renewal_completed()) {
      add({.kind = TokenChange::Kind::kCompleteRenewal, .record = blank(id), .name = {}});
      return {};
    }
    if (event.has_permissions_granted()) {
      return permit(id, TokenChange::Kind::kGrant, event.permissions_granted());
    }
    if (event.has_permissions_revoked()) {
      return permit(id, TokenChange::Kind::kRevoke, event.permissions_revoked());
    }
    if (event.has_token_expired()) {
      add({.kind = TokenChange::Kind::kExpire, .record = blank(id), .name = {}});
    } else if (event.has_token_deactivated()) {
      set_state(id, TokenState::kInactive);
    } else if (event.has_token_activated() || state(id) == TokenState::kPending) {
      set_state(id, TokenState::kActive);
    }
    return {};
  }

  // What all of a token's values have.
  static std::expected<KeyRecord, std::string> read_key(const SecretDigest& secret,
                                                        std::uint32_t expires_at) {
    if (secret.pepper() == 0 || secret.pepper() > Peppers::count_max) {
      return Reason("the digest's pepper is out of range");
    }
    KeyRecord key{{}, expires_at, static_cast<std::uint8_t>(secret.pepper())};
    if (secret.digest().size() != key.digest.size()) return Reason("the digest's size is wrong");
    std::ranges::copy(secret.digest(), key.digest.begin());
    return key;
  }
  static std::expected<KeyRecord, std::string> read_key(const TokenCredentials& credentials) {
    return read_key(credentials.secret_digest(),
                    credentials.has_expires_at_us() ? expiry_seconds(credentials.expires_at_us()) : 0);
  }

  Applied rotate(TokenId id, const TokenRotated& rotated) {
    const auto key = read_key(rotated.credentials());
    if (!key) return Reason(key.error());
    auto record = blank(id);
    record.key = *key;
    add({.kind = TokenChange::Kind::kSetKey, .record = record, .name = {}});
    return {};
  }

  Applied renew(TokenId id, const TokenRenewed& renewed) {
    const auto key = read_key(renewed.credentials());
    if (!key) return Reason(key.error());
    auto record = blank(id);
    record.renewed_key = *key;
    record.key.expires_at = expiry_seconds(renewed.old_expires_at_us());
    add({.kind = TokenChange::Kind::kSetRenewedKey, .record = record, .name = {}});
    return {};
  }

  template <class Permissions>
  Applied permit(TokenId id, TokenChange::Kind kind, const Permissions& permissions) {
    auto record = blank(id);
    record.permissions = 0;
    for (const auto number : permissions.modules()) {
      if (number == 0 || number > module_number_max) return Reason("a module's number is out of range");
      *record.permissions |= module_bit(number);
    }
    add({.kind = kind, .record = record, .name = {}});
    return {};
  }

  Applied create(TokenId id, const TokenCreated& created) {
    if (state(id) || was_deleted(id)) return Reason("the token was created before");
    if (TokenId::parse(created.token_id()) != id)
      return Reason("the token id is malformed or not the stream's");
    const auto account = AccountId::parse(created.account_id());
    if (!account) return Reason("the account id is malformed");
    if (created.extension() != CUSTOM && created.extension() != ZAPIER)
      return Reason("the extension is unknown");
    const auto key = read_key(created.secret_digest(),
                              created.has_expires_at_us() ? expiry_seconds(created.expires_at_us()) : 0);
    if (!key) return Reason(key.error());
    auto name = encode_header_value(created.name());
    if (const auto fits = check_name(name); !fits) return fits;
    const auto state = created.extension() == ZAPIER ? TokenState::kPending : TokenState::kActive;
    states_[id] = state;
    ++created_;
    auto record = blank(id);
    record.account = *account;
    record.key = *key;
    record.extension = static_cast<std::uint8_t>(created.extension());
    record.state = state;
    add({.kind = TokenChange::Kind::kInsert, .record = record, .name = std::move(name)});
    return {};
  }

  Applied rename(TokenId id, const TokenUpdated& updated) {
    if (!updated.has_name()) return {};
    auto name = encode_header_value(updated.name());
    if (const auto fits = check_name(name); !fits) return fits;
    add({.kind = TokenChange::Kind::kRename, .record = blank(id), .name = std::move(name)});
    return {};
  }

  Applied check_name(const std::string& name) {
    if (name.size() > name_bytes_max) return Reason("the name is too long");
    if (!table_.can_take(created_ + 1, name_bytes_ + name.size())) return Reason("the index is full");
    name_bytes_ += name.size();
    return {};
  }

  void set_state(TokenId id, TokenState state) {
    states_[id] = state;
    auto record = blank(id);
    record.state = state;
    add({.kind = TokenChange::Kind::kSetState, .record = record, .name = {}});
  }

  void erase(TokenId id) {
    if (state(id)) add({.kind = TokenChange::Kind::kErase, .record = blank(id), .name = {}});
    states_[id] = std::nullopt;
    changes_.deleted.push_back(id);
  }

  // What was created while its account was closed: whoever closed it did not see it.
  void erase_tokens_of(std::string_view account_stream) {
    const auto account = AccountId::parse(account_stream.substr(account_stream.find('-') + 1));
    if (!account) return;  // nobody's, then
    auto tokens = table_.tokens_of(*account);
    for (const auto& change : changes_.table) {
      const bool is_one = change.kind == TokenChange::Kind::kInsert && change.record.account == *account;
      if (is_one) tokens.push_back(change.record.token);
    }
    for (const auto id : tokens) erase(id);
  }

  void park(const std::string& stream, std::optional<TokenId> id, Position position,
            const std::string& reason) {
    changes_.parked.emplace(stream, ParkedStream{stream, position, reason});
    if (id && state(*id)) set_state(*id, TokenState::kParked);
  }

  // A record that says whose it is and nothing more.
  static TokenRecord blank(TokenId id) {
    return {.token = id,
            .account = AccountId::from_code(0),
            .key = {},
            .renewed_key = {},
            .permissions = {},
            .name = {}};
  }

  void add(TokenChange change) { changes_.table.push_back(std::move(change)); }

  const TokenTable& table_;
  const AuthorizationHistory& history_;
  AuthorizationChanges changes_;
  std::unordered_map<TokenId, std::optional<TokenState>> states_;
  std::size_t created_ = 0;
  std::size_t name_bytes_ = 0;
};

}  // namespace

AuthorizationChanges plan_changes(std::span<const StoredEvent> events, const TokenTable& table,
                                  const AuthorizationHistory& history) {
  Planner planner(table, history);
  for (const auto& event : events) planner.take(event);
  return std::move(planner).changes();
}

namespace {

void complete_renewal(TokenTable& table, TokenId id) {
  const auto* const entry = table.find(id);
  if (entry == nullptr) return;
  const auto* const renewed = table.renewed_key(id, *entry);
  if (renewed != nullptr) table.set_key(id, KeyRecord(*renewed));
}

void grant(TokenTable& table, const TokenRecord& granted) {
  const auto* const entry = table.find(granted.token);
  const auto held = table.permissions(granted.token, *entry).value_or(0);
  table.set_permissions(granted.token, held | granted.permissions.value_or(0));
}

void revoke(TokenTable& table, const TokenRecord& revoked) {
  const auto* const entry = table.find(revoked.token);
  const auto held = table.permissions(revoked.token, *entry).value_or(0);
  table.set_permissions(revoked.token, held & ~revoked.permissions.value_or(0));
}

void apply_change(const TokenChange& change, TokenTable& table) {
  const auto& record = change.record;
  switch (change.kind) {
    case TokenChange::Kind::kInsert: {
      auto named = record;
      named.name = change.name;
      table.insert(named);
      break;
    }
    case TokenChange::Kind::kRename:
      return table.rename(record.token, change.name);
    case TokenChange::Kind::kSetState:
      return table.set_state(record.token, record.state);
    case TokenChange::Kind::kExpire:
      return table.expire(record.token);
    case TokenChange::Kind::kSetKey:
      return table.set_key(record.token, record.key);
    case TokenChange::Kind::kSetRenewedKey:
      return table.set_renewed_key(record.token, *record.renewed_key, record.key.expires_at);
    case TokenChange::Kind::kCompleteRenewal:
      return complete_renewal(table, record.token);
    case TokenChange::Kind::kGrant:
      return grant(table, record);
    case TokenChange::Kind::kRevoke:
      return revoke(table, record);
    case TokenChange::Kind::kErase:
      table.erase(record.token);
      break;
  }
}

}  // namespace

void apply_changes(std::span<const TokenChange> changes, TokenTable& table) {
  for (const auto& change : changes) apply_change(change, table);
}

std::string encode_header_value(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool at_end = i == 0 || i + 1 == text.size();
    if (byte >= 0x20 && byte <= 0x7E && byte != '%' && !(byte == ' ' && at_end)) {
      result += text[i];
    } else {
      result += '%';
      result += digits[byte >> 4];
      result += digits[byte & 15];
    }
  }
  return result;
}

}  // namespace mintmark
