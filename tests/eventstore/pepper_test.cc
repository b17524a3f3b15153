#include "eventstore/pepper.h"

#include <algorithm>
#include <array>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sodium.h>

namespace mintmark::pepper_test {
namespace {

PepperKey key_of(std::uint8_t byte) {
  PepperKey key{};
  key.fill(byte);
  return key;
}

Secret secret_of(std::uint8_t byte) {
  Secret secret{};
  secret.bytes.fill(byte);
  return secret;
}

TEST(Peppers, DigestIsKeyedBlake2bOfADomainByteAndTheSecret) {
  std::mt19937 random(1);
  for (int i = 0; i < 500; ++i) {
    PepperKey key{};
    Secret secret{};
    for (auto& byte : key) byte = static_cast<std::uint8_t>(random());
    for (auto& byte : secret.bytes) byte = static_cast<std::uint8_t>(random());
    std::array<std::uint8_t, 21> message{1};
    std::ranges::copy(secret.bytes, message.begin() + 1);
    Digest expected{};
    crypto_generichash(expected.data(), expected.size(), message.data(), message.size(), key.data(),
                       key.size());
    const std::vector<PepperKey> keys{key_of(9), key};
    EXPECT_EQ(Peppers(keys).digest(2, secret), expected) << i;
  }
}

TEST(Peppers, DigestsDifferBySecretAndByPepper) {
  const std::vector<PepperKey> keys{key_of(1), key_of(2)};
  const Peppers peppers(keys);
  EXPECT_EQ(peppers.digest(1, secret_of(5)), peppers.digest(1, secret_of(5)));
  EXPECT_NE(peppers.digest(1, secret_of(5)), peppers.digest(1, secret_of(6)));
  EXPECT_NE(peppers.digest(1, secret_of(5)), peppers.digest(2, secret_of(5)));
}

TEST(Peppers, ANumberOutOfRangeGivesADigestThatEqualsNone) {
  const std::vector<PepperKey> keys{key_of(1)};
  const Peppers peppers(keys);
  for (const std::uint32_t number : {0U, 2U, 255U, 4'000'000'000U}) {
    const auto digest = peppers.digest(number, secret_of(5));
    EXPECT_NE(digest, peppers.digest(1, secret_of(5)));
    EXPECT_NE(digest, peppers.digest(number, secret_of(5)));
  }
}

TEST(Peppers, EventsStoreTheNewestPeppersDigestAndNumber) {
  const std::vector<PepperKey> keys{key_of(1), key_of(2), key_of(3)};
  const Peppers peppers(keys);
  const auto stored = peppers.digest(secret_of(5));
  EXPECT_EQ(stored.pepper(), 3U);
  const auto bytes = peppers.digest(3, secret_of(5));
  EXPECT_EQ(stored.digest(), std::string(bytes.begin(), bytes.end()));
}

TEST(Peppers, NamesStayWhenAPepperIsAdded) {
  const std::vector<PepperKey> one{key_of(1)};
  const std::vector<PepperKey> two{key_of(1), key_of(2)};
  const auto name = Peppers(one).name_hash("email", "ada@example.com");
  EXPECT_EQ(Peppers(two).name_hash("email", "ada@example.com"), name);
  EXPECT_EQ(name.size(), 32U);
  EXPECT_EQ(name.find_first_not_of("0123456789abcdef"), std::string::npos);
}

TEST(Peppers, NamesDifferByKindValueAndPepper) {
  const std::vector<PepperKey> one{key_of(1)};
  const std::vector<PepperKey> other{key_of(2)};
  const Peppers peppers(one);
  const auto name = peppers.name_hash("email", "ada");
  EXPECT_NE(name, peppers.name_hash("email", "bob"));
  EXPECT_NE(name, peppers.name_hash("session", "ada"));
  EXPECT_NE(name, peppers.name_hash("emaila", "da")) << "kind and value must not run together";
  EXPECT_NE(name, Peppers(other).name_hash("email", "ada"));
}

TEST(Peppers, AreOneToTheirLimit) {
  EXPECT_THROW(Peppers({}), std::invalid_argument);
  EXPECT_NO_THROW(Peppers(std::vector(Peppers::count_max, key_of(1))));
  EXPECT_THROW(Peppers(std::vector(Peppers::count_max + 1, key_of(1))), std::invalid_argument);
}

}  // namespace
}  // namespace mintmark::pepper_test
