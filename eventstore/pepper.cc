#include "eventstore/pepper.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <sodium.h>

namespace mintmark {
namespace {

constexpr std::uint8_t secret_domain = 1;
constexpr std::uint8_t name_domain = 2;

// BLAKE2b's compression of one block (RFC 7693, 2.7, 3.1 and 3.2). libsodium keeps a key's block back until
// the message is over, so that it would compress it again for every digest; and a digest is what a check
// costs.
using Chain = std::array<std::uint64_t, 8>;
using Block = std::array<std::uint64_t, 16>;

constexpr std::size_t block_bytes = sizeof(Block);
constexpr Chain initial{0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                        0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};
constexpr std::array<std::array<std::uint8_t, 16>, 10> schedule{{
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
}};

[[gnu::always_inline]] inline void mix(std::uint64_t& a, std::uint64_t& b, std::uint64_t& c, std::uint64_t& d,
                                       std::uint64_t x, std::uint64_t y) {
  a += b + x;
  d = std::rotr(d ^ a, 32);
  c += d;
  b = std::rotr(b ^ c, 24);
  a += b + y;
  d = std::rotr(d ^ a, 16);
  c += d;
  b = std::rotr(b ^ c, 63);
}

template <std::size_t round>
[[gnu::always_inline]] inline void mix_all(Block& v, const Block& m) {
  constexpr auto& s = schedule[round % schedule.size()];
  mix(v[0], v[4], v[8], v[12], m[s[0]], m[s[1]]);
  mix(v[1], v[5], v[9], v[13], m[s[2]], m[s[3]]);
  mix(v[2], v[6], v[10], v[14], m[s[4]], m[s[5]]);
  mix(v[3], v[7], v[11], v[15], m[s[6]], m[s[7]]);
  mix(v[0], v[5], v[10], v[15], m[s[8]], m[s[9]]);
  mix(v[1], v[6], v[11], v[12], m[s[10]], m[s[11]]);
  mix(v[2], v[7], v[8], v[13], m[s[12]], m[s[13]]);
  mix(v[3], v[4], v[9], v[14], m[s[14]], m[s[15]]);
}

// `bytes` counts the input up to the end of this block. Inlined, so that words known to be zero cost nothing.
[[gnu::always_inline]] inline Chain compress(const Chain& chain, const Block& m, std::uint64_t bytes,
                                             bool last) {
  Block v;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    v[i] = chain[i];
    v[i + chain.size()] = initial[i];
  }
  v[12] ^= bytes;
  if (last) v[14] = ~v[14];
  [&]<std::size_t... round>(std::index_sequence<round...>)
      __attribute__((always_inline)) { (mix_all<round>(v, m), ...); }(std::make_index_sequence<12>());
  Chain result;
  for (std::size_t i = 0; i < chain.size(); ++i) result[i] = chain[i] ^ v[i] ^ v[i + chain.size()];
  return result;
}

static_assert(std::endian::native == std::endian::little, "blocks are filled as they lie in memory");

// The chain value behind the first block of a keyed hash, which holds the key (RFC 7693, 2.5 and 2.9).
Chain start_chain(const PepperKey& key) {
  auto chain = initial;
  chain[0] ^= 0x01010000 ^ (key.size() << 8) ^ sizeof(Digest);
  Block block{};
  std::memcpy(block.data(), key.data(), key.size());
  chain = compress(chain, block, block_bytes, false);
  sodium_memzero(block.data(), sizeof block);
  return chain;
}

}  // namespace

Peppers::Peppers(std::span<const PepperKey> keys) : count_(keys.size()) {
  if (keys.empty() || keys.size() > count_max) throw std::invalid_argument("there must be 1 to 255 peppers");
  std::ranges::copy(keys, keys_.begin());
  std::ranges::transform(keys, chains_.begin(), start_chain);
}

Peppers::Peppers(const Peppers& other)
    : keys_(other.keys_), chains_(other.chains_), count_(other.count_.load(std::memory_order_acquire)) {}

std::uint32_t Peppers::add(const PepperKey& key) {
  const auto number = newest();
  if (number == count_max) throw std::length_error("there are 255 peppers");
  keys_[number] = key;
  chains_[number] = start_chain(key);
  count_.store(number + 1, std::memory_order_release);
  return number + 1;
}

Digest Peppers::digest(std::uint32_t number, const Secret& secret) const {
  Digest digest{};
  if (number == 0 || number > newest()) {
    randombytes_buf(digest.data(), digest.size());
    return digest;
  }
  // The domain byte and the value, as the block's words in registers: nothing is left in memory to wipe.
  constexpr std::size_t message_bytes = 1 + sizeof secret.bytes;
  std::array<std::uint8_t, 3 * sizeof(std::uint64_t)> message{secret_domain};
  static_assert(message_bytes <= sizeof message);
  std::memcpy(message.data() + 1, secret.bytes.data(), sizeof secret.bytes);
  Block block{};
  std::memcpy(block.data(), message.data(), sizeof message);
  const auto chain = compress(chains_[number - 1], block, block_bytes + message_bytes, true);
  std::memcpy(digest.data(), chain.data(), digest.size());
  return digest;
}

SecretDigest Peppers::digest(const Secret& secret) const {
  const auto number = newest();
  const auto bytes = digest(number, secret);
  SecretDigest result;
  result.set_pepper(number);
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
