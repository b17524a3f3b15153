#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "domain/error.h"
#include "domain/events.pb.h"
#include "domain/ids.h"
#include "domain/time.h"

// The token aggregate, stream token-SU-…: what may happen to a token and what has. Pure: ids, digests and
// sealed values arrive inside the commands, and nothing here does I/O.
namespace mintmark {

enum class TokenStatus : std::uint8_t { kAbsent, kPending, kActive, kInactive, kExpired, kDeleted };

// A second value that waits for the first one's end.
struct Renewal {
  std::optional<Time> expires_at;
  Time issued_at;
};

struct Token {
  TokenStatus status = TokenStatus::kAbsent;
  TokenStatus before_expiry = TokenStatus::kActive;  // of an expired token: what a new value makes it again
  std::optional<AccountId> account;
  Extension extension = EXTENSION_UNSPECIFIED;  // CUSTOM also for an account's own extension
  std::string name;
  std::string description;
  std::string external_id;
  std::optional<Time> expires_at;
  Time issued_at;                            // of the value
  bool expiring = false;                     // TokenExpiring was said for this date
  std::optional<Renewal> renewal;            // until then expires_at is the old value's end
  std::string connection_id;                 // of the issued Zapier connection; empty without one
  std::optional<std::uint64_t> permissions;  // module_bit()s; nothing: every module
};

// There is one, and it is not deleted.
constexpr bool is_live(TokenStatus status) {
  return status != TokenStatus::kAbsent && status != TokenStatus::kDeleted;
}

// Tells each module of the protected API from the others in a set of permissions. Modules are numbered from 1
// to module_number_max: 7 is MD-0007.
inline constexpr std::uint32_t module_number_max = 64;
constexpr std::uint64_t module_bit(std::uint32_t number) {
  return std::uint64_t{1} << (number - 1);
}

// A Zapier token has a handle besides its key; a custom one has none.
struct NewCredentials {
  SecretDigest secret_digest;
  Sealed secret;
  std::optional<SecretDigest> handle_digest;
  std::optional<Sealed> handle;
};

// `permissions`: what a creator who may not everything passes on; nothing for every module. A token of one of
// the account's own extensions, `own_extension`, is a custom one in all else.
struct CreateToken {
  TokenId id;
  AccountId account;
  Extension extension;
  std::string name;
  std::string description;
  std::string external_id;
  std::optional<Time> expires_at;
  Time now;
  NewCredentials credentials;
  std::optional<std::uint64_t> permissions;
  std::optional<ExtensionId> own_extension = {};
};

// What is absent stays as it is.
struct UpdateToken {
  std::optional<std::string> name;
  std::optional<std::string> description;
  std::optional<std::string> external_id;
};

struct RevealToken {};
struct DeleteToken {};
struct ActivateToken {
  Time now;
};
struct DeactivateToken {
  Time now;
};

// When a new value ends: on a date, never (`never`), or after as long a life as the newest value was given,
// but with the year 9999.
struct NewExpiry {
  std::optional<Time> at;
  bool never = false;
};
struct RotateToken {
  NewCredentials credentials;
  NewExpiry expiry;
  Time now;
};
// The old value of a token that does not expire stays good for renewal_overlap.
struct RenewToken {
  NewCredentials credentials;
  NewExpiry expiry;
  Time now;
};
inline constexpr auto renewal_overlap = std::chrono::hours(24);
inline constexpr auto expiring_before = std::chrono::days(14);  // status expiring: so long before the date

// A partner asks for the token's key in exchange for its handle.
struct ExchangeHandle {
  Time now;
};

// Sets of module_bit()s.
struct GrantPermissions {
  std::uint64_t modules;
};
// A module that is not known may be one that was once: what the token holds of it can still be taken.
struct RevokePermissions {
  std::uint64_t modules;
  std::uint64_t known_modules = ~std::uint64_t{0};  // kInvalid for another that the token does not hold
};

// Records what the clock alone has brought about by now.
struct ComeDue {
  Time now;
};

// The worker's commands. Both are idempotent: where there is nothing left to do they return no events.
struct IssueZapierConnection {
  std::string connection_id;
};
struct WithdrawZapierConnection {};

// Each returns the events to append, none where nothing changes. Fails with kInvalid where a field breaks a
// rule (one message a field) or the token's status rules the change out, with kNotFound where the token is
// absent or deleted. The commands with a `now` put the events of ComeDue before their own.
Result<std::vector<Event>> decide(const Token& token, const CreateToken& command);
Result<std::vector<Event>> decide(const Token& token, const UpdateToken& command);
Result<std::vector<Event>> decide(const Token& token, const RevealToken& command);
Result<std::vector<Event>> decide(const Token& token, const DeleteToken& command);
Result<std::vector<Event>> decide(const Token& token, const ActivateToken& command);
Result<std::vector<Event>> decide(const Token& token, const DeactivateToken& command);
Result<std::vector<Event>> decide(const Token& token, const RotateToken& command);
Result<std::vector<Event>> decide(const Token& token, const RenewToken& command);
// kInvalid unless it is an active Zapier token; whether the handle is the token's, the caller has checked.
Result<std::vector<Event>> decide(const Token& token, const ExchangeHandle& command);
Result<std::vector<Event>> decide(const Token& token, const GrantPermissions& command);
Result<std::vector<Event>> decide(const Token& token, const RevokePermissions& command);
Result<std::vector<Event>> decide(const Token& token, const ComeDue& command);
Result<std::vector<Event>> decide(const Token& token, const IssueZapierConnection& command);
Result<std::vector<Event>> decide(const Token& token, const WithdrawZapierConnection& command);

// Total: an event of another kind of stream changes nothing.
void evolve(Token& token, const Event& event);

// Whether the token holds no permission that `holder`'s do not (nothing: every module).
bool holds_no_more(const Token& token, std::optional<std::uint64_t> holder);

// The contract's id and name of an extension: EXT-000 custom, EXT-001 zapier.
std::string extension_id(Extension extension);
std::string extension_name(Extension extension);

}  // namespace mintmark
