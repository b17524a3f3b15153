#include "projections/authorization_changes.h"

#include <algorithm>
#include <expected>
#include <limits>
#include <optional>
#include <unordered_map>
#include <utility>

#include "domain/limits.h"

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
           event.has_zapier_connection_issued();
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
    set_state(id, TokenState::kActive);
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
    const auto pepper = created.secret_digest().pepper();
    if (pepper == 0 || pepper > Peppers::count_max) return Reason("the digest's pepper is out of range");
    const auto& bytes = created.secret_digest().digest();
    Digest digest{};
    if (bytes.size() != digest.size()) return Reason("the digest's size is wrong");
    std::ranges::copy(bytes, digest.begin());
    auto name = encode_header_value(created.name());
    if (const auto fits = check_name(name); !fits) return fits;
    const auto state = created.extension() == ZAPIER ? TokenState::kPending : TokenState::kActive;
    states_[id] = state;
    ++created_;
    const TokenRecord record{
        .token = id,
        .account = *account,
        .digest = digest,
        .expires_at = created.has_expires_at_us() ? expiry_seconds(created.expires_at_us()) : 0,
        .pepper = static_cast<std::uint8_t>(pepper),
        .extension = static_cast<std::uint8_t>(created.extension()),
        .state = state,
        .name = {}};
    changes_.table.push_back({TokenChange::Kind::kInsert, record, std::move(name)});
    return {};
  }

  Applied rename(TokenId id, const TokenUpdated& updated) {
    if (!updated.has_name()) return {};
    auto name = encode_header_value(updated.name());
    if (const auto fits = check_name(name); !fits) return fits;
    add(TokenChange::Kind::kRename, id, TokenState::kActive, std::move(name));
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
    add(TokenChange::Kind::kSetState, id, state);
  }

  void erase(TokenId id) {
    if (state(id)) add(TokenChange::Kind::kErase, id, TokenState::kActive);
    states_[id] = std::nullopt;
    changes_.deleted.push_back(id);
  }

  void park(const std::string& stream, std::optional<TokenId> id, Position position,
            const std::string& reason) {
    changes_.parked.emplace(stream, ParkedStream{stream, position, reason});
    if (id && state(*id)) set_state(*id, TokenState::kParked);
  }

  void add(TokenChange::Kind kind, TokenId id, TokenState state, std::string name = {}) {
    const TokenRecord record{
        .token = id, .account = AccountId::from_code(0), .digest = {}, .state = state, .name = {}};
    changes_.table.push_back({kind, record, std::move(name)});
  }

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

void apply_changes(std::span<const TokenChange> changes, TokenTable& table) {
  for (const auto& change : changes) {
    const auto id = change.record.token;
    switch (change.kind) {
      case TokenChange::Kind::kInsert: {
        auto record = change.record;
        record.name = change.name;
        table.insert(record);
        break;
      }
      case TokenChange::Kind::kRename:
        table.rename(id, change.name);
        break;
      case TokenChange::Kind::kSetState:
        table.set_state(id, change.record.state);
        break;
      case TokenChange::Kind::kErase:
        table.erase(id);
        break;
    }
  }
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
