#pragma once

#include <chrono>
#include <initializer_list>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sodium.h>

#include "projections/authorization_index.h"

// Tokens numbered n, their secrets and their events, and an index that takes them in.
namespace mintmark {

using Verdict = AuthorizationIndex::Verdict;

inline const Time now{std::chrono::seconds(1'800'000'000)};

inline TokenId id_of(std::uint32_t n) {
  return TokenId::from_value(n);
}

// Every n has its secret, from an engine that is quickly seeded.
inline Secret secret_of(std::uint32_t n) {
  Secret secret{};
  std::minstd_rand random(n + 1);
  for (auto& byte : secret.bytes) byte = static_cast<std::uint8_t>(random());
  return secret;
}

struct Answer {
  Verdict verdict = Verdict::kUnknown;
  std::string account;
  Extension extension = EXTENSION_UNSPECIFIED;
  std::string name;
};

class AuthorizationIndexTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_GE(sodium_init(), 0); }

  StoredEvent stored(std::string stream, Event event) {
    StoredEvent result;
    result.recorded.set_position(++last_);
    result.recorded.set_stream(std::move(stream));
    *result.recorded.mutable_event() = std::move(event);
    return result;
  }
  StoredEvent created(std::uint32_t n, std::string name = "ci", Extension extension = CUSTOM,
                      std::optional<Time> expires_at = {}, std::uint32_t pepper = 1) {
    Event event;
    auto& token = *event.mutable_token_created();
    token.set_token_id(id_of(n).text());
    token.set_account_id(AccountId::from_value(AccountType::kProvider, n % 1'000'000).text());
    token.set_extension(extension);
    token.set_name(std::move(name));
    if (expires_at) token.set_expires_at_us(expires_at->time_since_epoch().count());
    const auto digest = peppers_.digest(pepper, secret_of(n));
    token.mutable_secret_digest()->set_pepper(pepper);
    token.mutable_secret_digest()->set_digest(digest.data(), digest.size());
    return stored(stream_of(id_of(n)), std::move(event));
  }
  StoredEvent renamed(std::uint32_t n, std::string name) {
    Event event;
    event.mutable_token_updated()->set_name(std::move(name));
    return stored(stream_of(id_of(n)), std::move(event));
  }
  TokenCredentials credentials(const Secret& secret, std::optional<Time> expires_at, std::uint32_t pepper) {
    TokenCredentials result;
    const auto digest = peppers_.digest(pepper, secret);
    result.mutable_secret_digest()->set_pepper(pepper);
    result.mutable_secret_digest()->set_digest(digest.data(), digest.size());
    if (expires_at) result.set_expires_at_us(expires_at->time_since_epoch().count());
    return result;
  }
  StoredEvent renewed(std::uint32_t n, const Secret& secret, Time old_end, Time end,
                      std::uint32_t pepper = 1) {
    Event event;
    *event.mutable_token_renewed()->mutable_credentials() = credentials(secret, end, pepper);
    event.mutable_token_renewed()->set_old_expires_at_us(old_end.time_since_epoch().count());
    return stored(stream_of(id_of(n)), std::move(event));
  }
  StoredEvent rotated(std::uint32_t n, const Secret& secret) {
    Event event;
    *event.mutable_token_rotated()->mutable_credentials() = credentials(secret, {}, 1);
    return stored(stream_of(id_of(n)), std::move(event));
  }
  StoredEvent granted(std::uint32_t n, std::initializer_list<std::uint32_t> modules) {
    Event event;
    for (const auto module : modules) event.mutable_permissions_granted()->add_modules(module);
    return stored(stream_of(id_of(n)), std::move(event));
  }
  StoredEvent revoked(std::uint32_t n, std::initializer_list<std::uint32_t> modules) {
    Event event;
    for (const auto module : modules) event.mutable_permissions_revoked()->add_modules(module);
    return stored(stream_of(id_of(n)), std::move(event));
  }
  StoredEvent deleted(std::uint32_t n) {
    Event event;
    event.mutable_token_deleted();
    return stored(stream_of(id_of(n)), std::move(event));
  }
  StoredEvent issued(std::uint32_t n) {
    Event event;
    event.mutable_zapier_connection_issued()->set_connection_id("c");
    return stored(stream_of(id_of(n)), std::move(event));
  }

  void apply(std::initializer_list<StoredEvent> events) { index_.apply(std::vector(events)); }

  static Answer check_in(const AuthorizationIndex& index, TokenId id, const Secret& secret, Time at = now) {
    return index.check(0, id, secret, at, [](Verdict verdict, const AuthorizationIndex::Identity* identity) {
      if (identity == nullptr) return Answer{.verdict = verdict, .account{}, .name{}};
      return Answer{verdict, identity->account.text(), identity->extension, std::string(identity->name)};
    });
  }
  Answer check(std::uint32_t n, Time at = now) const { return check_in(index_, id_of(n), secret_of(n), at); }
  Answer check(std::uint32_t n, const Secret& secret, Time at = now) const {
    return check_in(index_, id_of(n), secret, at);
  }
  Verdict verdict(std::uint32_t n, Time at = now) const { return check(n, at).verdict; }

  static std::vector<PepperKey> keys(std::size_t count) {
    std::vector<PepperKey> result(count);
    for (std::size_t i = 0; i < count; ++i) result[i].fill(static_cast<std::uint8_t>(i + 1));
    return result;
  }

  Peppers peppers_{keys(2)};
  Peppers one_pepper_{keys(1)};
  AuthorizationIndex index_{peppers_};
  Position last_ = 0;
};

}  // namespace mintmark
