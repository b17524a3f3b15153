#include "eventstore/pepper.h"

#include <algorithm>
#include <stdexcept>

#include <sodium.h>

namespace mintmark {
namespace {

constexpr std::uint8_t secret_domain = 1;
constexpr std::uint8_t name_domain = 2;

}  // namespace

Peppers::Peppers(std::span<const PepperKey> keys) : count_(keys.size()) {
  if (keys.empty() || keys.size() > count_max) throw std::invalid_argument("there must be 1 to 255 peppers");
  std::ranges::copy(keys, keys_.begin());
}

Digest Peppers::digest(std::uint32_t number, const Secret& secret) const {
  Digest digest{};
  if (number == 0 || number > count_) {
    randombytes_buf(digest.data(), digest.size());
    return digest;
  }
  std::array<std::uint8_t, 1 + sizeof secret.bytes> message{secret_domain};
  std::ranges::copy(secret.bytes, message.begin() + 1);
  const auto& key = keys_[number - 1];
  crypto_generichash(digest.data(), digest.size(), message.data(), message.size(), key.data(), key.size());
  sodium_memzero(message.data(), message.size());
  return digest;
}

SecretDigest Peppers::digest(const Secret& secret) const {
  const auto bytes = digest(newest(), secret);
  SecretDigest result;
  result.set_pepper(newest());
  result.set_digest(bytes.data(), bytes.size());
  return result;
}

std::string Peppers::name_hash(std::string_view kind, std::string_view value) const {
  const auto& key = keys_[0];
  crypto_generichash_state state;
  std::array<std::uint8_t, 16> hash{};
  crypto_generichash_init(&state, key.data(), key.size(), hash.size());
  const auto update = [&state](std::string_view part) {
    crypto_generichash_update(&state, reinterpret_cast<const std::uint8_t*>(part.data()), part.size());
  };
  update({reinterpret_cast<const char*>(&name_domain), 1});
  update(kind);
  update(std::string_view("\0", 1));
  update(value);
  crypto_generichash_final(&state, hash.data(), hash.size());
  std::array<char, 2 * sizeof hash + 1> hex{};
  sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
  return hex.data();
}

}  // namespace mintmark
