#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "domain/api_key.h"
#include "domain/ids.h"
#include "domain/time.h"
#include "eventstore/event_id.h"

namespace mintmark {

// Where chance comes from; a simulator has its own. Thread-safe, does not block.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::uint8_t> bytes) = 0;

  // Evenly distributed below `end`.
  std::uint32_t below(std::uint32_t end);
  Secret secret();
  // A UUIDv7 (RFC 9562, 5.7): milliseconds of `now`, then random bits.
  EventId event_id(Time now);
};

// The system's cryptographic generator, through libsodium.
class SystemRandom final : public Random {
 public:
  SystemRandom();
  void fill(std::span<std::uint8_t> bytes) override;
};

}  // namespace mintmark
