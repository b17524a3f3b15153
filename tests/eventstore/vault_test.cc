#include "eventstore/vault.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "eventstore/memory_log.h"
#include "tests/support/event_builders.h"

namespace mintmark::testing::vault_test {
namespace {

constexpr std::string_view subject = "token-SU-000-000-001";

KeyEncryptionKey key_of(std::uint8_t byte) {
  KeyEncryptionKey key{};
  key.fill(byte);
  return key;
}

class VaultOfALog : public ::testing::Test {
 protected:
  void store(VaultWrite write) {
    auto request = append_request("stream", version_, version_ + 1);
    request.vault_writes.push_back(std::move(write));
    ASSERT_TRUE(append_and_wait(log, std::move(request)));
    ++version_;
  }
  DataKey make_and_store(std::string_view of) {
    auto [key, write] = vault.make(of);
    store(std::move(write));
    return key;
  }

  MemoryLog log{event_id(1)};
  SystemRandom random;
  Vault vault{log, key_of(1), random};

 private:
  std::uint64_t version_ = 0;
};

TEST_F(VaultOfALog, OpensWhatItSealed) {
  const auto key = make_and_store(subject);
  for (const std::string& value :
       {std::string(), std::string("a"), std::string(20, '\0'), std::string(5'000, 'x')}) {
    const auto sealed = vault.seal(key, subject, 3, value);
    EXPECT_EQ(Vault::open(key, subject, 3, sealed), value);
    // A single byte is likely enough to occur by chance.
    if (value.size() > 1) EXPECT_EQ(sealed.ciphertext().find(value), std::string::npos);
  }
}

TEST_F(VaultOfALog, SealsTheSameValueDifferentlyEachTime) {
  const auto key = make_and_store(subject);
  std::set<std::string> nonces;
  std::set<std::string> ciphertexts;
  for (int i = 0; i < 100; ++i) {
    const auto sealed = vault.seal(key, subject, 1, "value");
    nonces.insert(sealed.nonce());
    ciphertexts.insert(sealed.ciphertext());
  }
  EXPECT_EQ(nonces.size(), 100U);
  EXPECT_EQ(ciphertexts.size(), 100U);
}

TEST_F(VaultOfALog, DoesNotOpenAValueInAnothersPlace) {
  const auto key = make_and_store(subject);
  const auto other_key = make_and_store("token-SU-000-000-002");
  const auto sealed = vault.seal(key, subject, 12, "value");
  EXPECT_TRUE(Vault::open(key, subject, 12, sealed));
  EXPECT_FALSE(Vault::open(key, "token-SU-000-000-002", 12, sealed)) << "another subject";
  EXPECT_FALSE(Vault::open(key, subject, 13, sealed)) << "another version";
  EXPECT_FALSE(Vault::open(key, subject, 1, sealed)) << "another version";
  EXPECT_FALSE(Vault::open(other_key, subject, 12, sealed)) << "another key";
}

TEST_F(VaultOfALog, DoesNotOpenAValueThatWasChanged) {
  const auto key = make_and_store(subject);
  const auto sealed = vault.seal(key, subject, 1, "value");
  for (std::size_t i = 0; i < sealed.ciphertext().size(); ++i) {
    auto changed = sealed;
    (*changed.mutable_ciphertext())[i] ^= 1;
    EXPECT_FALSE(Vault::open(key, subject, 1, changed)) << i;
    changed = sealed;
    changed.mutable_ciphertext()->resize(i);
    EXPECT_FALSE(Vault::open(key, subject, 1, changed)) << i;
  }
  for (const std::string& nonce :
       {std::string(), sealed.nonce() + "x", sealed.nonce().substr(1), std::string(24, 0)}) {
    auto changed = sealed;
    changed.set_nonce(nonce);
    EXPECT_FALSE(Vault::open(key, subject, 1, changed));
  }
}

TEST_F(VaultOfALog, GivesTheDataKeyThatItMade) {
  const auto key = make_and_store(subject);
  const auto other = make_and_store("other");
  EXPECT_NE(key, other);
  auto found = vault.get(subject);
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, key);
  // The stored form does not show the key.
  const std::string clear(reinterpret_cast<const char*>(key.data()), key.size());
  EXPECT_EQ(log.read_vault(subject)->find(clear), std::string::npos);
}

TEST_F(VaultOfALog, HasNoKeyBeforeItIsStoredOrAfterItIsDestroyed) {
  const auto [key, write] = vault.make(subject);
  EXPECT_EQ(vault.get(subject).value(), std::nullopt);
  store(write);
  EXPECT_EQ(vault.get(subject).value(), key);
  store(Vault::destroy(subject));
  EXPECT_EQ(vault.get(subject).value(), std::nullopt);
  EXPECT_FALSE(log.read_vault(subject));
}

TEST_F(VaultOfALog, DoesNotOpenUnderAnotherKeyEncryptionKey) {
  make_and_store(subject);
  Vault other(log, key_of(2), random);
  const auto key = other.get(subject);
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error(), (Error{ErrorKind::kUnavailable,
                                {"The key of token-SU-000-000-001 does not open under this key file."}}));
}

TEST_F(VaultOfALog, IsCheckedKeyByKey) {
  EXPECT_TRUE(vault.check_all({key_of(1)}));
  for (int i = 0; i < 600; ++i) make_and_store("subject-" + std::to_string(i));  // more than a batch of rows
  EXPECT_TRUE(vault.check_all({key_of(1)}));
  EXPECT_TRUE(vault.check_all({key_of(2), key_of(1)})) << "in mid-rotation";
  store(Vault(log, key_of(2), random).make("subject-599").second);
  const auto mixed = vault.check_all({key_of(1)});
  ASSERT_FALSE(mixed);
  EXPECT_EQ(mixed.error(),
            (Error{ErrorKind::kUnavailable, {"The key of subject-599 does not open under this key file."}}));
}

TEST_F(VaultOfALog, DoesNotTakeAWrappedKeyForAnotherSubjectOrADamagedOne) {
  make_and_store(subject);
  const auto wrapped = *log.read_vault(subject);
  store({"other", wrapped});
  EXPECT_EQ(vault.get("other").error().kind, ErrorKind::kUnavailable);
  for (const auto& damaged : {wrapped.substr(1), wrapped.substr(0, 10), std::string("x"), wrapped + "x"}) {
    store({"damaged", damaged});
    EXPECT_EQ(vault.get("damaged").error().kind, ErrorKind::kUnavailable);
  }
}

TEST_F(VaultOfALog, LoadsItsPeppersInOrder) {
  store(vault.make_pepper(1).second);
  const auto one = vault.load_peppers();
  ASSERT_TRUE(one);
  EXPECT_EQ(one->newest(), 1U);
  store(vault.make_pepper(2).second);
  const auto two = vault.load_peppers();
  ASSERT_TRUE(two);
  EXPECT_EQ(two->newest(), 2U);
  const Secret secret{};
  EXPECT_EQ(one->digest(1, secret), two->digest(1, secret))
      << "a new pepper leaves the earlier one as it was";
  EXPECT_NE(two->digest(1, secret), two->digest(2, secret));
}

TEST_F(VaultOfALog, SaysWhyItHasNoPeppers) {
  EXPECT_EQ(vault.load_peppers().error().messages.front(),
            "The vault holds no pepper: the data folder is incomplete.");
  store(vault.make_pepper(1).second);
  EXPECT_EQ(Vault(log, key_of(2), random).load_peppers().error().messages.front(),
            "The key file is not the one that this data folder was made with.");
}

}  // namespace
}  // namespace mintmark::testing::vault_test
