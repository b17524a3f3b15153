#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "domain/api_key.h"
#include "domain/ids.h"
#include "domain/time.h"
#include "domain/token.h"
#include "eventstore/pepper.h"
#include "projections/projection.h"

namespace mintmark {

// Answers "whose key is this, and may it do something now?" from memory: no lock, no allocation, no I/O.
// Left-right (Ramalhete and Correia, "Left-Right: A Concurrency Control Technique with Wait-Free Population
// Oblivious Reads", 2013): two copies, one writer, readers read the stable one.
class AuthorizationIndex final : public Projection {
 public:
  enum class Verdict : std::uint8_t {
    kUnknown,  // no such token, another secret, or deleted
    kAllowed,
    kRefused,  // the right key of a token that may not: pending, inactive or expired, or its stream is parked
  };

  // Views into the index, valid only inside the lambda given to check().
  struct Identity {
    TokenId token;
    AccountId account;
    Extension extension;
    std::string_view name;  // percent-encoded: visible ASCII and space, all else %XX, so that it fits a header
  };

  static constexpr std::size_t readers_max = 64;

  // `peppers` must outlive the index.
  explicit AuthorizationIndex(const Peppers& peppers);
  ~AuthorizationIndex() override;

  // Calls use(verdict, identity) with the answer; identity is null for kUnknown. `reader` is below readers_max
  // and used by one thread at a time. `now` decides expiry. Wait-free; `use` must not call check() again.
  template <class Use>
  decltype(auto) check(std::size_t reader, TokenId id, const Secret& secret, Time now, Use&& use) const;
};

}  // namespace mintmark
