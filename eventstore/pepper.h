#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "domain/api_key.h"
#include "domain/events.pb.h"

namespace mintmark {

using Digest = std::array<std::uint8_t, 16>;
using PepperKey = std::array<std::uint8_t, 32>;

// Secret keys that turn secrets into digests, numbered from 1 in the order they came into use; events name
// the number they used. Any number of threads may ask while one adds. Digest: BLAKE2b keyed with the pepper
// (RFC 7693), 16 bytes out of a domain byte and the value. Neither function of it blocks or allocates but
// where it returns a string.
class Peppers {
 public:
  static constexpr std::uint32_t count_max = 255;

  // At least one key, at most count_max.
  explicit Peppers(std::span<const PepperKey> keys);

  Peppers(const Peppers& other);
  Peppers& operator=(const Peppers&) = delete;

  std::uint32_t newest() const { return static_cast<std::uint32_t>(count_.load(std::memory_order_acquire)); }

  // Takes in the next pepper, the newest from here on; its number. One thread at a time. Throws
  // std::length_error where there are count_max.
  std::uint32_t add(const PepperKey& key);

  // The digest that the authorization index compares. `number` out of range gives a digest that equals none.
  Digest digest(std::uint32_t number, const Secret& secret) const;
  // With the newest pepper, as events store it.
  SecretDigest digest(const Secret& secret) const;

  // A hash that names things by what must not be guessed from the name: e-mail addresses and session cookies.
  // Always with the first pepper, since the names stay. 32 lower-case hex characters.
  std::string name_hash(std::string_view kind, std::string_view value) const;

 private:
  // BLAKE2b's chain value after the block that a key fills, so that a digest costs one block and not two.
  using Chain = std::array<std::uint64_t, 8>;

  std::array<PepperKey, count_max> keys_{};
  std::array<Chain, count_max> chains_{};
  std::atomic<std::size_t> count_ = 0;  // those below it never change again
};

}  // namespace mintmark
