#include "eventstore/random.h"

#include <array>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/scripted_random.h"

namespace mintmark::testing::random_test {
namespace {

std::vector<std::uint8_t> little_endian(std::initializer_list<std::uint32_t> values) {
  std::vector<std::uint8_t> bytes;
  for (const auto value : values)
    for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
  return bytes;
}

TEST(RandomBelow, StaysBelowItsEnd) {
  SeededRandom random(1);
  for (const std::uint32_t end : {1U, 2U, 3U, 10U, 1'000'000U, 1'000'000'000U, 0x80000001U, UINT32_MAX}) {
    for (int i = 0; i < 2'000; ++i) ASSERT_LT(random.below(end), end);
  }
}

TEST(RandomBelow, DrawsAgainPastTheLastWholeMultiple) {
  // 2^32 - 1 is 1431655765 times 3, so that value would make 0 more likely than the others.
  ScriptedRandom random(little_endian({UINT32_MAX, UINT32_MAX, 7}));
  EXPECT_EQ(random.below(3), 1U);
  EXPECT_TRUE(random.used_up());
  // For an end past 2^31 every second draw or so is rejected; taking it anyway would favour the small.
  ScriptedRandom large(little_endian({0x80000001U, 0xC0000000U, 5}));
  EXPECT_EQ(large.below(0x80000001U), 5U);
  EXPECT_TRUE(large.used_up());
}

TEST(RandomBelow, GivesEveryValueAboutEquallyOften) {
  SeededRandom random(7);
  std::array<int, 10> counts{};
  for (int i = 0; i < 100'000; ++i) ++counts[random.below(10)];
  for (const auto count : counts) {
    EXPECT_GT(count, 9'500);
    EXPECT_LT(count, 10'500);
  }
}

TEST(RandomEventId, IsAUuidOfVersionSeven) {
  const Time now(std::chrono::milliseconds(0x0123456789AB) + std::chrono::microseconds(999));
  ScriptedRandom zeros(std::vector<std::uint8_t>(16, 0x00));
  EXPECT_EQ(zeros.event_id(now).text(), "01234567-89ab-7000-8000-000000000000");
  ScriptedRandom ones(std::vector<std::uint8_t>(16, 0xFF));
  EXPECT_EQ(ones.event_id(now).text(), "01234567-89ab-7fff-bfff-ffffffffffff");
}

TEST(RandomEventId, SortsByTime) {
  SeededRandom random(3);
  const Time start = std::chrono::sys_days(std::chrono::year(2026) / 11 / 23);
  auto before = random.event_id(start);
  for (int i = 1; i < 1'000; ++i) {
    const auto id = random.event_id(start + std::chrono::milliseconds(i));
    EXPECT_LT(before, id);
    before = id;
  }
}

TEST(RandomEventId, SurvivesItsBytes) {
  SeededRandom random(3);
  const auto id = random.event_id(Time());
  EXPECT_EQ(EventId::from_bytes(id.view()), id);
}

TEST(SystemRandomSource, GivesOtherSecretsAndIdsEachTime) {
  SystemRandom random;
  std::set<std::array<std::uint8_t, 20>> secrets;
  std::set<EventId> ids;
  for (int i = 0; i < 1'000; ++i) {
    secrets.insert(random.secret().bytes);
    ids.insert(random.event_id(Time()));
  }
  EXPECT_EQ(secrets.size(), 1'000U);
  EXPECT_EQ(ids.size(), 1'000U);
}

}  // namespace
}  // namespace mintmark::testing::random_test
