#include "api/pattern.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace mintmark::pattern_test {
namespace {

bool like(std::string_view pattern, std::string_view text) {
  return Pattern::parse(pattern, false).value().matches(text);
}
bool ilike(std::string_view pattern, std::string_view text) {
  return Pattern::parse(pattern, true).value().matches(text);
}

TEST(Pattern, StarsStandForAnyText) {
  EXPECT_TRUE(like("a", "a"));
  EXPECT_FALSE(like("a", "ab"));
  EXPECT_TRUE(like("a*", "ab") && like("*b", "ab") && like("*a*", "bab") && like("*", "") &&
              like("a*b", "ab"));
  EXPECT_FALSE(like("a*a", "a"));
  EXPECT_TRUE(like("*a*b*", "xaxbx"));
  EXPECT_FALSE(like("*b*a*", "ab"));
  EXPECT_TRUE(like("\\*", "*"));
  EXPECT_FALSE(like("\\*", "x"));
  EXPECT_TRUE(like("*\\**", "a*b"));
  EXPECT_TRUE(like("a\\b", "a\\b"));
  EXPECT_FALSE(Pattern::parse("a**", false));
}

TEST(Pattern, CaseIsIgnoredInTheAlphabetsThatFoldWithoutGrowing) {
  EXPECT_TRUE(ilike("*STRASSE", "Hauptstrasse"));
  EXPECT_TRUE(ilike("\xC3\x84*", "\xC3\xA4pfel"));              // Ä, ä
  EXPECT_TRUE(ilike("\xD0\x9F\xD0\xA0*", "\xD0\xBF\xD1\x80"));  // ПР, пр: another lead byte
  EXPECT_TRUE(ilike("*\xCE\xA9", "\xCF\x89"));                  // Ω, ω
  EXPECT_TRUE(ilike("\xC5\xBD", "\xC5\xBE"));                   // Ž, ž
  EXPECT_FALSE(ilike("[", "{"));                                // alike but for the bit of case
  EXPECT_FALSE(ilike("\xC3\x97", "\xC3\xB7"));                  // ×, ÷
  EXPECT_FALSE(like("A", "a"));
}

// The places where the longest piece stands, one by one.
std::vector<std::size_t> naive_candidates(std::string_view text, const std::string& piece, bool ignore_case) {
  std::vector<std::size_t> found;
  for (std::size_t at = 0; at + piece.size() <= text.size(); ++at) {
    const auto part = text.substr(at, piece.size());
    if ((ignore_case ? fold_case(part) : std::string(part)) == piece) found.push_back(at);
  }
  return found;
}

TEST(Pattern, SearchFindsItsTextAnywhereInEitherCase) {
  for (const auto* text : {"b", "B", "*b*", "*B", "bc", "*BC*"}) {
    EXPECT_TRUE(Pattern::search(text).matches("abc")) << text;
    EXPECT_TRUE(Pattern::search(text).matches("ABC")) << text;
    EXPECT_FALSE(Pattern::search(text).matches("acd")) << text;
    EXPECT_FALSE(Pattern::search(text).matches("")) << text;
  }
  EXPECT_FALSE(Pattern::search("{").matches("[")) << "bit 5 is the case of letters alone";
  EXPECT_FALSE(Pattern::search("1").matches("\x11"));
  EXPECT_TRUE(Pattern::search("\\*").matches("a*b"));
  EXPECT_TRUE(Pattern::search("").matches("abc"));
  EXPECT_FALSE(Pattern::parse("*B*", false)->matches("abc"));
}

TEST(Pattern, CandidatesAreAllPlacesOfItsPieceWhereverTheyStand) {
  std::mt19937 engine(11);
  const auto random_text = [&](std::size_t size) {
    std::string text;
    while (text.size() < size)
      text += std::vector<std::string>{"a", "A", "b", "[", "{", "\xC3\x84", "\xC3\xA4"}[engine() % 7];
    return text;
  };
  std::size_t all = 0;
  for (int i = 0; i < 4000; ++i) {
    const auto text = random_text(engine() % 150);
    const bool ignore_case = engine() % 2 == 0;
    const auto pattern = Pattern::parse("*" + random_text(1 + engine() % 3) + "*", ignore_case).value();
    std::vector<std::size_t> found;
    pattern.for_each_candidate(text, [&](std::size_t at) {
      found.push_back(at);
      return at + 1;
    });
    const auto expected = naive_candidates(text, std::string(pattern.piece()), ignore_case);
    ASSERT_EQ(found, expected) << text << " " << pattern.piece();
    EXPECT_EQ(pattern.matches(text), !expected.empty());
    all += found.size();
  }
  EXPECT_GT(all, 4000);
}

}  // namespace
}  // namespace mintmark::pattern_test
