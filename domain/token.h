#pragma once

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

enum class TokenStatus : std::uint8_t { kAbsent, kPending, kActive, kDeleted };

struct Token {
  TokenStatus status = TokenStatus::kAbsent;
  std::optional<AccountId> account;
  Extension extension = EXTENSION_UNSPECIFIED;
  std::string name;
  std::string description;
  std::string external_id;
  std::optional<Time> expires_at;
  std::string connection_id;  // of the issued Zapier connection; empty without one
};

// A Zapier token has a handle besides its key; a custom one has none.
struct CreateToken {
  TokenId id;
  AccountId account;
  Extension extension;
  std::string name;
  std::string description;
  std::string external_id;
  std::optional<Time> expires_at;
  Time now;
  SecretDigest secret_digest;
  Sealed secret;
  std::optional<SecretDigest> handle_digest;
  std::optional<Sealed> handle;
};

// What is absent stays as it is.
struct UpdateToken {
  std::optional<std::string> name;
  std::optional<std::string> description;
  std::optional<std::string> external_id;
};

struct RevealToken {};
struct DeleteToken {};

// The worker's commands. Both are idempotent: where there is nothing left to do they return no events.
struct IssueZapierConnection {
  std::string connection_id;
};
struct WithdrawZapierConnection {};

// Each returns the events to append, none where nothing changes. Fails with kInvalid where a field breaks a
// rule (one message a field), with kNotFound where the token is absent or deleted.
Result<std::vector<Event>> decide(const Token& token, const CreateToken& command);
Result<std::vector<Event>> decide(const Token& token, const UpdateToken& command);
Result<std::vector<Event>> decide(const Token& token, const RevealToken& command);
Result<std::vector<Event>> decide(const Token& token, const DeleteToken& command);
Result<std::vector<Event>> decide(const Token& token, const IssueZapierConnection& command);
Result<std::vector<Event>> decide(const Token& token, const WithdrawZapierConnection& command);

// Total: an event of another kind of stream changes nothing.
void evolve(Token& token, const Event& event);

// The contract's id and name of an extension: EXT-000 custom, EXT-001 zapier.
std::string extension_id(Extension extension);
std::string extension_name(Extension extension);

}  // namespace mintmark
