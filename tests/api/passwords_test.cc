#include "api/passwords.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "domain/user.h"
#include "tests/support/quick_passwords.h"
#include "tests/support/scripted_random.h"

namespace mintmark::passwords_test {
namespace {

TEST(Passwords, AHashMatchesItsPasswordAndNoOther) {
  const auto hash = hash_password("correct horse battery");
  EXPECT_TRUE(password_matches(hash, "correct horse battery"));
  for (const auto wrong : {"correct horse batterz", "correct horse batter", "correct horse battery ", ""}) {
    EXPECT_FALSE(password_matches(hash, wrong)) << wrong;
  }
}

TEST(Passwords, ANulByteIsPartOfThePassword) {
  using namespace std::string_literals;
  EXPECT_FALSE(password_matches(hash_password("secret\0one"s), "secret\0two"s));
}

TEST(Passwords, AHashIsArgon2idSaltedAndHoldsNoPassword) {
  const auto hash = hash_password("correct horse battery");
  EXPECT_TRUE(hash.starts_with("$argon2id$v=19$")) << hash;
  EXPECT_EQ(testing::password_work.operations, 2U) << "and what it takes here is the least there is";
  EXPECT_EQ(testing::password_work.memory_bytes, 64U * 1024 * 1024);
  EXPECT_EQ(hash.find("horse"), std::string::npos);
  EXPECT_NE(hash, hash_password("correct horse battery"));
}

TEST(Passwords, WhatIsNoHashMatchesNothing) {
  for (const auto hash : {"", "$argon2id$", "plain"}) EXPECT_FALSE(password_matches(hash, "plain")) << hash;
}

TEST(Passwords, AGeneratedOneIsLongReadableAndNeverTheSame) {
  testing::SeededRandom random(1);
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    const auto password = generate_password(random);
    EXPECT_EQ(password.size(), 20);
    EXPECT_EQ(password.find_first_of("lIO01 "), std::string::npos) << password;
    EXPECT_TRUE(check_password(password));
    EXPECT_TRUE(seen.insert(password).second);
  }
}

}  // namespace
}  // namespace mintmark::passwords_test
