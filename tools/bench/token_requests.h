#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "eventstore/event_log.h"
#include "eventstore/random.h"

namespace mintmark {

// What creating one custom token appends, with a client's idempotency key.
class TokenRequests {
 public:
  TokenRequests() {
    auto& created = *event_.mutable_token_created();
    created.set_token_id("SU-160-984-824");
    created.set_account_id("VA-000-001");
    created.set_extension(CUSTOM);
    created.set_name("Billing export of the night");
    created.set_description("Reads agreements for the nightly export");
    created.mutable_secret_digest()->set_pepper(1);
    created.mutable_secret_digest()->set_digest(std::string(16, '\x11'));
    created.mutable_secret()->set_nonce(std::string(24, '\x22'));
    created.mutable_secret()->set_ciphertext(std::string(36, '\x33'));
  }

  AppendRequest next() {
    const auto id = random_.event_id(std::chrono::floor<std::chrono::microseconds>(now_));
    AppendRequest request;
    request.streams.push_back({fmt::format("token-SU-{:012}", ++count_), 0, {}});
    request.streams.back().events.push_back({id, event_});
    request.metadata.actor.set_kind(Actor::USER);
    request.metadata.actor.set_id("UR-000-000-001");
    request.metadata.recorded_at = std::chrono::floor<std::chrono::microseconds>(now_);
    request.metadata.request_id = id.text();
    request.metadata.client_ip = "192.0.2.1";
    std::string key_hash(32, '\0');
    random_.fill({reinterpret_cast<std::uint8_t*>(key_hash.data()), key_hash.size()});
    request.idempotency_key = IdempotencyKey{std::move(key_hash), std::string(32, '\x44')};
    request.vault_writes.push_back({request.streams.front().stream, std::string(72, '\x55')});
    return request;
  }

 private:
  SystemRandom random_;
  const std::chrono::system_clock::time_point now_ = std::chrono::system_clock::now();
  Event event_;
  std::uint64_t count_ = 0;
};

}  // namespace mintmark
