#include "projections/last_use.h"

#include <atomic>
#include <latch>
#include <map>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/projections/authorization_fixture.h"

namespace mintmark::last_use_test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST(LastUse, RemembersAUseToTheSecondAndTheNextOnesToTheMinute) {
  std::uint32_t word = 0;
  const LastUse last_use(word);
  EXPECT_EQ(last_use.time(), std::nullopt);
  last_use.note(now + 999'999us);
  EXPECT_EQ(last_use.time(), now);
  last_use.note(now + 59s);
  EXPECT_EQ(last_use.time(), now);
  last_use.note(now + 60s);
  EXPECT_EQ(last_use.time(), now + 60s);
}

TEST(LastUse, IsTakenOnceForEveryUseThatIsRemembered) {
  std::uint32_t word = 0;
  const LastUse last_use(word);
  EXPECT_EQ(last_use.take(), std::nullopt);
  last_use.note(now);
  EXPECT_EQ(last_use.take(), now);
  EXPECT_EQ(last_use.take(), std::nullopt);
  last_use.note(now + 30s);
  EXPECT_EQ(last_use.take(), std::nullopt) << "no use of its own";
  EXPECT_EQ(last_use.time(), now);
  last_use.note(now + 90s);
  EXPECT_EQ(last_use.take(), now + 90s);
}

TEST(LastUse, AClockThatIsSetBackIsBelieved) {
  std::uint32_t word = 0;
  const LastUse last_use(word);
  last_use.note(now + 1000h);
  last_use.note(now);
  EXPECT_EQ(last_use.take(), now);
}

TEST(LastUse, ATimeThatTheWordCannotHoldIsNoUse) {
  std::uint32_t word = 0;
  const LastUse last_use(word);
  last_use.note(Time());
  last_use.note(Time(LastUse::epoch));
  last_use.note(Time(LastUse::epoch + std::chrono::seconds(1LL << 31)));
  EXPECT_EQ(last_use.take(), std::nullopt);
  last_use.note(Time(LastUse::epoch + std::chrono::seconds((1LL << 31) - 1)));
  EXPECT_EQ(last_use.take(), Time(LastUse::epoch + std::chrono::seconds((1LL << 31) - 1)));
}

class UsedTokensTest : public AuthorizationIndexTest {
 protected:
  void use(std::uint32_t n, Time at, std::size_t slot = 0) {
    index_.check(slot, id_of(n), secret_of(n), at,
                 [at](Verdict verdict, const AuthorizationIndex::Identity* identity) {
                   ASSERT_EQ(verdict, Verdict::kAllowed);
                   identity->last_use.note(at);
                 });
  }
  // By their numbers.
  std::map<std::uint32_t, Time> take() {
    std::map<std::uint32_t, Time> taken;
    for (std::size_t part = 0; part < AuthorizationIndex::parts; ++part) {
      for (const auto& used : index_.take_uses(part)) {
        EXPECT_TRUE(taken.emplace(used.token.value(), used.at).second) << used.token.text();
        EXPECT_EQ(used.account,
                  AccountId::from_value(AccountType::kProvider, used.token.value() % 1'000'000));
      }
    }
    return taken;
  }
};

TEST_F(UsedTokensTest, WhatIsUsedIsRememberedAndTakenOnce) {
  apply({created(1), created(2), created(3)});
  EXPECT_EQ(index_.last_use(id_of(1)), std::nullopt);
  use(1, now);
  use(3, now + 5s);
  EXPECT_EQ(index_.last_use(id_of(1)), now);
  EXPECT_EQ(index_.last_use(id_of(2)), std::nullopt);
  EXPECT_EQ(index_.last_use(id_of(4)), std::nullopt) << "there is no such token";
  EXPECT_THAT(take(), UnorderedElementsAre(std::pair(1, now), std::pair(3, now + 5s)));
  EXPECT_THAT(take(), IsEmpty());
  EXPECT_EQ(index_.last_use(id_of(1)), now) << "it is remembered on";
}

// A use is noted in one of the two copies, which every write turns over.
TEST_F(UsedTokensTest, TheNewerUseOfBothCopiesCounts) {
  apply({created(1), created(2)});
  use(1, now);
  apply({created(3)});
  use(1, now + 2min);
  use(2, now + 2min);
  apply({created(4)});
  EXPECT_EQ(index_.last_use(id_of(1)), now + 2min);
  EXPECT_THAT(take(), UnorderedElementsAre(std::pair(1, now + 2min), std::pair(2, now + 2min)));
  EXPECT_THAT(take(), IsEmpty());
}

TEST_F(UsedTokensTest, AUseStaysWithItsTokenWhileOthersComeAndGo) {
  constexpr std::uint32_t tokens = 3'000;
  std::map<std::uint32_t, Time> expected;
  for (std::uint32_t n = 0; n < tokens; ++n) {
    apply({created(n)});
    if (n % 3 == 0) expected[n] = now + std::chrono::seconds(n);
    if (n % 3 == 0) use(n, expected[n]);
    if (n % 7 == 6) apply({deleted(n - 6)});
    if (n % 7 == 6) expected.erase(n - 6);
  }
  for (const auto& [n, at] : expected) ASSERT_EQ(index_.last_use(id_of(n)), at) << n;
  EXPECT_EQ(take(), expected);
}

TEST_F(UsedTokensTest, AUseIsNoPartOfWhatTheIndexIs) {
  apply({created(1)});
  const auto before = index_.fingerprint();
  use(1, now);
  apply({created(2), deleted(2)});
  AuthorizationIndex unused(peppers_);
  last_ = 0;
  unused.apply(std::vector{created(1), created(2), deleted(2)});
  EXPECT_EQ(index_.fingerprint(), unused.fingerprint());
  EXPECT_NE(index_.fingerprint(), before);
}

// Nothing is lost or told twice while tokens are used, written and taken all at once.
TEST_F(UsedTokensTest, EveryUseIsTakenByOneWhileOthersNoteAndWrite) {
  constexpr std::uint32_t tokens = 200;
  constexpr std::size_t readers = 2;
  for (std::uint32_t n = 0; n < tokens; ++n) apply({created(n)});
  std::latch started(readers + 1);
  std::vector<std::jthread> threads;
  for (std::size_t slot = 0; slot < readers; ++slot) {
    threads.emplace_back([&, slot] {
      started.arrive_and_wait();
      for (std::uint32_t n = 0; n < tokens; ++n) use(n, now, slot);
    });
  }
  std::map<std::uint32_t, Time> taken;
  started.arrive_and_wait();
  for (std::uint32_t n = tokens; n < 2 * tokens; ++n) {
    apply({created(n)});
    taken.merge(take());
  }
  threads.clear();
  taken.merge(take());
  EXPECT_EQ(taken.size(), tokens);
  for (const auto& [n, at] : taken) EXPECT_EQ(at, now) << n;
}

}  // namespace
}  // namespace mintmark::last_use_test
