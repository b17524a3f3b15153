#include "eventstore/random.h"

#include <cassert>
#include <cstring>
#include <stdexcept>

#include <fmt/format.h>
#include <sodium.h>

namespace mintmark {

std::uint32_t Random::below(std::uint32_t end) {
  assert(end > 0);
  // Rejection sampling: values past the last whole multiple of `end` would favour the small ones.
  const std::uint32_t limit = UINT32_MAX - UINT32_MAX % end;
  std::uint32_t value = 0;
  do {
    fill({reinterpret_cast<std::uint8_t*>(&value), sizeof value});
  } while (value >= limit);
  return value % end;
}

Secret Random::secret() {
  Secret secret{};
  fill(secret.bytes);
  return secret;
}

EventId Random::event_id(Time now) {
  EventId id;
  fill(id.bytes);
  const auto milliseconds = static_cast<std::uint64_t>(now.time_since_epoch().count() / 1000);
  for (std::size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<std::uint8_t>(milliseconds >> (40 - 8 * i));
  id.bytes[6] = static_cast<std::uint8_t>(0x70 | (id.bytes[6] & 0x0F));
  id.bytes[8] = static_cast<std::uint8_t>(0x80 | (id.bytes[8] & 0x3F));
  return id;
}

SystemRandom::SystemRandom() {
  if (sodium_init() < 0) throw std::runtime_error("libsodium cannot find a source of randomness");
}

void SystemRandom::fill(std::span<std::uint8_t> bytes) {
  randombytes_buf(bytes.data(), bytes.size());
}

EventId EventId::from_bytes(std::string_view bytes) {
  EventId id;
  assert(bytes.size() == id.bytes.size());
  std::memcpy(id.bytes.data(), bytes.data(), id.bytes.size());
  return id;
}

std::string EventId::text() const {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", bytes[i]);
  }
  return text;
}

}  // namespace mintmark
