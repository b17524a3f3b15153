#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <sodium.h>

#include "eventstore/bytes.h"

namespace mintmark {

// What our own files end with: BLAKE2b (RFC 7693) of all before it, so that damage is seen.
inline constexpr std::size_t checksum_bytes = 32;

inline std::string checksum(std::string_view bytes) {
  std::string hash(checksum_bytes, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(), unsigned_bytes(bytes),
                     bytes.size(), nullptr, 0);
  return hash;
}

}  // namespace mintmark
