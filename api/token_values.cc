#include "api/token_values.h"

#include <algorithm>
#include <string_view>

namespace mintmark {
namespace {

std::string_view as_text(const Secret& secret) {
  return {reinterpret_cast<const char*>(secret.bytes.data()), secret.bytes.size()};
}

std::optional<Secret> as_secret(const std::optional<std::string>& bytes) {
  Secret secret{};
  if (!bytes || bytes->size() != secret.bytes.size()) return std::nullopt;
  std::ranges::copy(*bytes, secret.bytes.begin());
  return secret;
}

struct SealedValue {
  const Sealed& secret;
  const Sealed& handle;
  const SecretDigest& handle_digest;
};

SealedValue sealed_in(const Event& event) {
  if (event.has_token_rotated()) {
    const auto& credentials = event.token_rotated().credentials();
    return {credentials.secret(), credentials.handle(), credentials.handle_digest()};
  }
  if (event.has_token_renewed()) {
    const auto& credentials = event.token_renewed().credentials();
    return {credentials.secret(), credentials.handle(), credentials.handle_digest()};
  }
  const auto& created = event.token_created();
  return {created.secret(), created.handle(), created.handle_digest()};
}

std::unexpected<Error> does_not_open() {
  return fail(ErrorKind::kUnavailable, "The token's value does not open under its data key.");
}

Result<DataKey> data_key_of(Services& services, const std::string& stream) {
  const auto data_key = services.vault.get(stream);
  if (!data_key) return std::unexpected(data_key.error());
  if (!*data_key) return fail(ErrorKind::kConflict, "This token is deleted, and its value destroyed.");
  return **data_key;
}

}  // namespace

NewCredentials make_credentials(Services& services, const DataKey& data_key, TokenId id, Extension extension,
                                std::uint64_t version) {
  const auto subject = stream_of(id);
  const auto secret = services.random.secret();
  NewCredentials credentials{services.peppers.digest(secret),
                             services.vault.seal(data_key, subject, version, as_text(secret)),
                             {},
                             {}};
  if (extension == ZAPIER) {
    const auto handle = services.random.secret();
    credentials.handle_digest = services.peppers.digest(handle);
    credentials.handle = services.vault.seal(data_key, subject, version, as_text(handle));
  }
  return credentials;
}

Result<TokenValue> open_value(Services& services, TokenId id, Extension extension, const Recorded& recorded) {
  const auto data_key = data_key_of(services, recorded.stream());
  if (!data_key) return std::unexpected(data_key.error());
  const auto sealed = sealed_in(recorded.event());
  TokenValue value;
  if (extension == ZAPIER) {
    value.handle = as_secret(Vault::open(*data_key, recorded.stream(), recorded.version(), sealed.handle));
  } else if (const auto opened =
                 as_secret(Vault::open(*data_key, recorded.stream(), recorded.version(), sealed.secret))) {
    value.key = ApiKey{id, *opened};
  }
  if (!value.key && !value.handle) return does_not_open();
  return value;
}

Result<Secret> open_secret(Services& services, const Recorded& recorded) {
  const auto data_key = data_key_of(services, recorded.stream());
  if (!data_key) return std::unexpected(data_key.error());
  const auto& sealed = sealed_in(recorded.event()).secret;
  const auto secret = as_secret(Vault::open(*data_key, recorded.stream(), recorded.version(), sealed));
  if (!secret) return does_not_open();
  return *secret;
}

const SecretDigest& handle_digest_of(const Recorded& recorded) {
  return sealed_in(recorded.event()).handle_digest;
}

ValueEvents find_values(const std::vector<StoredEvent>& stream) {
  ValueEvents values;
  for (const auto& stored : stream) {
    const auto& event = stored.recorded.event();
    if (event.has_token_created() || event.has_token_rotated()) values = {&stored.recorded, nullptr};
    if (event.has_token_renewed()) values.renewed = &stored.recorded;
    if (event.has_token_renewal_completed() && values.renewed) values = {values.renewed, nullptr};
  }
  return values;
}

}  // namespace mintmark
