#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "api/services.h"
#include "domain/api_key.h"
#include "domain/token.h"
#include "eventstore/vault.h"

// A token's values: made with fresh secrets, sealed into the events of its stream, and opened again.
namespace mintmark {

// `key` of a custom token, `handle` of a Zapier token.
struct TokenValue {
  std::optional<ApiKey> key;
  std::optional<Secret> handle;
};

// Fresh secrets, sealed for the event of that version of the token's stream.
NewCredentials make_credentials(Services& services, const DataKey& data_key, TokenId id, Extension extension,
                                std::uint64_t version);

// The value that a TokenCreated, TokenRotated or TokenRenewed sealed. kConflict where the token's data key is
// destroyed, kUnavailable where the value does not open. Blocks on disk.
Result<TokenValue> open_value(Services& services, TokenId id, Extension extension, const Recorded& sealed);

// The key's right half that the same events sealed, whatever the token's extension. Fails as open_value()
// does.
Result<Secret> open_secret(Services& services, const Recorded& sealed);

// The digest of the handle that the same events gave the token; none for a custom token.
const SecretDigest& handle_digest_of(const Recorded& sealed);

// The events of a token's stream that hold its value and, while it is renewed, the new one.
struct ValueEvents {
  const Recorded* value = nullptr;
  const Recorded* renewed = nullptr;
};
ValueEvents find_values(const std::vector<StoredEvent>& stream);

}  // namespace mintmark
