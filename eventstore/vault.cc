#include "eventstore/vault.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <sodium.h>

namespace mintmark {
namespace {

constexpr std::size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(sizeof(DataKey) == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
static_assert(sizeof(DataKey) == sizeof(PepperKey));

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string encrypt(const DataKey& key, std::string_view nonce, std::string_view associated,
                    std::string_view value) {
  std::string ciphertext(value.size() + tag_bytes, '\0');
  crypto_aead_xchacha20poly1305_ietf_encrypt(reinterpret_cast<unsigned char*>(ciphertext.data()), nullptr,
                                             bytes_of(value), value.size(), bytes_of(associated),
                                             associated.size(), nullptr, bytes_of(nonce), key.data());
  return ciphertext;
}

std::optional<std::string> decrypt(const DataKey& key, std::string_view nonce, std::string_view associated,
                                   std::string_view ciphertext) {
  if (nonce.size() != nonce_bytes || ciphertext.size() < tag_bytes) return std::nullopt;
  std::string value(ciphertext.size() - tag_bytes, '\0');
  const int outcome = crypto_aead_xchacha20poly1305_ietf_decrypt(
      reinterpret_cast<unsigned char*>(value.data()), nullptr, nullptr, bytes_of(ciphertext),
      ciphertext.size(), bytes_of(associated), associated.size(), bytes_of(nonce), key.data());
  return outcome == 0 ? std::optional(std::move(value)) : std::nullopt;
}

std::string wrap_context(std::string_view subject) {
  return fmt::format("mintmark data key of {}", subject);
}

std::string seal_context(std::string_view subject, std::uint64_t version) {
  return fmt::format("mintmark value of {} at version {}", subject, version);
}

std::string pepper_subject(std::uint32_t number) {
  return fmt::format("pepper-{}", number);
}

std::string random_nonce(Random& random) {
  std::string nonce(nonce_bytes, '\0');
  random.fill({reinterpret_cast<std::uint8_t*>(nonce.data()), nonce.size()});
  return nonce;
}

}  // namespace

VaultWrite Vault::wrap(std::string_view subject, const DataKey& key) {
  const auto nonce = random_nonce(random_);
  const std::string_view value(reinterpret_cast<const char*>(key.data()), key.size());
  return {std::string(subject), nonce + encrypt(key_encryption_key_, nonce, wrap_context(subject), value)};
}

std::pair<DataKey, VaultWrite> Vault::make(std::string_view subject) {
  DataKey key{};
  random_.fill(key);
  auto write = wrap(subject, key);
  return {key, std::move(write)};
}

Result<std::optional<DataKey>> Vault::get(std::string_view subject) {
  const auto wrapped = log_.read_vault(subject);
  if (!wrapped) return std::nullopt;
  const auto nonce = std::string_view(*wrapped).substr(0, nonce_bytes);
  const auto ciphertext = std::string_view(*wrapped).substr(nonce.size());
  const auto value = decrypt(key_encryption_key_, nonce, wrap_context(subject), ciphertext);
  DataKey key{};
  if (!value || value->size() != key.size()) {
    return fail(ErrorKind::kUnavailable,
                fmt::format("The key of {} does not open under this key file.", subject));
  }
  std::ranges::copy(*value, key.begin());
  return key;
}

Sealed Vault::seal(const DataKey& key, std::string_view subject, std::uint64_t version,
                   std::string_view value) {
  Sealed sealed;
  sealed.set_nonce(random_nonce(random_));
  sealed.set_ciphertext(encrypt(key, sealed.nonce(), seal_context(subject, version), value));
  return sealed;
}

std::optional<std::string> Vault::open(const DataKey& key, std::string_view subject, std::uint64_t version,
                                       const Sealed& sealed) {
  return decrypt(key, sealed.nonce(), seal_context(subject, version), sealed.ciphertext());
}

VaultWrite Vault::make_pepper(std::uint32_t number) {
  return make(pepper_subject(number)).second;
}

Result<Peppers> Vault::load_peppers() {
  std::vector<PepperKey> keys;
  while (keys.size() < Peppers::count_max) {
    const auto key = get(pepper_subject(static_cast<std::uint32_t>(keys.size() + 1)));
    if (!key) {
      return fail(ErrorKind::kUnavailable,
                  "The key file is not the one that this data folder was made with.");
    }
    if (!*key) break;
    keys.push_back(**key);
  }
  if (keys.empty())
    return fail(ErrorKind::kUnavailable, "The vault holds no pepper: the data folder is incomplete.");
  return Peppers(keys);
}

}  // namespace mintmark
